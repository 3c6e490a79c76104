/** The run over what the rail tells: pages, what is tried again, what it adds up to. Activities are fakes. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { PaymentEventsActivities } from '../../activities/payment-events.ts'
import { paymentEventsResult } from '../../jobs/payment-events.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import {
  appliedEvents,
  fakePaymentEvents,
  noteCalls,
  type Calls,
} from '../support/fake-activities.ts'
import { failingOnce, inTurn, NEXT_EVENT } from '../support/history-cases.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

async function run(
  change: Partial<PaymentEventsActivities>,
  calls: Calls = [],
): Promise<Record<string, unknown>> {
  return rig.withWorker('payouts', noteCalls(calls, fakePaymentEvents(change)), async () => {
    const { workflowId } = await startJob(rig, { job: 'payment-events', input: {}, trigger: 'cli' })
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

test('lists, applies, looks up, in this order', async () => {
  const calls: Calls = []
  const result = await run({}, calls)
  expect(calls.map(({ name }) => name)).toEqual([
    'listMissedEvents',
    'applyPaymentEvents',
    'checkPayments',
  ])
  expect(paymentEventsResult.parse(result)).toMatchObject({ returned: 0, missed: 0 })
})

test('goes over all pages from where the last one ended, and adds them up', async () => {
  const calls: Calls = []
  const result = await run(
    {
      listMissedEvents: async () => ({ listed: 300, missed: 201 }),
      applyPaymentEvents: inTurn(
        appliedEvents({ returned: 150, 'partly-returned': 1, unchanged: 49 }, NEXT_EVENT),
        appliedEvents({ confirmed: 1, unrelated: 2, waits: 3 }),
      ),
      checkPayments: inTurn(
        { checked: 200, confirmed: 190, returned: 1, stale: 2, hasMore: true },
        { checked: 10, confirmed: 9, returned: 0, stale: 0, hasMore: false },
      ),
    },
    calls,
  )
  expect(
    calls.filter(({ name }) => name === 'applyPaymentEvents').map(({ input }) => input),
  ).toEqual([{ after: null }, { after: NEXT_EVENT }])
  expect(result).toEqual({
    missed: 201,
    confirmed: 200,
    returned: 152,
    unchanged: 49,
    unrelated: 2,
    waiting: 3,
    checked: 210,
    stale: 2,
  })
})

test('goes on after a moment without the rail', async () => {
  const result = await run({ listMissedEvents: failingOnce({ listed: 1, missed: 1 }) })
  expect(result).toMatchObject({ missed: 1 })
})

test('ends although there is always more: the next run goes on', async () => {
  const calls: Calls = []
  await run(
    {
      checkPayments: async () => ({
        checked: 1,
        confirmed: 0,
        returned: 0,
        stale: 0,
        hasMore: true,
      }),
    },
    calls,
  )
  expect(calls.filter(({ name }) => name === 'checkPayments')).toHaveLength(100)
})
