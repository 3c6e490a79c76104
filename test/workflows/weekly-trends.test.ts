/** The `weekly-trends` run: measures, writes, tells. Activities are fakes. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { weeklyTrendsResult } from '../../jobs/weekly-trends.ts'
import { findJob } from '../../jobs/registry.ts'
import { fakeFigureReport, measured, written } from '../support/analytics-histories.ts'
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

const JOB = 'weekly-trends'

test('writes the last week and those that were corrected, each once', async () => {
  const calls: Calls = []
  const corrected = ['2013-01-06', '2013-02-08']
  const activities = fakeFigureReport(JOB, { measureWeeks: async () => measured({ corrected }) })
  const result = await runOnce(rig, { job: JOB, input: {} }, noteCalls(calls, activities))
  expect(calls.filter(({ name }) => name === 'writeWeek').map(({ input }) => input)).toEqual([
    { period: '2013-02-08' },
    { period: '2013-01-06' },
  ])
  expect(weeklyTrendsResult.parse(result).reports).toHaveLength(2)
})

test('writes nothing of an empty book', async () => {
  const activities = fakeFigureReport(JOB, { writeWeek: async () => null })
  expect(await runOnce(rig, { job: JOB, input: {} }, activities)).toMatchObject({ reports: [] })
})

testRunRules(() => rig, {
  job: JOB,
  input: { period: '2013-02-03' },
  activities: (change) => fakeFigureReport(JOB, change),
  step: 'writeWeek',
  answer: written(JOB),
})

test('the schedule', () => {
  expect(findJob(JOB)?.schedule).toMatchObject({
    calendars: [{ dayOfWeek: 0, hour: 1 }],
    timezone: 'UTC',
    overlap: 'skip',
  })
})
