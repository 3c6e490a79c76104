/** The weekly move of answered requests to the archive; and against a real database. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { findJob } from '../../jobs/registry.ts'
import { privacyRequestCleanupResult } from '../../jobs/privacy-request-cleanup.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { noteCalls, type Calls } from '../support/fake-activities.ts'
import { inTurn } from '../support/history-cases.ts'
import { openPrivacyDesk } from '../support/privacy-desk.ts'
import { fakeRequestCleanup, PRIVACY_PLAN } from '../support/privacy-histories.ts'
import { runOnce, testRunRules } from '../support/run-rules.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})
afterAll(() => rig[Symbol.asyncDispose]())

const JOB = 'privacy-request-cleanup'

test('archives step by step until none is left', async () => {
  const archiveRequests = inTurn(
    { items: 20_000, bytes: 2_000_000, isComplete: false },
    { items: 7, bytes: 700, isComplete: true },
  )
  const result = await runOnce(
    rig,
    { job: JOB, input: {} },
    fakeRequestCleanup({ archiveRequests }),
  )
  expect(privacyRequestCleanupResult.parse(result)).toEqual({
    isDryRun: false,
    before: PRIVACY_PLAN.before,
    items: 20_007,
    bytes: 2_000_700,
    isComplete: true,
  })
})

test('a dry run counts and archives nothing', async () => {
  const calls: Calls = []
  const activities = noteCalls(calls, fakeRequestCleanup())
  expect(await runOnce(rig, { job: JOB, input: { isDryRun: true } }, activities)).toMatchObject({
    isDryRun: true,
    items: 10,
  })
  expect(calls.map(({ name }) => name)).toEqual(['planRequestCleanup', 'countRequests'])
})

test('refuses an input that it does not know', async () => {
  const input = { olderThanDays: 1 }
  await expect(startJob(rig, { job: JOB, input, trigger: 'cli' })).rejects.toThrow()
})

testRunRules(() => rig, {
  job: JOB,
  input: {},
  activities: (change) => ({ ...fakeRequestCleanup(), ...change }),
  step: 'archiveRequests',
  answer: { items: 7, bytes: 700, isComplete: true },
})

test('the schedule is on Sundays at 03:00 UTC, within 600 s', () => {
  const job = findJob(JOB)
  if (job === undefined) throw new Error(`${JOB} is not in the registry`)
  expect(desiredSchedule(job, { speed: 1 })?.fields).toMatchObject({
    overlap: 'SKIP',
    runTimeoutMs: 600_000,
    taskQueue: 'maintenance',
  })
  expect(job.schedule).toMatchObject({ calendars: [{ dayOfWeek: 0, hour: 3 }], timezone: 'UTC' })
})

test('archives what was answered more than 90 days ago; younger and open ones stay in the list', async () => {
  await using desk = await openPrivacyDesk('/nowhere')
  const [old, young, open] = [
    await desk.receive('export', 'acct_1'),
    await desk.receive('export', 'acct_2'),
    await desk.receive('export', 'acct_3', 80),
  ]
  for (const [{ requestId }, minutes] of [
    [old, 1],
    [young, -1],
  ] as const) {
    await desk.refuse(requestId)
    await sql`
      update privacy_request set closed_at = now() - interval '90 days'
        - ${minutes}::integer * interval '1 minute' where id = ${requestId}::uuid`.execute(desk.db)
  }
  const run = (input = {}) => runOnce(rig, { job: JOB, input }, desk.activities[JOB])
  expect(await run({ isDryRun: true })).toMatchObject({ items: 1 })
  expect(await run()).toMatchObject({ items: 1, isComplete: true })
  expect(await run()).toMatchObject({ items: 0 })
  const { items } = await desk.list()
  expect(items.map(({ requestId }) => requestId)).toEqual([open.requestId, young.requestId])
  expect(await desk.find(old.requestId)).toMatchObject({
    state: 'REFUSED',
    refusal: 'identity not shown',
    isArchived: true,
  })
})
