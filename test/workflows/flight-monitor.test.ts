/** The tick: what it does in which order, what ends it and what does not. Activities are fakes. */
import { randomUUID } from 'node:crypto'

import { ApplicationFailure, CancelledFailure, WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import type { FlightMonitorActivities } from '../../activities/flight-monitor.ts'
import { flightMonitorResult } from '../../jobs/flight-monitor.ts'
import { allJobs, type AnyJob } from '../../jobs/registry.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import {
  BUSINESS_NOW,
  fakeFlightMonitor,
  noteCalls,
  type Calls,
} from '../support/fake-activities.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let rig: TemporalRig
let calls: Calls

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

beforeEach(() => {
  calls = []
})

const names = (): string[] => calls.map(({ name }) => name)

/** Runs one tick to its end. */
async function tick(
  change: Partial<FlightMonitorActivities>,
  input: Record<string, unknown> = {},
): Promise<{ workflowId: string; result: Record<string, unknown> }> {
  return rig.withWorker('monitoring', noteCalls(calls, fakeFlightMonitor(change)), async () => {
    const { workflowId } = await startJob(rig, {
      job: 'flight-monitor',
      input,
      trigger: 'cli',
      workflowId: `flight-monitor:${randomUUID()}`,
    })
    const result: Record<string, unknown> = await rig.client.workflow.getHandle(workflowId).result()
    return { workflowId, result }
  })
}

const shards = [['a', 'b'], ['c']]
const threeLegs = async () => ({ now: BUSINESS_NOW, due: 3, claimed: 3, shards })

describe('a tick over nothing due', () => {
  test('claims, starts what is left over, accounts for coverage, and is done', async () => {
    const { workflowId, result } = await tick({})
    expect(names()).toEqual(['claimDueLegs', 'startPayouts', 'checkCoverage'])
    expect(result).toMatchObject({ due: 0, businessNow: BUSINESS_NOW, coverage: { overdue: 0 } })
    expect(flightMonitorResult.safeParse(result).success).toBe(true)
    const { historyLength } = await rig.client.workflow.getHandle(workflowId).describe()
    expect(historyLength).toBeLessThanOrEqual(20)
  })
})

describe('a tick over due legs', () => {
  test('polls each shard, then decides what may be decided in one step', async () => {
    const { result } = await tick({
      claimDueLegs: threeLegs,
      pollLegs: async ({ legIds }) => ({
        polled: legIds.length,
        changed: 1,
        failed: 0,
        decidableLegIds: legIds.filter((id) => id !== 'b'),
      }),
      decideLegs: async () => ({
        evaluations: 2,
        policiesPaid: 7,
        policiesNotPaid: 1,
        policiesInReview: 0,
        payoutsCreated: 7,
      }),
      startPayouts: async () => ({ batchesStarted: 1 }),
    })
    expect(calls.find(({ name }) => name === 'decideLegs')?.input).toEqual({ legIds: ['a', 'c'] })
    expect(names().filter((name) => name === 'pollLegs')).toHaveLength(2)
    expect(result).toMatchObject({
      polled: 3,
      changed: 2,
      policiesPaid: 7,
      payoutsCreated: 7,
      batchesStarted: 1,
    })
  })

  test('decides nothing when no leg may be decided', async () => {
    await tick({ claimDueLegs: threeLegs })
    expect(names()).not.toContain('decideLegs')
  })

  test('goes on with the next page while pages are full', async () => {
    let pages = 0
    await tick({
      claimDueLegs: async ({ limit }) => {
        pages += 1
        const claimed = pages < 3 ? limit : 1
        return { now: BUSINESS_NOW, due: 4_001, claimed, shards: [['a']] }
      },
    })
    expect(names().filter((name) => name === 'claimDueLegs')).toHaveLength(3)
  })

  test('claims every page under one name, so that a repeated run gets its legs back', async () => {
    let pages = 0
    const { workflowId } = await tick({
      claimDueLegs: async ({ limit }) => {
        pages += 1
        return { now: BUSINESS_NOW, due: 2_001, claimed: pages < 2 ? limit : 1, shards: [['a']] }
      },
    })
    const claimedBy = calls
      .filter(({ name }) => name === 'claimDueLegs')
      .map(({ input }) => (input as { claimedBy: string }).claimedBy)
    expect(new Set(claimedBy).size).toBe(1)
    expect(claimedBy[0]).toMatch(new RegExp(`^${workflowId}/`))
  })

  test('gives up a shard that fails for good, and does the rest', async () => {
    const { result } = await tick({
      claimDueLegs: threeLegs,
      pollLegs: async ({ legIds }) => {
        if (legIds[0] === 'a') throw ApplicationFailure.nonRetryable('broken', 'Unexpected')
        return { polled: 1, changed: 0, failed: 0, decidableLegIds: ['c'] }
      },
    })
    expect(result).toMatchObject({ failedShards: 1, polled: 1 })
    expect(names()).toContain('decideLegs')
  })

  test('tries a step again that failed for a moment', async () => {
    let tries = 0
    const { result } = await tick({
      decideLegs: async () => {
        throw ApplicationFailure.nonRetryable('never called', 'Unexpected')
      },
      startPayouts: async () => {
        tries += 1
        if (tries === 1) throw ApplicationFailure.retryable('gone for a moment', 'Unexpected')
        return { batchesStarted: 0 }
      },
    })
    expect(result).toMatchObject({ batchesStarted: 0 })
    expect(tries).toBe(2)
  })

  test('fails with the reason when deciding is refused', async () => {
    const failed = tick({
      claimDueLegs: threeLegs,
      pollLegs: async () => ({ polled: 1, changed: 1, failed: 0, decidableLegIds: ['a'] }),
      decideLegs: async () => {
        throw ApplicationFailure.nonRetryable('check violated', 'DatabaseRefused')
      },
    })
    await expect(failed).rejects.toMatchObject({
      cause: { type: 'DatabaseRefused', message: 'check violated' },
    })
  })
})

describe('a tick over one policy', () => {
  test('polls that leg, due or not, and says nothing of coverage', async () => {
    const { result } = await tick({}, { policyId: 'P-1' })
    expect(calls[0]).toMatchObject({ name: 'findPolicyLeg', input: { policyId: 'P-1' } })
    expect(names()).not.toContain('claimDueLegs')
    expect(result).toMatchObject({ polled: 1, coverage: null })
  })

  test('fails when there is no such policy', async () => {
    const failed = tick(
      {
        findPolicyLeg: async () => {
          throw ApplicationFailure.nonRetryable('no policy P-2', 'NotFound')
        },
      },
      { policyId: 'P-2' },
    )
    await expect(failed).rejects.toMatchObject({ cause: { type: 'NotFound' } })
  })
})

test('a cancelled tick ends as cancelled, and its steps are told', async () => {
  let wasTold = false
  const activities = fakeFlightMonitor({
    claimDueLegs: threeLegs,
    pollLegs: async () => {
      const { startHeartbeats } = await import('../../activities/heartbeats.ts')
      using heartbeats = startHeartbeats()
      begun.resolve()
      await new Promise((resolve) => heartbeats.signal.addEventListener('abort', resolve))
      wasTold = true
      throw new CancelledFailure('cancelled')
    },
  })
  const begun = Promise.withResolvers<void>()
  await rig.withWorker('monitoring', activities, async () => {
    const { workflowId } = await startJob(rig, {
      job: 'flight-monitor',
      input: {},
      trigger: 'cli',
      workflowId: `flight-monitor:${randomUUID()}`,
    })
    const handle = rig.client.workflow.getHandle(workflowId)
    await begun.promise
    await handle.cancel()
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError)
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    await expect.poll(() => wasTold, { timeout: 10_000 }).toBe(true)
  })
})

test('a scheduled tick works on its nominal time and carries its labels', async () => {
  await rig.withWorker('monitoring', fakeFlightMonitor(), async () => {
    await applySchedules(rig, { speed: 120, jobs: allJobs().filter(isMonitor) })
    const query = 'JobTrigger = "schedule" AND ExecutionStatus = "Completed"'
    await expect.poll(() => firstOf(query), { timeout: 20_000 }).toBeDefined()
    await applySchedules(rig, { speed: 120, jobs: [] })
    const run = await firstOf(query)
    const nominal = run?.workflowId.replace('flight-monitor-', '')
    const handle = rig.client.workflow.getHandle(run?.workflowId ?? '')
    const { nominalAt } = await handle.result()
    expect(nominalAt).toBe(new Date(nominal ?? '').toISOString())
    const description = await handle.describe()
    expect(await description.staticSummary()).toMatch(/^Watches every insured flight leg/)
    expect(description.priority?.priorityKey).toBe(2)
  })
})

const isMonitor = (job: AnyJob): boolean => job.name === 'flight-monitor'

async function firstOf(query: string) {
  for await (const run of rig.client.workflow.list({ query })) return run
  return undefined
}
