/** The `daily-analytics` run: its step, what ends it. Activities are fakes. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { dailyAnalyticsResult } from '../../jobs/daily-analytics.ts'
import { findJob } from '../../jobs/registry.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { fakeMeasuring, measured } from '../support/analytics-histories.ts'
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

const JOB = 'daily-analytics'

test('measures the days that are missing, and says which are other than before', async () => {
  const step = async () => measured({ corrected: ['2013-02-07'] })
  const activities = fakeMeasuring(JOB, { measureDays: step })
  const result = await runOnce(rig, { job: JOB, input: {} }, activities)
  expect(dailyAnalyticsResult.parse(result)).toMatchObject({ corrected: ['2013-02-07'] })
})

test('measures only the period that was named', async () => {
  const calls: Calls = []
  const input = { period: '2013-02-08' }
  await runOnce(rig, { job: JOB, input }, noteCalls(calls, fakeMeasuring(JOB)))
  expect(calls).toEqual([{ name: 'measureDays', input: { period: '2013-02-08', limit: 48 } }])
})

test.each(['2013-02-30', '2013-02', ''])('refuses the period %s', async (period) => {
  await expect(startJob(rig, { job: JOB, input: { period }, trigger: 'cli' })).rejects.toThrow()
})

testRunRules(() => rig, {
  job: JOB,
  input: {},
  activities: (change) => fakeMeasuring(JOB, change),
  step: 'measureDays',
  answer: measured(),
})

test('the schedule: daily at 00:00 UTC, one at a time', () => {
  const job = findJob(JOB)
  if (job === undefined) throw new Error('not in the registry')
  expect(desiredSchedule(job, { speed: 1 })?.fields).toMatchObject({
    overlap: 'SKIP',
    priorityKey: 5,
  })
  expect(job.schedule).toMatchObject({ calendars: [{ hour: 0 }], timezone: 'UTC' })
})
