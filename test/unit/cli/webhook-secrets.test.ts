/** The local payment server and the API of `npm start` agree on the secret of webhooks. */
import { expect, it } from 'vitest'

import { homeOf } from '../../../cli/start/home.ts'
import { paymentsArgs, webhookVariable } from '../../../cli/start/parts.ts'
import type { StartPlan } from '../../../cli/start/plan.ts'
import type { RunFile } from '../../../cli/run-file.ts'
import { loadConfig } from '../../../config/config.ts'

// What else is planned and where it runs says nothing of secrets.
const run = { apiUrl: 'http://127.0.0.1:1', paymentsUrl: 'http://127.0.0.1:2' } as RunFile
const plan = (runsPayments: boolean) => ({ runsPayments }) as StartPlan

function agreed(secret: string | undefined) {
  const { secrets } = loadConfig({ STRIPE_WEBHOOK_SECRET: secret })
  const args = paymentsArgs({ run, secrets, home: homeOf('/tmp'), clockUrl: 'http://127.0.0.1:3' })
  const signedWith = args[args.indexOf('--webhook-secret') + 1]
  const taken = webhookVariable({ plan: plan(true), secrets })['STRIPE_WEBHOOK_SECRET']
  return [signedWith, taken]
}

it.each([
  ['nothing is set', undefined, ['whsec_local', 'whsec_local']],
  ['an empty text is set', '', ['whsec_local', 'whsec_local']],
  ['one is set', ' whsec_one ', ['whsec_one', 'whsec_one']],
  ['two are set while it is rolled', 'whsec_new , whsec_old', ['whsec_new', 'whsec_new,whsec_old']],
])('signed is with the newest secret, and taken are all, when %s', (_when, secret, both) => {
  expect(agreed(secret)).toEqual(both)
})

it('a payment server that is not ours leaves the secret alone', () => {
  const { secrets } = loadConfig({ STRIPE_WEBHOOK_SECRET: 'whsec_one' })
  expect(webhookVariable({ plan: plan(false), secrets })).toEqual({})
})
