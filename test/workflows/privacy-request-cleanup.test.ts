/** The weekly move of answered requests to the archive; and against a real database. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { openPrivacyDesk } from '../support/privacy-desk.ts'
import { testPrivacyCleanup } from '../support/privacy-cleanup-rules.ts'
import { fakeRequestCleanup } from '../support/privacy-histories.ts'
import { runOnce } from '../support/run-rules.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})
afterAll(() => rig[Symbol.asyncDispose]())

const JOB = 'privacy-request-cleanup'

testPrivacyCleanup(() => rig, {
  job: JOB,
  activities: (change) => ({ ...fakeRequestCleanup(), ...change }),
  steps: { plan: 'planRequestCleanup', remove: 'archiveRequests', count: 'countRequests' },
  after: [],
  beside: {},
  calendar: { dayOfWeek: 0, hour: 3 },
})

test('archives what was answered more than 90 days ago; younger and open ones stay in the list', async () => {
  await using desk = await openPrivacyDesk('/nowhere')
  const [old, young, open] = [
    await desk.receive('export', 'acct_1'),
    await desk.receive('export', 'acct_2'),
    await desk.receive('export', 'acct_3', 80),
  ]
  for (const [{ requestId }, minutes] of [
    [old, 1],
    [young, -1],
  ] as const) {
    await desk.refuse(requestId)
    await sql`
      update privacy_request set closed_at = now() - interval '90 days'
        - ${minutes}::integer * interval '1 minute' where id = ${requestId}::uuid`.execute(desk.db)
  }
  const run = (input = {}) => runOnce(rig, { job: JOB, input }, desk.activities[JOB])
  expect(await run({ isDryRun: true })).toMatchObject({ items: 1 })
  expect(await run()).toMatchObject({ items: 1, isComplete: true })
  expect(await run()).toMatchObject({ items: 0 })
  const { items } = await desk.list()
  expect(items.map(({ requestId }) => requestId)).toEqual([open.requestId, young.requestId])
  expect(await desk.find(old.requestId)).toMatchObject({
    state: 'REFUSED',
    refusal: 'identity not shown',
    isArchived: true,
  })
})
