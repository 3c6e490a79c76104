/** The reconciliation run: its steps, what is tried again and what ends it. Activities are fakes. */
import { randomUUID } from 'node:crypto'

import { ApplicationFailure, CancelledFailure } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { ReconciliationActivities } from '../../activities/reconciliation.ts'
import { reconciliationResult } from '../../jobs/reconciliation.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import {
  allMatched,
  fakeReconciliation,
  noteCalls,
  type Calls,
} from '../support/fake-activities.ts'
import { failingOnce, inTurn } from '../support/history-cases.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const QUEUE = 'reports'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

async function start(input: Record<string, unknown> = {}): Promise<string> {
  const workflowId = `reconciliation:${randomUUID()}`
  await startJob(rig, { job: 'RECONCILIATION', input, trigger: 'cli', workflowId })
  return workflowId
}

async function run(
  change: Partial<ReconciliationActivities>,
  { calls = [], input = {} }: { calls?: Calls; input?: Record<string, unknown> } = {},
): Promise<Record<string, unknown>> {
  return rig.withWorker(QUEUE, noteCalls(calls, fakeReconciliation(change)), async () =>
    rig.client.workflow.getHandle(await start(input)).result(),
  )
}

test('lists, compares, remembers how far, in this order', async () => {
  const calls: Calls = []
  const result = await run({}, { calls })
  expect(calls.map(({ name }) => name)).toEqual([
    'beginReconciliation',
    'listTransfers',
    'compareTransfers',
    'finishReconciliation',
  ])
  expect(result).toMatchObject({ provider: 'stripe', listed: 10, matched: 10, isBalanced: true })
  expect(reconciliationResult.safeParse(result).success).toBe(true)
})

test('goes on with the list to its end, and compares the whole of it once', async () => {
  const calls: Calls = []
  const listTransfers = inTurn({ listed: 5_000, next: 'tr_1' }, { listed: 1, next: null })
  await run({ listTransfers }, { calls })
  const cursors = calls
    .filter(({ name }) => name === 'listTransfers')
    .map(({ input }) => (input as { cursor: string | null }).cursor)
  expect(cursors).toEqual([null, 'tr_1'])
  const compared = calls.filter(({ name }) => name === 'compareTransfers')
  expect(compared).toMatchObject([{ input: { listed: 5_001 } }])
})

test('passes on since when it is to compare', async () => {
  const calls: Calls = []
  await run({}, { calls, input: { since: '2013-02-01T00:00:00.000Z' } })
  expect(calls[0]?.input).toMatchObject({ since: '2013-02-01T00:00:00.000Z' })
})

test('accounts that do not hold what they should are told in the result', async () => {
  const equal = { escrowMinor: '7', exposureMinor: '7', payableMinor: '0', unpaidMinor: '0' }
  const matched = { currency: 'USD', listedMinor: '0', matchedMinor: '0', submittedMinor: '1' }
  const totals = [{ ...matched, ...equal, inFlightMinor: '2' }]
  const result = await run({ compareTransfers: async () => allMatched(0, { totals }) })
  expect(result).toMatchObject({ isBalanced: false, totals })
})

test('a rail that is away for a moment is asked again', async () => {
  const listTransfers = failingOnce({ listed: 3, next: null })
  expect(await run({ listTransfers })).toMatchObject({ listed: 3 })
})

test('fails with the reason when a step is refused, and does not move on', async () => {
  const calls: Calls = []
  const activities = fakeReconciliation({
    compareTransfers: async () => {
      throw ApplicationFailure.nonRetryable('check violated', 'DatabaseRefused')
    },
  })
  await rig.withWorker(QUEUE, noteCalls(calls, activities), async () => {
    // One attempt: the job's own next one begins a minute later.
    const handle = await rig.client.workflow.start('reconciliation', {
      args: [{}],
      taskQueue: QUEUE,
      workflowId: `reconciliation:${randomUUID()}`,
    })
    const failed = handle.result()
    await expect(failed).rejects.toMatchObject({ cause: { type: 'DatabaseRefused' } })
  })
  expect(calls.map(({ name }) => name)).not.toContain('finishReconciliation')
})

test('a cancelled run ends as cancelled, and its step is told', async () => {
  const begun = Promise.withResolvers<void>()
  let wasTold = false
  const activities = fakeReconciliation({
    listTransfers: async () => {
      const { startHeartbeats } = await import('../../activities/heartbeats.ts')
      using heartbeats = startHeartbeats()
      begun.resolve()
      await new Promise((resolve) => heartbeats.signal.addEventListener('abort', resolve))
      wasTold = true
      throw new CancelledFailure('cancelled')
    },
  })
  await rig.withWorker(QUEUE, activities, async () => {
    const handle = rig.client.workflow.getHandle(await start())
    await begun.promise
    await handle.cancel()
    await expect(handle.result()).rejects.toThrow()
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    await expect.poll(() => wasTold, { timeout: 10_000 }).toBe(true)
  })
})

test('a run that outlasts its time is timed out', async () => {
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const activities = fakeReconciliation({
    listTransfers: async () => {
      begun.resolve()
      await ended.promise
      return { listed: 0, next: null }
    },
  })
  await rig.withWorker(QUEUE, activities, async () => {
    const handle = await rig.client.workflow.start('reconciliation', {
      args: [{}],
      taskQueue: QUEUE,
      workflowId: `reconciliation:${randomUUID()}`,
      workflowRunTimeout: '2 seconds',
    })
    await begun.promise
    await expect(handle.result()).rejects.toThrow()
    expect((await handle.describe()).status.name).toBe('TIMED_OUT')
    ended.resolve()
  })
})
