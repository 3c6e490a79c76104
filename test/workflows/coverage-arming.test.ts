/** The `coverage-arming` run. Activities are fakes. */
import { ApplicationFailure } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { CoverageArmingActivities } from '../../activities/coverage-arming.ts'
import { instantFromMs } from '../../domain/time.ts'
import { coverageArmingResult } from '../../jobs/coverage-arming.ts'
import { JobInputError, startJob } from '../../platform/temporal/job-starter.ts'
import { fakeCoverageArming, noteCalls, type Calls } from '../support/fake-activities.ts'
import { fireArmingTask } from '../support/arming-histories.ts'
import { failingOnce } from '../support/history-cases.ts'
import { BUSINESS_NOW } from '../support/fake-activities.ts'
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

const INPUT = { product: 'FD45', action: 'disarm', by: 'user:ana', reason: 'storm' }

async function run(
  change: Partial<CoverageArmingActivities> = {},
  { calls = [], input = INPUT }: { calls?: Calls; input?: Record<string, unknown> } = {},
): Promise<unknown> {
  return rig.withWorker('maintenance', noteCalls(calls, fakeCoverageArming(change)), async () => {
    const { workflowId } = await startJob(rig, { job: 'coverage-arming', input, trigger: 'cli' })
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

test('returns how the switch stands', async () => {
  const result = await run()
  expect(result).toEqual({
    ...{ product: 'FD45', isArmed: false, outcome: 'switched', businessNow: BUSINESS_NOW },
  })
  expect(coverageArmingResult.safeParse(result).success).toBe(true)
})

test('allows five minutes unless told otherwise', async () => {
  const calls: Calls = []
  const dueAt = '2026-03-02T06:00:00Z'
  await run({}, { calls, input: { ...INPUT, dueAt } })
  await run({}, { calls, input: { ...INPUT, dueAt, toleranceMin: 60 } })
  expect(calls.map(({ input }) => input)).toMatchObject([
    { dueAt, toleranceMin: 5 },
    { dueAt, toleranceMin: 60 },
  ])
})

describe('a run of a task', () => {
  const fire = (change: Partial<CoverageArmingActivities>, calls: Calls, toleranceMin: number) =>
    rig.withWorker('maintenance', noteCalls(calls, fakeCoverageArming(change)), async () => {
      const dueAt = instantFromMs(Date.now() - calls.length * 1_000 - toleranceMin * 60_000)
      const workflowId = await fireArmingTask(rig, { dueAt, toleranceMin })
      return { dueAt, result: await rig.client.workflow.getHandle(workflowId).result() }
    })

  test('takes when it is due, and how overdue it may be, from its task', async () => {
    const calls: Calls = []
    const { dueAt } = await fire({}, calls, 17)
    expect(calls.map(({ input }) => input)).toMatchObject([{ dueAt, toleranceMin: 17 }])
  })

  test('fails as missed when it came too late, so that its task is missed', async () => {
    const switchCover = async () => ({ outcome: 'missed' as const, at: BUSINESS_NOW })
    await expect(fire({ switchCover }, [], 18)).rejects.toMatchObject({ cause: { type: 'Missed' } })
  })
})

test('asks with the same ref when the step is repeated, and with another in another run', async () => {
  const calls: Calls = []
  await run({ switchCover: failingOnce({ outcome: 'switched', at: BUSINESS_NOW }) }, { calls })
  await run({}, { calls })
  const refs = calls.map(({ input }) => (input as { ref: string }).ref)
  expect(refs).toHaveLength(3)
  expect(refs[1]).toBe(refs[0])
  expect(refs[2]).not.toBe(refs[0])
})

test('fails at once when there is no such product', async () => {
  const calls: Calls = []
  const switchCover = () => Promise.reject(ApplicationFailure.nonRetryable('none', 'NotFound'))
  await expect(run({ switchCover }, { calls })).rejects.toThrow()
  expect(calls).toHaveLength(1)
})

test.each([
  ['no reason', { ...INPUT, reason: ' ' }],
  ['no product code', { ...INPUT, product: 'fd45' }],
  ['neither arm nor disarm', { ...INPUT, action: 'off' }],
])('is not started with %s', async (_name, input) => {
  await expect(run({}, { input })).rejects.toBeInstanceOf(JobInputError)
})
