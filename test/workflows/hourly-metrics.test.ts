/** The `hourly-metrics` run: steps until nothing is missing. Activities are fakes. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { hourlyMetricsResult } from '../../jobs/hourly-metrics.ts'
import { findJob } from '../../jobs/registry.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { fakeMeasuring, measured } from '../support/analytics-histories.ts'
import { noteCalls, type Calls } from '../support/fake-activities.ts'
import { inTurn } from '../support/history-cases.ts'
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

const JOB = 'hourly-metrics'

test('measures step by step until nothing is missing, and adds up', async () => {
  const steps = inTurn(
    measured({ computed: 48, corrected: ['a'], isComplete: false }),
    measured({ computed: 2, corrected: ['a', 'b'] }),
  )
  const result = await runOnce(
    rig,
    { job: JOB, input: {} },
    fakeMeasuring(JOB, { measureHours: steps }),
  )
  expect(hourlyMetricsResult.parse(result)).toEqual({
    computed: 50,
    unchanged: 2,
    corrected: ['a', 'b'],
    latest: '2013-02-08',
    isComplete: true,
  })
})

test('waits once for a period that has just ended', async () => {
  const calls: Calls = []
  const activities = fakeMeasuring(JOB, { measureHours: async () => measured({ settlesInMs: 10 }) })
  await runOnce(rig, { job: JOB, input: {} }, noteCalls(calls, activities))
  expect(calls).toHaveLength(2)
})

test('ends after its last step however much is missing, and says so', async () => {
  const endless = async () => measured({ computed: 1, isComplete: false })
  const result = await runOnce(
    rig,
    { job: JOB, input: {} },
    fakeMeasuring(JOB, { measureHours: endless }),
  )
  expect(result).toMatchObject({ computed: 20, isComplete: false })
})

test('measures only the period that was named', async () => {
  const calls: Calls = []
  const input = { period: '2013-02-08T17' }
  await runOnce(rig, { job: JOB, input }, noteCalls(calls, fakeMeasuring(JOB)))
  expect(calls).toEqual([{ name: 'measureHours', input: { period: '2013-02-08T17', limit: 48 } }])
})

test.each(['2013-02-08T24', '2013-02-08', '2013-02-30T10'])(
  'refuses the period %s',
  async (period) => {
    await expect(startJob(rig, { job: JOB, input: { period }, trigger: 'cli' })).rejects.toThrow()
  },
)

testRunRules(() => rig, {
  job: JOB,
  input: {},
  activities: (change) => fakeMeasuring(JOB, change),
  step: 'measureHours',
  answer: measured(),
})

test('the schedule: every hour of business time, one at a time', () => {
  const job = findJob(JOB)
  if (job === undefined) throw new Error('not in the registry')
  expect(desiredSchedule(job, { speed: 1 })?.fields).toMatchObject({
    overlap: 'SKIP',
    priorityKey: 5,
  })
  expect(job.schedule).toMatchObject({ kind: 'interval', everyMs: 3_600_000 })
})
