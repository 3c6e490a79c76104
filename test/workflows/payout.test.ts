/** The payout run: rounds until nothing is open, waits, operators' updates. Activities are fakes. */
import { randomUUID } from 'node:crypto'

import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { beforeAll, describe, expect } from 'vitest'

import type { Submission } from '../../activities/payout.ts'
import { payoutResult } from '../../jobs/payout.ts'
import { JobConflictError, startJob } from '../../platform/temporal/job-starter.ts'
import { allSettled, fakePayout } from '../support/fake-activities.ts'
import { heldUntilApproved, inTurn, NOTE, untilState } from '../support/history-cases.ts'
import { test } from '../support/payout-desk.ts'
import { testBundle } from '../support/workflow-bundle.ts'

beforeAll(() => testBundle())

const ids = (count: number): string[] => Array.from({ length: count }, () => randomUUID())
const unknown = (settled: number, unknownPayoutIds: string[]): Submission => ({
  settled,
  rejectedPayoutIds: [],
  unknownPayoutIds,
})

describe.concurrent('a batch', () => {
  test('is approved and paid in two steps', async ({ desk: { calls, withRun } }) => {
    const result = await withRun(fakePayout(), async (handle) => {
      const end: unknown = await handle.result()
      expect((await handle.describe()).historyLength).toBeLessThanOrEqual(18)
      return end
    })
    expect(calls.map(({ name }) => name)).toEqual(['approvePayouts', 'submitPayouts'])
    expect(result).toEqual({ settled: 10, rejected: 0, cancelled: 0, stragglers: 0, rounds: 1 })
    expect(payoutResult.safeParse(result).success).toBe(true)
  })

  test('ends when the rail refuses some: they are in review, not in doubt', async ({
    desk: { runToEnd },
  }) => {
    const result = await runToEnd({
      submitPayouts: async () => ({ settled: 8, rejectedPayoutIds: ids(2), unknownPayoutIds: [] }),
    })
    expect(result).toMatchObject({ settled: 8, rejected: 2, rounds: 1 })
  })

  test('ends with what the rail will confirm counted, and is not looked up', async ({
    desk: { countOf, runToEnd },
  }) => {
    const result = await runToEnd({
      submitPayouts: async () => ({ ...allSettled(3), inTransit: 7 }),
    })
    expect(result).toEqual({
      settled: 3,
      rejected: 0,
      cancelled: 0,
      stragglers: 0,
      rounds: 1,
      inTransit: 7,
    })
    expect(payoutResult.safeParse(result).success).toBe(true)
    expect(countOf('resolvePayouts')).toBe(0)
  })

  test('of which the rail accepted most loses the few in doubt', async ({
    desk: { withRun, endsOf },
  }) => {
    const stragglers = ids(2)
    const activities = fakePayout({
      submitPayouts: async (target) =>
        'payoutIds' in target ? allSettled(1) : { ...unknown(0, stragglers), inTransit: 8 },
    })
    await withRun(activities, async (handle) => {
      expect(await handle.result()).toMatchObject({ stragglers: 2, inTransit: 8, rounds: 3 })
      await endsOf(stragglers)
    })
  })

  test('stays together through an outage, looks up from the third round, and is paid', async ({
    desk: { calls, countOf, runToEnd },
  }) => {
    const result = await runToEnd({
      submitPayouts: inTurn(
        unknown(2, ids(8)),
        unknown(2, ids(8)),
        unknown(2, ids(8)),
        allSettled(10),
      ),
    })
    expect(result).toMatchObject({ settled: 10, stragglers: 0, rounds: 4 })
    expect(countOf('resolvePayouts')).toBe(1)
    expect(
      calls.filter(({ name }) => name === 'planPayoutRetry').map(({ input }) => input),
    ).toEqual([1, 2, 3].map((rounds) => ({ kind: 'outage', rounds })))
  })

  test('keeps a few stragglers for two rounds, then they go alone', async ({
    desk: { withRun, endsOf },
  }) => {
    const stragglers = ids(2)
    const activities = fakePayout({
      submitPayouts: async (target) =>
        'payoutIds' in target ? allSettled(1) : unknown(8, stragglers),
    })
    await withRun(activities, async (handle) => {
      expect(await handle.result()).toMatchObject({ settled: 8, stragglers: 2, rounds: 3 })
      expect(await endsOf(stragglers)).toMatchObject([{ settled: 1 }, { settled: 1 }])
    })
  })

  test('of which half is in doubt loses stragglers', async ({ desk: { withRun, endsOf } }) => {
    const stragglers = ids(5)
    const activities = fakePayout({
      submitPayouts: async (target) =>
        'payoutIds' in target ? allSettled(1) : unknown(5, stragglers),
    })
    await withRun(activities, async (handle) => {
      expect(await handle.result()).toMatchObject({ stragglers: 5, rounds: 3 })
      expect(await endsOf(stragglers)).toHaveLength(5)
    })
  })

  test('of which more than half is in doubt stays together', async ({ desk: { runToEnd } }) => {
    const doubtful = ids(6)
    let round = 0
    const result = await runToEnd({
      submitPayouts: async () => {
        round += 1
        return round < 4 ? unknown(4, doubtful) : allSettled(10)
      },
    })
    expect(result).toMatchObject({ stragglers: 0, settled: 10, rounds: 4 })
  })

  test('does not wait when a look-up has settled all', async ({ desk: { countOf, runToEnd } }) => {
    const result = await runToEnd({
      submitPayouts: inTurn(
        unknown(0, ids(4)),
        unknown(0, ids(4)),
        unknown(0, ids(4)),
        allSettled(4),
      ),
      resolvePayouts: async () => ({ open: 0 }),
    })
    expect(result).toMatchObject({ settled: 4, rounds: 4 })
    expect(countOf('planPayoutRetry')).toBe(2)
  })

  test('survives a step that fails for a moment', async ({ desk: { runToEnd } }) => {
    let tries = 0
    const result = await runToEnd({
      submitPayouts: async () => {
        tries += 1
        if (tries === 1) throw ApplicationFailure.retryable('away', 'DatabaseUnavailable')
        return allSettled(10)
      },
    })
    expect(result).toMatchObject({ settled: 10, rounds: 1 })
  })

  test('is not started again once it was paid', async ({ desk: { rig, runToEnd } }) => {
    const input = { batchId: randomUUID() }
    await runToEnd({}, input)
    await expect(startJob(rig, { job: 'payout', input, trigger: 'run' })).rejects.toBeInstanceOf(
      JobConflictError,
    )
  })

  test('is joined while it is open', async ({ desk: { rig } }) => {
    const input = { batchId: randomUUID() }
    const first = await startJob(rig, { job: 'payout', input, trigger: 'run' })
    const second = await startJob(rig, { job: 'payout', input, trigger: 'run' })
    expect(second).toEqual(first)
    await rig.client.workflow.getHandle(first.workflowId).terminate()
  })

  test('may be started again after it was terminated', async ({ desk: { rig, runToEnd } }) => {
    const input = { batchId: randomUUID() }
    const { workflowId } = await startJob(rig, { job: 'payout', input, trigger: 'run' })
    await rig.client.workflow.getHandle(workflowId).terminate()
    expect(await runToEnd({}, input)).toMatchObject({ settled: 10 })
  })
})

describe.concurrent('held payouts', () => {
  test('wait until a person approves them', async ({ desk: { rig, calls, withRun } }) => {
    const result = await withRun(heldUntilApproved(), async (handle) => {
      await untilState(rig, handle.workflowId, 'held')
      expect(await stateOf(handle)).toBe('held')
      const approval = await handle.executeUpdate('approve', { args: [NOTE] })
      expect(approval).toEqual({ approved: 10, held: 0 })
      return handle.result()
    })
    expect(result).toMatchObject({ settled: 10 })
    const { input } = calls.find(({ name, input: given }) => {
      return (
        name === 'approvePayouts' && (given as { approvedBy?: string }).approvedBy !== undefined
      )
    }) ?? { input: null }
    expect(input).toMatchObject({ approvedBy: NOTE.by })
  })

  test('go on by themselves when the switch is lifted', async ({ desk: { runToEnd } }) => {
    let looks = 0
    const result = await runToEnd({
      approvePayouts: async () => {
        looks += 1
        return looks < 3 ? { approved: 0, held: 10 } : { approved: 10, held: 0 }
      },
      submitPayouts: async () => allSettled(looks < 3 ? 0 : 10),
    })
    expect(result).toMatchObject({ settled: 10, rounds: 3 })
  })

  test('of a rail without balance wait together, are not looked up, never park, and go on', async ({
    desk: { calls, countOf, runToEnd },
  }) => {
    const dry = ids(10)
    let rounds = 0
    const result = await runToEnd({
      submitPayouts: async () => {
        rounds += 1
        return rounds < 5 ? { ...unknown(0, dry), heldPayoutIds: dry } : allSettled(10)
      },
    })
    expect(result).toMatchObject({ settled: 10, stragglers: 0, rounds: 5 })
    expect(countOf('resolvePayouts')).toBe(0)
    expect(
      calls.filter(({ name }) => name === 'planPayoutRetry').map(({ input }) => input),
    ).toEqual([1, 2, 3, 4].map((round) => ({ kind: 'held', rounds: round })))
  })

  test('beside doubtful ones: only the doubtful are looked up', async ({
    desk: { calls, runToEnd },
  }) => {
    const [held = '', doubtful = ''] = ids(2)
    let rounds = 0
    await runToEnd({
      submitPayouts: async () => {
        rounds += 1
        return rounds < 4
          ? { ...unknown(0, [held, doubtful]), heldPayoutIds: [held] }
          : allSettled(2)
      },
    })
    expect(calls.find(({ name }) => name === 'resolvePayouts')?.input).toEqual({
      payoutIds: [doubtful],
    })
  })

  test('tell the person who may not approve why, and wait on', async ({
    desk: { rig, calls, withRun },
  }) => {
    const message = 'ines already gave the first approval'
    const activities = fakePayout({
      approvePayouts: async ({ approvedBy }) => {
        if (approvedBy === NOTE.by) throw ApplicationFailure.nonRetryable(message, 'Conflict')
        return approvedBy === undefined ? { approved: 0, held: 10 } : { approved: 10, held: 0 }
      },
      submitPayouts: inTurn(allSettled(0), allSettled(10)),
      planPayoutRetry: async () => ({ action: 'wait', wallMs: 60_000 }),
    })
    await withRun(activities, async (handle) => {
      await untilState(rig, handle.workflowId, 'held')
      const refused = handle.executeUpdate('approve', { args: [NOTE] })
      await expect(refused).rejects.toMatchObject({ cause: { message, type: 'Conflict' } })
      expect(await stateOf(handle)).toBe('held')
      await handle.terminate()
    })
    expect(calls.find(({ input }) => hasReason(input))?.input).toMatchObject({
      approvedBy: NOTE.by,
      reason: NOTE.reason,
    })
  })

  test('are cancelled on request, and the run ends', async ({ desk: { rig, calls, withRun } }) => {
    let isCancelled = false
    const activities = fakePayout({
      approvePayouts: async () => ({ approved: 0, held: isCancelled ? 0 : 10 }),
      submitPayouts: async () => allSettled(0),
      cancelPayouts: async () => {
        isCancelled = true
        return { cancelled: 10, refused: 0 }
      },
      planPayoutRetry: async () => ({ action: 'wait', wallMs: 60_000 }),
    })
    const result = await withRun(activities, async (handle) => {
      await untilState(rig, handle.workflowId, 'held')
      await handle.executeUpdate('cancel', { args: [NOTE] })
      return handle.result()
    })
    expect(result).toMatchObject({ settled: 0, cancelled: 10 })
    expect(calls.find(({ name }) => name === 'cancelPayouts')?.input).toMatchObject(NOTE)
  })

  test('an update that does not say who asks is refused and changes nothing', async ({
    desk: { rig, withRun },
  }) => {
    await withRun(heldUntilApproved(), async (handle) => {
      await untilState(rig, handle.workflowId, 'held')
      const refused = handle.executeUpdate('approve', { args: [{ by: ' ', reason: 'x' }] })
      await expect(refused).rejects.toBeInstanceOf(WorkflowUpdateFailedError)
      expect(await stateOf(handle)).toBe('held')
      await handle.executeUpdate('approve', { args: [NOTE] })
      await handle.result()
    })
  })
})

describe.concurrent('when nothing helps', () => {
  test('the run parks with review cases, stays open, and goes on when told to', async ({
    desk: { rig, calls, withRun },
  }) => {
    const doubtful = ids(3)
    let isBack = false
    const activities = fakePayout({
      submitPayouts: async () => (isBack ? allSettled(3) : unknown(0, doubtful)),
      planPayoutRetry: async () => ({ action: 'park' }),
    })
    const result = await withRun(activities, async (handle) => {
      await untilState(rig, handle.workflowId, 'parked')
      const parked = 'JobState = "parked" AND ExecutionStatus = "Running"'
      await expect.poll(() => rig.client.workflow.count(parked)).toMatchObject({ count: 1 })
      isBack = true
      await handle.executeUpdate('retry', { args: [NOTE] })
      return handle.result()
    })
    expect(calls.find(({ name }) => name === 'openPayoutReviews')?.input).toEqual({
      payoutIds: doubtful,
      reason: 'PAYOUT_UNSETTLED',
    })
    expect(result).toMatchObject({ settled: 3, rounds: 2 })
  })
})

describe.concurrent('one payout alone', () => {
  test('is sent again and again with its own plan of waits', async ({
    desk: { calls, runToEnd },
  }) => {
    const [payoutId = ''] = ids(1)
    const doubt = unknown(0, [payoutId])
    const result = await runToEnd(
      { submitPayouts: inTurn(doubt, doubt, doubt, allSettled(1)) },
      { payoutId },
    )
    expect(result).toMatchObject({ settled: 1, stragglers: 0, rounds: 4 })
    expect(calls.find(({ name }) => name === 'submitPayouts')?.input).toEqual({
      payoutIds: [payoutId],
    })
    expect(calls.find(({ name }) => name === 'planPayoutRetry')?.input).toMatchObject({
      kind: 'straggler',
    })
    expect(calls.find(({ name }) => name === 'resolvePayouts')?.input).toEqual({
      payoutIds: [payoutId],
    })
  })
})

test('a cancelled run ends as cancelled and leaves its payouts to a later one', async ({
  desk: { rig, countOf, withRun },
}) => {
  await withRun(heldUntilApproved(), async (handle) => {
    await untilState(rig, handle.workflowId, 'held')
    await handle.cancel()
    await expect(handle.result()).rejects.toThrow(/cancelled/i)
    expect((await handle.describe()).status.name).toBe('CANCELLED')
  })
  expect(countOf('cancelPayouts')).toBe(0)
})

const hasReason = (input: unknown): boolean =>
  typeof input === 'object' && input !== null && 'reason' in input

async function stateOf(handle: WorkflowHandle): Promise<string> {
  const { state } = await handle.query<{ state: string }>('progress')
  return state
}
