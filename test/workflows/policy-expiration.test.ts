/** The sweep at the end of cover: its steps, what ends it and what does not. Activities are fakes. */
import { randomUUID } from 'node:crypto'

import { ApplicationFailure, CancelledFailure } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { PolicyExpirationActivities } from '../../activities/policy-expiration.ts'
import { policyExpirationResult } from '../../jobs/policy-expiration.ts'
import { findJob } from '../../jobs/registry.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import {
  BUSINESS_NOW,
  expiryStep,
  fakePolicyExpiration,
  noteCalls,
  type Calls,
} from '../support/fake-activities.ts'
import { failingOnce, inTurn, NEXT_PLACE } from '../support/history-cases.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const QUEUE = 'maintenance'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

async function start(): Promise<string> {
  const workflowId = `policy-expiration:${randomUUID()}`
  await startJob(rig, { job: 'POLICY_EXPIRATION', input: {}, trigger: 'cli', workflowId })
  return workflowId
}

async function run(
  change: Partial<PolicyExpirationActivities>,
  calls: Calls = [],
): Promise<Record<string, unknown>> {
  return rig.withWorker(QUEUE, noteCalls(calls, fakePolicyExpiration(change)), async () =>
    rig.client.workflow.getHandle(await start()).result(),
  )
}

test('one step is enough when nothing is due', async () => {
  const result = await run({})
  expect(result).toMatchObject({ businessNow: BUSINESS_NOW, expired: 0, isComplete: true })
  expect(policyExpirationResult.safeParse(result).success).toBe(true)
})

test('goes on where the last step ended, and adds up', async () => {
  const calls: Calls = []
  const decided = {
    evaluations: 1,
    policiesPaid: 2,
    policiesNotPaid: 1,
    policiesInReview: 1,
    payoutsCreated: 2,
  }
  const first = { after: NEXT_PLACE, oldestOpen: BUSINESS_NOW, isComplete: false }
  const result = await run(
    {
      expirePolicies: inTurn(
        expiryStep(500, first),
        expiryStep(3, { decided, inReview: 4, held: 5, waiting: 6, closed: 7 }),
      ),
    },
    calls,
  )
  expect(calls.map(({ input }) => input)).toEqual([
    { after: null, oldestOpen: null },
    { after: NEXT_PLACE, oldestOpen: BUSINESS_NOW },
  ])
  expect(result).toEqual({
    businessNow: BUSINESS_NOW,
    expired: 503,
    released: [{ currency: 'USD', amountMinor: '12575000' }],
    policiesPaid: 2,
    policiesNotPaid: 1,
    policiesInReview: 5,
    payoutsCreated: 2,
    held: 5,
    waiting: 6,
    closed: 7,
    isComplete: true,
  })
})

test('ends with its last step however much is left, and says so', async () => {
  const calls: Calls = []
  const endless = expiryStep(1, { after: NEXT_PLACE, isComplete: false })
  const result = await run({ expirePolicies: async () => endless }, calls)
  expect(calls).toHaveLength(50)
  expect(result).toMatchObject({ expired: 50, isComplete: false })
})

test('a step that fails for a moment is tried again', async () => {
  expect(await run({ expirePolicies: failingOnce(expiryStep(7)) })).toMatchObject({ expired: 7 })
})

test('fails with the reason when a step is refused', async () => {
  const failed = run({
    expirePolicies: async () => {
      throw ApplicationFailure.nonRetryable('check violated', 'DatabaseRefused')
    },
  })
  await expect(failed).rejects.toMatchObject({ cause: { type: 'DatabaseRefused' } })
})

test('a cancelled sweep ends as cancelled, and its step is told', async () => {
  const begun = Promise.withResolvers<void>()
  let wasTold = false
  const activities = fakePolicyExpiration({
    expirePolicies: async () => {
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

test('a sweep that outlasts its time is timed out', async () => {
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const activities = fakePolicyExpiration({
    expirePolicies: async () => {
      begun.resolve()
      await ended.promise
      return expiryStep(0)
    },
  })
  await rig.withWorker(QUEUE, activities, async () => {
    const handle = await rig.client.workflow.start('policyExpiration', {
      args: [{}],
      taskQueue: QUEUE,
      workflowId: `policy-expiration:${randomUUID()}`,
      workflowRunTimeout: '2 seconds',
    })
    await begun.promise
    await expect(handle.result()).rejects.toThrow()
    expect((await handle.describe()).status.name).toBe('TIMED_OUT')
    ended.resolve()
  })
})

test('the schedule is hourly on business time, within 300 s and two attempts', () => {
  const job = findJob('policy-expiration')
  if (job === undefined) throw new Error('policy-expiration is not in the registry')
  expect(desiredSchedule(job, { speed: 1 })?.fields).toMatchObject({
    everyMs: 3_600_000,
    overlap: 'SKIP',
    runTimeoutMs: 300_000,
    attempts: 2,
    priorityKey: 3,
    taskQueue: QUEUE,
  })
  expect(desiredSchedule(job, { speed: 60 })?.fields).toMatchObject({ everyMs: 60_000 })
})
