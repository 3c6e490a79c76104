/** The session cleanup: its steps, what ends it, and what it removes. Activities are fakes but in one test. */
import { randomUUID } from 'node:crypto'

import { CancelledFailure } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { SessionCleanupActivities } from '../../activities/session-cleanup.ts'
import { findJob } from '../../jobs/registry.ts'
import { sessionCleanupResult } from '../../jobs/session-cleanup.ts'
import { createSystemClock } from '../../platform/clock/system-clock.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { createAccessActivities } from '../../workers/access-services.ts'
import { fakeSessionCleanup, SESSION_CUT_AT, sessionPlan } from '../support/access-histories.ts'
import { createTestDatabase } from '../support/database.ts'
import { noteCalls, type Calls } from '../support/fake-activities.ts'
import { failingOnce, inTurn } from '../support/history-cases.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const QUEUE = 'maintenance'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

async function start(input: Record<string, unknown> = {}): Promise<string> {
  const workflowId = `session-cleanup:${randomUUID()}`
  await startJob(rig, { job: 'SESSION_CLEANUP', input, trigger: 'cli', workflowId })
  return workflowId
}

async function run(
  change: Partial<SessionCleanupActivities>,
  { input = {}, calls = [] }: { input?: Record<string, unknown>; calls?: Calls } = {},
): Promise<Record<string, unknown>> {
  return rig.withWorker(QUEUE, noteCalls(calls, fakeSessionCleanup(change)), async () =>
    rig.client.workflow.getHandle(await start(input)).result(),
  )
}

test('goes through every class and adds up', async () => {
  const result = await run({})
  expect(sessionCleanupResult.parse(result)).toMatchObject({
    isDryRun: false,
    items: 30,
    bytes: 3_000,
  })
})

test('of one user hands the name to the plan, and what was planned to each step', async () => {
  const calls: Calls = []
  const cut = { class: 'sessions', before: SESSION_CUT_AT, userName: 'ann' } as const
  const planSessionCleanup = async () => ({ batchSize: 1_000, cuts: [cut] })
  await run({ planSessionCleanup }, { input: { userName: 'ann' }, calls })
  expect(calls).toEqual([
    { name: 'planSessionCleanup', input: { userName: 'ann' } },
    { name: 'cleanUpSessions', input: { ...cut, batchSize: 1_000 } },
  ])
})

test('a dry run counts and removes nothing', async () => {
  const calls: Calls = []
  const result = await run({}, { input: { isDryRun: true }, calls })
  expect(result).toMatchObject({ isDryRun: true, items: 30 })
  expect(calls.map(({ name }) => name)).not.toContain('cleanUpSessions')
})

test('goes on with a class until nothing is left of it', async () => {
  const result = await run({
    planSessionCleanup: async () => sessionPlan('sessions'),
    cleanUpSessions: inTurn(
      { items: 20_000, bytes: 2_000_000, isComplete: false },
      { items: 7, bytes: 700, isComplete: true },
    ),
  })
  expect(result).toMatchObject({ items: 20_007, bytes: 2_000_700 })
})

test('a step that fails for a moment is tried again', async () => {
  const cleanUpSessions = failingOnce({ items: 7, bytes: 70, isComplete: true })
  const planSessionCleanup = async () => sessionPlan('mail-codes')
  expect(await run({ planSessionCleanup, cleanUpSessions })).toMatchObject({ items: 7 })
})

test('fails at once on what no repeat helps', async () => {
  const calls: Calls = []
  const cleanUpSessions = async (): Promise<never> => {
    throw ApplicationFailure.nonRetryable('no such table', 'DatabaseRefused')
  }
  await expect(run({ cleanUpSessions }, { calls })).rejects.toMatchObject({
    cause: { type: 'DatabaseRefused' },
  })
  expect(calls.filter(({ name }) => name === 'cleanUpSessions')).toHaveLength(1)
})

/** A step that tells when it began and lasts until it is let go or told to end. */
function lasting() {
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const cleanUpSessions = async (): Promise<never> => {
    const { startHeartbeats } = await import('../../activities/heartbeats.ts')
    using heartbeats = startHeartbeats()
    heartbeats.signal.addEventListener('abort', () => ended.resolve())
    begun.resolve()
    await ended.promise
    throw new CancelledFailure('cancelled')
  }
  return { begun: begun.promise, ended, activities: fakeSessionCleanup({ cleanUpSessions }) }
}

test('a cancelled cleanup ends as cancelled, and its step is told', async () => {
  const { begun, ended, activities } = lasting()
  await rig.withWorker(QUEUE, activities, async () => {
    const handle = rig.client.workflow.getHandle(await start())
    await begun
    await handle.cancel()
    await expect(handle.result()).rejects.toThrow()
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    await ended.promise
  })
})

test('a cleanup that outlasts its time is timed out', async () => {
  const { begun, ended, activities } = lasting()
  await rig.withWorker(QUEUE, activities, async () => {
    const handle = await rig.client.workflow.start('sessionCleanup', {
      args: [{}],
      taskQueue: QUEUE,
      workflowId: `session-cleanup:${randomUUID()}`,
      workflowRunTimeout: '2 seconds',
    })
    await begun
    await expect(handle.result()).rejects.toThrow()
    expect((await handle.describe()).status.name).toBe('TIMED_OUT')
    ended.resolve()
  })
})

test('removes what is older than its time and leaves what is not, as its dry run counted', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await sql`
    insert into auth_user (id, name, email, role, email_verified, created_at) values
      ('a', 'ann', 'ann@x.de', 'viewer', true, now() - interval '90 days'),
      ('b', 'bob', 'bob@x.de', 'viewer', false, now() - interval '29 days'),
      ('c', 'cat', 'cat@x.de', 'viewer', false, now() - interval '31 days')`.execute(db)
  await sql`
    insert into auth_session (id, user_id, token, expires_at, created_at, updated_at)
    select 's' || n, 'a', encode(sha256(n::text::bytea), 'hex'), now() + interval '1 day',
      now() - n * interval '1 day', now() - n * interval '1 day'
    from generate_series(5, 8) n`.execute(db)
  await sql`
    insert into auth_verification (id, identifier, value, expires_at, created_at)
    select 'v' || n, 'i' || n, 'a', now() - interval '1 hour', now() - n * interval '1 hour'
    from generate_series(23, 26) n`.execute(db)
  const { 'session-cleanup': activities } = createAccessActivities({
    db,
    clock: createSystemClock(),
  })
  const resultOf = async (input: Record<string, unknown>): Promise<unknown> =>
    rig.client.workflow.getHandle(await start(input)).result()
  const results = await rig.withWorker(QUEUE, activities, async () => [
    await resultOf({ isDryRun: true }),
    await resultOf({}),
    await resultOf({ userName: 'ann' }),
    await resultOf({ userName: 'nobody' }),
  ])
  const classes = [
    { class: 'sessions', items: 2 },
    { class: 'mail-codes', items: 3 },
    { class: 'unverified-accounts', items: 1 },
  ]
  expect(results).toMatchObject([{ classes }, { classes }, { items: 2 }, { items: 0 }])
  const { rows } = await sql`select name from auth_user order by name`.execute(db)
  expect(rows).toEqual([{ name: 'ann' }, { name: 'bob' }])
  const trail = await sql`select action, subject from audit_event`.execute(db)
  expect(trail.rows).toEqual([{ action: 'user.remove', subject: 'user:cat' }])
})

test('the schedule is daily at 03:00 UTC, once, within 1,800 s', () => {
  const job = findJob('session-cleanup')
  if (job === undefined) throw new Error('session-cleanup is not in the registry')
  expect(desiredSchedule(job, { speed: 1 })?.fields).toMatchObject({
    overlap: 'SKIP',
    runTimeoutMs: 1_800_000,
    attempts: 1,
    taskQueue: QUEUE,
  })
  expect(job.schedule).toMatchObject({ calendars: [{ hour: 3 }], timezone: 'UTC' })
})
