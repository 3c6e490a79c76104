/** The `log-pruning` run: rotates, waits, compresses, removes. Activities are fakes. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { logPruningResult } from '../../jobs/log-pruning.ts'
import { findJob } from '../../jobs/registry.ts'
import { fakeLogPruning } from '../support/analytics-histories.ts'
import { noteCalls, type Calls } from '../support/fake-activities.ts'
import { runOnce, testRunRules } from '../support/run-rules.ts'
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

const JOB = 'log-pruning'

test('compresses only after writers had time to take the new files', async () => {
  const calls: Calls = []
  let rotatedAtMs = 0
  let waitedMs = 0
  const activities = fakeLogPruning({
    rotateLogs: async () => {
      rotatedAtMs = performance.now()
      return { files: 1, bytes: 1, settlesInMs: 1_000 }
    },
    compressLogs: async () => {
      waitedMs = performance.now() - rotatedAtMs
      return { files: 2, bytesBefore: 200_000_000, bytesAfter: 9_000_000 }
    },
  })
  const result = await runOnce(rig, { job: JOB, input: {} }, noteCalls(calls, activities))
  expect(calls.map(({ name }) => name)).toEqual(['rotateLogs', 'compressLogs', 'removeLogs'])
  expect(waitedMs).toBeGreaterThanOrEqual(1_000)
  expect(logPruningResult.parse(result)).toEqual({
    rotated: 1,
    compressed: 2,
    bytesBefore: 200_000_000,
    bytesAfter: 9_000_000,
    removed: 1,
    bytesRemoved: 4_000_000,
  })
})

testRunRules(() => rig, {
  job: JOB,
  input: {},
  activities: (change) =>
    fakeLogPruning({
      rotateLogs: async () => ({ files: 0, bytes: 0, settlesInMs: null }),
      ...change,
    }),
  step: 'compressLogs',
  answer: { files: 0, bytesBefore: 0, bytesAfter: 0 },
})

test('the schedule: daily at 04:00 UTC', () => {
  expect(findJob(JOB)?.schedule).toMatchObject({ calendars: [{ hour: 4 }], timezone: 'UTC' })
})
