/** The run of a review case and the sweep: what they wait for, what ends them, what is refused. */
import { randomUUID } from 'node:crypto'

import { ApplicationFailure, WorkflowUpdateFailedError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { ReviewOrchestrationActivities } from '../../activities/review-orchestration.ts'
import { reviewOrchestrationResult } from '../../jobs/review-orchestration.ts'
import { createReviewRuns } from '../../platform/temporal/review-runs.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import {
  fakeReviewOrchestration,
  noteCalls,
  over,
  tended,
  type Calls,
} from '../support/fake-activities.ts'
import { failingOnce, inTurn, NOTE, untilState } from '../support/history-cases.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const QUEUE = 'notifications'
const LONG_MS = 600_000

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})
afterAll(() => rig[Symbol.asyncDispose]())

async function start(input: Record<string, unknown>): Promise<string> {
  const job = 'REVIEW_ORCHESTRATION'
  return (await startJob(rig, { job, input, trigger: 'cli' })).workflowId
}

/** Runs a case to its end; `operate` acts while it is open. */
async function runCase(
  change: Partial<ReviewOrchestrationActivities>,
  operate: (workflowId: string) => Promise<void> = async () => undefined,
  calls: Calls = [],
): Promise<Record<string, unknown>> {
  const activities = noteCalls(calls, fakeReviewOrchestration(change))
  return rig.withWorker(QUEUE, activities, async () => {
    const workflowId = await start({ caseId: randomUUID() })
    await operate(workflowId)
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

function decide(workflowId: string, verdict: Record<string, unknown>): Promise<unknown> {
  const handle = rig.client.workflow.getHandle(workflowId)
  return handle.executeUpdate('decide', { args: [verdict] })
}

/** Open and waiting for long until `isOver`. */
function openUntil(isOver: () => boolean): Pick<ReviewOrchestrationActivities, 'tendReview'> {
  return { tendReview: async () => (isOver() ? over('PAID') : tended({ wallMs: LONG_MS })) }
}

/** The run has looked at its case once and waits. */
async function untilLooked(workflowId: string): Promise<void> {
  const handle = rig.client.workflow.getHandle(workflowId)
  const looks = async () => (await handle.query<{ looks: number }>('progress')).looks
  await expect.poll(looks, { timeout: 20_000 }).toBeGreaterThan(0)
}

describe('the run of a case', () => {
  test('looks again after each wait and ends when the case has', async () => {
    const tendReview = inTurn(tended(), tended(), over('DECIDED_BY_DATA'))
    const result = await runCase({ tendReview })
    expect(result).toMatchObject({ resolution: 'DECIDED_BY_DATA', looks: 3 })
    expect(reviewOrchestrationResult.safeParse(result).success).toBe(true)
  })

  test('ends at once when a person decides through it', async () => {
    let isDecided = false
    const calls: Calls = []
    const fakes = fakeReviewOrchestration()
    const change: Partial<ReviewOrchestrationActivities> = {
      ...openUntil(() => isDecided),
      decideReview: async (verdict) => {
        isDecided = true
        return fakes.decideReview(verdict)
      },
    }
    const result = await runCase(
      change,
      async (id) => {
        await untilLooked(id)
        const decided = await decide(id, { ...NOTE, outcome: 'pay', bps: 3_000 })
        expect(decided).toMatchObject({ state: 'RESOLVED', policiesPaid: 1 })
      },
      calls,
    )
    expect(result).toMatchObject({ resolution: 'PAID', looks: 2 })
    const [call] = calls.filter(({ name }) => name === 'decideReview')
    expect(call?.input).toMatchObject({ ...NOTE, outcome: 'pay', bps: 3_000 })
  })

  test('tells a refusal as it is, and stays open', async () => {
    let isOver = false
    await runCase(
      {
        ...openUntil(() => isOver),
        decideReview: async () => {
          throw ApplicationFailure.nonRetryable('user:ben has claimed the case', 'Conflict')
        },
      },
      async (id) => {
        const refused = decide(id, { ...NOTE, outcome: 'deny' })
        await expect(refused).rejects.toBeInstanceOf(WorkflowUpdateFailedError)
        await expect(refused).rejects.toMatchObject({
          cause: { message: 'user:ben has claimed the case', type: 'Conflict' },
        })
        isOver = true
        await rig.client.workflow.getHandle(id).signal('look')
      },
    )
  })

  test.each([
    ['nobody', { reason: 'r', outcome: 'deny' }],
    ['no reason', { by: 'user:ana', reason: ' ', outcome: 'deny' }],
    ['no outcome', NOTE],
    ['a payment of nothing', { ...NOTE, outcome: 'pay', bps: 0 }],
    ['a wait without an end', { ...NOTE, outcome: 'wait' }],
  ])('refuses %s before anything is written', async (_name, verdict) => {
    let isOver = false
    const calls: Calls = []
    await runCase(
      openUntil(() => isOver),
      async (id) => {
        await expect(decide(id, verdict)).rejects.toBeInstanceOf(WorkflowUpdateFailedError)
        isOver = true
        await rig.client.workflow.getHandle(id).signal('look')
      },
      calls,
    )
    expect(calls.map(({ name }) => name)).not.toContain('decideReview')
  })

  test('tells where the case stands', async () => {
    let isOver = false
    const tendReview = async () =>
      isOver ? over('DENIED') : tended({ state: 'CLAIMED', assignee: 'user:ana', wallMs: LONG_MS })
    await runCase({ tendReview }, async (id) => {
      await untilState(rig, id, 'CLAIMED')
      expect(await rig.client.workflow.getHandle(id).query('progress')).toMatchObject({
        assignee: 'user:ana',
        looks: 1,
      })
      isOver = true
      await rig.client.workflow.getHandle(id).signal('look')
    })
  })

  test('goes on when a look fails for a moment', async () => {
    const result = await runCase({ tendReview: failingOnce(over('REASON_GONE')) })
    expect(result).toMatchObject({ resolution: 'REASON_GONE' })
  })

  test('is one however often it is started, and is woken by its id', async () => {
    const runs = createReviewRuns(rig)
    const caseId = randomUUID()
    let isOver = false
    let looks = 0
    const { tendReview } = openUntil(() => isOver)
    const change = {
      tendReview: async (input: { readonly caseId: string }) => {
        looks += 1
        return tendReview(input)
      },
    }
    await rig.withWorker(QUEUE, fakeReviewOrchestration(change), async () => {
      await Promise.all([runs.start(caseId), runs.start(caseId), runs.start(caseId)])
      const id = `review-orchestration:${caseId}`
      await untilLooked(id)
      isOver = true
      await runs.wake(caseId)
      await rig.client.workflow.getHandle(id).result()
      await runs.wake(caseId)
    })
    expect(looks).toBe(2)
  })
})

test('a run without a case is one sweep, and tells what waits', async () => {
  const swept = { closed: 3, started: 100, ended: 1, open: 100, waiting: 4_900 }
  const result = await rig.withWorker(
    QUEUE,
    fakeReviewOrchestration({ sweepReviews: async () => swept }),
    async () => rig.client.workflow.getHandle(await start({})).result(),
  )
  expect(result).toEqual({ ...swept, resolution: null, looks: 0 })
})
