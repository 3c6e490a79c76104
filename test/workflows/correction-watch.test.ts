/** The `correction-watch` run: pages until nothing is due. Activities are fakes. */
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { CorrectionWatchActivities } from '../../activities/correction-watch.ts'
import { correctionWatchResult } from '../../jobs/correction-watch.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { correctionPage, noteCalls, type Calls } from '../support/fake-activities.ts'
import { failingOnce, inTurn } from '../support/history-cases.ts'
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

async function run(activities: CorrectionWatchActivities): Promise<unknown> {
  return rig.withWorker('monitoring', activities, async () => {
    const { workflowId } = await startJob(rig, {
      job: 'correction-watch',
      input: {},
      trigger: 'cli',
    })
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

test('one page is enough when nothing more is due', async () => {
  const calls: Calls = []
  const result = await run(noteCalls(calls, { watchCorrections: inTurn(correctionPage()) }))
  expect(calls).toHaveLength(1)
  expect(correctionWatchResult.safeParse(result).success).toBe(true)
})

test('pages go on until nothing is due, and are added up', async () => {
  const watchCorrections = inTurn(
    correctionPage({ looked: 250, asked: 60, higher: 1, isComplete: false }),
    correctionPage({ looked: 12, asked: 3, failed: 1, lower: 2 }),
  )
  expect(await run({ watchCorrections })).toEqual({
    looked: 262,
    asked: 63,
    failed: 1,
    higher: 1,
    lower: 2,
    isComplete: true,
  })
})

test('forty pages are a run: the rest is left to the next one', async () => {
  const calls: Calls = []
  const watchCorrections = inTurn(correctionPage({ looked: 250, isComplete: false }))
  const result = await run(noteCalls(calls, { watchCorrections }))
  expect(calls).toHaveLength(40)
  expect(result).toMatchObject({ looked: 10_000, isComplete: false })
})

test('a page that fails for a moment is tried again', async () => {
  const result = await run({ watchCorrections: failingOnce(correctionPage({ looked: 3 })) })
  expect(result).toMatchObject({ looked: 3 })
})

test('a page that fails for good fails the run', async () => {
  const watchCorrections = async (): Promise<never> => {
    throw ApplicationFailure.nonRetryable('broken', 'Unexpected')
  }
  await expect(run({ watchCorrections })).rejects.toThrow()
})
