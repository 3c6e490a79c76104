/** The `report` run: its month, then one report after the other. Activities are fakes. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { reportResult } from '../../jobs/report.ts'
import { findJob } from '../../jobs/registry.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { fakeReport, refusedReport, written } from '../support/analytics-histories.ts'
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

const JOB = 'report'

test('writes all three of the last month when nothing is asked for', async () => {
  const result = reportResult.parse(await runOnce(rig, { job: JOB, input: {} }, fakeReport()))
  expect(result.period).toBe('2013-02')
  expect(result.reports.map(({ report }) => report)).toEqual(['usage', 'audit', 'performance'])
})

test('writes those that were asked for, of the named month', async () => {
  const calls: Calls = []
  const input = { what: ['audit'], period: '2013-01' }
  await runOnce(rig, { job: JOB, input }, noteCalls(calls, fakeReport()))
  expect(calls.map(({ name }) => name)).toEqual(['takeTurn', 'planReports', 'writeReport'])
  expect(calls.slice(1)).toEqual([
    { name: 'planReports', input: { period: '2013-01' } },
    { name: 'writeReport', input: { report: 'audit', period: '2013-01' } },
  ])
})

test('a report that is refused fails the run after all others were written', async () => {
  const calls: Calls = []
  const activities = fakeReport(refusedReport('usage'))
  const failed = runOnce(rig, { job: JOB, input: {} }, noteCalls(calls, activities))
  await expect(failed).rejects.toMatchObject({
    cause: { type: 'ReportsFailed', message: 'the rest was written, but not usage: disk is full' },
  })
  expect(calls.filter(({ name }) => name === 'writeReport')).toHaveLength(3)
})

test.each([{ what: [] }, { what: ['sales'] }, { period: '2013-02-01' }, { period: '../..' }])(
  'refuses the input %j',
  async (input) => {
    await expect(startJob(rig, { job: JOB, input, trigger: 'cli' })).rejects.toThrow()
  },
)

testRunRules(() => rig, {
  job: JOB,
  input: { what: ['audit'] },
  activities: (change) => fakeReport(change),
  step: 'writeReport',
  answer: written('audit'),
})

test('the schedule: the first of a month at 00:00 UTC', () => {
  expect(findJob(JOB)?.schedule).toMatchObject({
    calendars: [{ dayOfMonth: 1, hour: 0 }],
    timezone: 'UTC',
    overlap: 'skip',
  })
})
