/** The verification run: its steps, what it tells and what it leaves open. Activities are fakes. */
import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, expect, test } from 'vitest'

import type { BookVerificationActivities } from '../../activities/book-verification.ts'
import { bookVerificationResult } from '../../jobs/book-verification.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { fakeBookVerification, noteCalls, type Calls } from '../support/fake-activities.ts'
import { failingOnce, inTurn } from '../support/history-cases.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { BREAK, NEXT_LEG } from '../support/verification-histories.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})
afterAll(() => rig[Symbol.asyncDispose]())

async function run(
  change: Partial<BookVerificationActivities>,
  { calls = [], input = {} }: { calls?: Calls; input?: Record<string, unknown> } = {},
): Promise<Record<string, unknown>> {
  return rig.withWorker('reports', noteCalls(calls, fakeBookVerification(change)), async () => {
    const workflowId = `book-verification:${randomUUID()}`
    await startJob(rig, { job: 'BOOK_VERIFICATION', input, trigger: 'cli', workflowId })
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

const told = (calls: Calls) => calls.find(({ name }) => name === 'tellBreaks')?.input

test('checks, replays, tells, in this order; a sound book has no breaks', async () => {
  const calls: Calls = []
  const result = await run({}, { calls })
  expect(calls.map(({ name }) => name)).toEqual(['checkBook', 'replayEvaluations', 'tellBreaks'])
  expect(result).toEqual({
    breaks: [],
    legsReplayed: 10,
    evaluationsReplayed: 20,
    evaluationsOfOtherRules: 0,
    casesOpened: 0,
    casesClosed: 0,
    isComplete: true,
  })
  expect(bookVerificationResult.safeParse(result).success).toBe(true)
  expect(told(calls)).toEqual({ breaks: [], checked: ['I1', 'I2', 'I10'] })
})

test('replays to the last leg and counts the breaks of all steps', async () => {
  const calls: Calls = []
  const wrong = { ...BREAK, invariant: 'I10' }
  const result = await run(
    {
      checkBook: async () => ({ breaks: [BREAK, BREAK], checked: [] }),
      replayEvaluations: inTurn(
        { legs: 2_000, evaluations: 4_000, ofOtherRules: 3, breaks: [wrong], next: NEXT_LEG },
        { legs: 1, evaluations: 1, ofOtherRules: 4, breaks: [], next: null },
      ),
    },
    { calls },
  )
  expect(result).toMatchObject({
    breaks: [
      { invariant: 'I1', count: 2 },
      { invariant: 'I10', count: 1 },
    ],
    legsReplayed: 2_001,
    evaluationsReplayed: 4_001,
    evaluationsOfOtherRules: 7,
    casesOpened: 3,
  })
  expect(calls.filter(({ name }) => name === 'replayEvaluations').map((one) => one.input)).toEqual([
    { after: null },
    { after: NEXT_LEG },
  ])
})

test('says nothing of decisions when they are not replayed', async () => {
  const calls: Calls = []
  expect(await run({}, { calls, input: { replay: false } })).toMatchObject({ legsReplayed: 0 })
  expect(told(calls)).toMatchObject({ checked: ['I1', 'I2'] })
})

test('closes no case when more breaks than a history holds were found', async () => {
  const calls: Calls = []
  const breaks = Array.from({ length: 1_200 }, (_, i) => ({ ...BREAK, subject: `policy:${i}` }))
  await run({ checkBook: async () => ({ breaks, checked: ['I2'] }) }, { calls })
  expect(told(calls)).toMatchObject({ checked: [] })
})

test('a step that fails for a moment is tried again', async () => {
  const replayEvaluations = failingOnce({
    legs: 1,
    evaluations: 1,
    ofOtherRules: 0,
    breaks: [],
    next: null,
  })
  expect(await run({ replayEvaluations })).toMatchObject({ legsReplayed: 1 })
})
