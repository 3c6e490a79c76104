/** The `executive-summary` run: measures, writes, tells. Activities are fakes. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { executiveSummaryResult } from '../../jobs/executive-summary.ts'
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

const JOB = 'executive-summary'

test('writes the last month and those that were corrected, each once', async () => {
  const calls: Calls = []
  const corrected = ['2013-01-06', '2013-02-08']
  const activities = fakeFigureReport(JOB, { measureMonths: async () => measured({ corrected }) })
  const result = await runOnce(rig, { job: JOB, input: {} }, noteCalls(calls, activities))
  expect(calls.filter(({ name }) => name === 'writeMonth').map(({ input }) => input)).toEqual([
    { period: '2013-02-08' },
    { period: '2013-01-06' },
  ])
  expect(executiveSummaryResult.parse(result).reports).toHaveLength(2)
})

test('writes nothing of an empty book', async () => {
  const activities = fakeFigureReport(JOB, { writeMonth: async () => null })
  expect(await runOnce(rig, { job: JOB, input: {} }, activities)).toMatchObject({ reports: [] })
})

testRunRules(() => rig, {
  job: JOB,
  input: { period: '2013-02' },
  activities: (change) => fakeFigureReport(JOB, change),
  step: 'writeMonth',
  answer: written(JOB),
})

test('the schedule', () => {
  expect(findJob(JOB)?.schedule).toMatchObject({
    calendars: [{ dayOfMonth: 1, hour: 2 }],
    timezone: 'UTC',
    overlap: 'skip',
  })
})
