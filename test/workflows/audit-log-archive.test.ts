/** The `audit-log-archive` run: a file, then the removal of what it holds. Activities are fakes. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { auditLogArchiveResult } from '../../jobs/audit-log-archive.ts'
import { findJob } from '../../jobs/registry.ts'
import { noteCalls, type Calls } from '../support/fake-activities.ts'
import { inTurn } from '../support/history-cases.ts'
import { fakeAuditLogArchive } from '../support/retention-histories.ts'
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

const JOB = 'audit-log-archive'
const archive = (lastPosition: number) => ({ lastPosition, bytes: 400 })

test('removes the events of each file after it was written, until nothing is due', async () => {
  const calls: Calls = []
  const activities = fakeAuditLogArchive({
    writeAuditArchive: inTurn(archive(10_000), archive(12_500), null),
    removeArchivedEvents: inTurn(10_000, 2_500),
  })
  const result = await runOnce(rig, { job: JOB, input: {} }, noteCalls(calls, activities))
  expect(calls.map(({ name }) => name)).toEqual([
    'writeAuditArchive',
    'removeArchivedEvents',
    'writeAuditArchive',
    'removeArchivedEvents',
    'writeAuditArchive',
  ])
  expect(auditLogArchiveResult.parse(result)).toEqual({
    archives: 2,
    events: 12_500,
    bytes: 800,
    isComplete: true,
  })
})

test('ends after a hundred files and says that more is due', async () => {
  const activities = fakeAuditLogArchive({
    writeAuditArchive: async () => archive(1),
    removeArchivedEvents: async () => 1,
  })
  const result = await runOnce(rig, { job: JOB, input: {} }, activities)
  expect(auditLogArchiveResult.parse(result)).toMatchObject({ archives: 100, isComplete: false })
})

testRunRules(() => rig, {
  job: JOB,
  input: {},
  activities: (change) => fakeAuditLogArchive(change),
  step: 'writeAuditArchive',
  answer: null,
})

test('the schedule: Sundays at 04:00 UTC', () => {
  expect(findJob(JOB)?.schedule).toMatchObject({
    calendars: [{ dayOfWeek: 0, hour: 4 }],
    timezone: 'UTC',
  })
})
