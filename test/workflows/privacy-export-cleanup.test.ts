/** The daily end of copies: files go, open requests are looked after; and against real files. */
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { EXPORT_KEPT_MS } from '../../domain/privacy-request.ts'
import { privacyExportCleanupResult } from '../../jobs/privacy-export-cleanup.ts'
import { findJob } from '../../jobs/registry.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { noteCalls, type Calls } from '../support/fake-activities.ts'
import { inTurn } from '../support/history-cases.ts'
import { openPrivacyDesk, type PrivacyDesk } from '../support/privacy-desk.ts'
import { fakeExportCleanup, PRIVACY_PLAN } from '../support/privacy-histories.ts'
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

const JOB = 'privacy-export-cleanup'

test('removes files step by step until none is left, then looks after open requests', async () => {
  const calls: Calls = []
  const removeExports = inTurn(
    { items: 20_000, bytes: 2_000_000, isComplete: false },
    { items: 7, bytes: 700, isComplete: true },
  )
  const activities = noteCalls(calls, fakeExportCleanup({ removeExports }))
  const result = await runOnce(rig, { job: JOB, input: {} }, activities)
  expect(privacyExportCleanupResult.parse(result)).toEqual({
    isDryRun: false,
    before: PRIVACY_PLAN.before,
    items: 20_007,
    bytes: 2_000_700,
    isComplete: true,
    open: 3,
    dueSoon: 1,
    overdue: 1,
  })
  expect(calls.map(({ name }) => name)).toEqual([
    'planExportCleanup',
    'removeExports',
    'removeExports',
    'tendRequests',
  ])
})

test('a dry run counts, removes nothing and starts nothing', async () => {
  const calls: Calls = []
  const activities = noteCalls(calls, fakeExportCleanup())
  const result = await runOnce(rig, { job: JOB, input: { isDryRun: true } }, activities)
  expect(result).toMatchObject({ isDryRun: true, items: 10 })
  expect(calls.map(({ name }) => name)).toEqual(['planExportCleanup', 'countExports'])
})

test('refuses an input that it does not know', async () => {
  const input = { olderThanDays: 1 }
  await expect(startJob(rig, { job: JOB, input, trigger: 'cli' })).rejects.toThrow()
})

testRunRules(() => rig, {
  job: JOB,
  input: {},
  activities: (change) => ({ ...fakeExportCleanup(), ...change }),
  step: 'removeExports',
  answer: { items: 7, bytes: 700, isComplete: true },
})

test('the schedule is daily at 02:00 UTC, three tries, within 600 s', () => {
  const job = findJob(JOB)
  if (job === undefined) throw new Error(`${JOB} is not in the registry`)
  expect(desiredSchedule(job, { speed: 1 })?.fields).toMatchObject({
    overlap: 'SKIP',
    runTimeoutMs: 600_000,
    attempts: 3,
    taskQueue: 'maintenance',
  })
  expect(job.schedule).toMatchObject({ calendars: [{ hour: 2 }], timezone: 'UTC' })
})

describe('over real files and requests', () => {
  let desk: PrivacyDesk
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'groundstop-privacy-'))
    desk = await openPrivacyDesk(folder)
  })
  afterAll(async () => {
    await desk[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const run = (input = {}) => runOnce(rig, { job: JOB, input }, desk.activities[JOB])

  test('removes what is more than 7 days old, and leaves what is a minute younger', async () => {
    for (const [name, ageMs] of [
      ['old', EXPORT_KEPT_MS + 60_000],
      ['young', EXPORT_KEPT_MS - 60_000],
    ] as const) {
      await mkdir(join(folder, name))
      await writeFile(join(folder, name, 'export.json.sealed'), '{}')
      const at = new Date(Date.now() - ageMs)
      await utimes(join(folder, name, 'export.json.sealed'), at, at)
    }
    expect(await run({ isDryRun: true })).toMatchObject({ items: 1 })
    expect(await run()).toMatchObject({ items: 1, isComplete: true })
    expect(await readdir(folder)).toEqual(['young'])
  })

  test('starts the run of each open request, and tells operators what is due, once a day', async () => {
    const { requestId } = await desk.receive('export', 'acct_1')
    const late = await desk.receive('export', 'acct_2', 40)
    expect(await run()).toMatchObject({ open: 2, dueSoon: 0, overdue: 1 })
    expect(desk.started).toEqual([late.requestId, requestId])
    await run()
    const told = await sql<{ content: { subject: string; text: string } }>`
      select distinct content from notification where audience = 'operator'`.execute(desk.db)
    expect(told.rows.map(({ content }) => content.subject)).toEqual([
      '1 privacy requests are overdue, 0 are due within a week',
    ])
    expect(JSON.stringify(told.rows)).not.toContain('acct_2')
  })
})
