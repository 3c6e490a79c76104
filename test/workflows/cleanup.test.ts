/** The cleanup: its steps, what ends it and what does not. Activities are fakes but in one test. */
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { CancelledFailure } from '@temporalio/client'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { CleanupActivities } from '../../activities/cleanup.ts'
import { RETENTION_CLASSES } from '../../domain/retention.ts'
import { cleanupResult } from '../../jobs/cleanup.ts'
import { findJob } from '../../jobs/registry.ts'
import { createSystemClock } from '../../platform/clock/system-clock.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { createRetentionActivities } from '../../workers/retention-services.ts'
import { createTestDatabase } from '../support/database.ts'
import { noteCalls, type Calls } from '../support/fake-activities.ts'
import { failingOnce, inTurn } from '../support/history-cases.ts'
import { cleanupPlan, CUT_AT, fakeCleanup, refusedFor } from '../support/retention-histories.ts'
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
  const workflowId = `cleanup:${randomUUID()}`
  await startJob(rig, { job: 'CLEANUP', input, trigger: 'cli', workflowId })
  return workflowId
}

async function run(
  change: Partial<CleanupActivities>,
  { input = {}, calls = [] }: { input?: Record<string, unknown>; calls?: Calls } = {},
): Promise<Record<string, unknown>> {
  return rig.withWorker(QUEUE, noteCalls(calls, fakeCleanup(change)), async () =>
    rig.client.workflow.getHandle(await start(input)).result(),
  )
}

test('goes through every class and adds up', async () => {
  const result = await run({})
  expect(cleanupResult.parse(result)).toMatchObject({
    isDryRun: false,
    items: 10 * RETENTION_CLASSES.length,
    bytes: 1_000 * RETENTION_CLASSES.length,
  })
})

test('hands on what was asked for, and the moment of the plan to each step', async () => {
  const calls: Calls = []
  const asked = { what: ['expired'], olderThanDays: 3 }
  await run({ planCleanup: async () => cleanupPlan('quotes') }, { input: asked, calls })
  expect(calls).toEqual([
    { name: 'planCleanup', input: asked },
    { name: 'cleanUp', input: { class: 'quotes', before: CUT_AT, batchSize: 1_000 } },
  ])
})

test('a dry run counts and removes nothing', async () => {
  const calls: Calls = []
  const result = await run({}, { input: { isDryRun: true }, calls })
  expect(result).toMatchObject({ isDryRun: true, items: 10 * RETENTION_CLASSES.length })
  expect(calls.map(({ name }) => name)).not.toContain('cleanUp')
})

test('goes on with a class until nothing is left of it', async () => {
  const result = await run({
    planCleanup: async () => cleanupPlan('idempotent-requests'),
    cleanUp: inTurn(
      { items: 20_000, bytes: 4_000_000, isComplete: false },
      { items: 7, bytes: 1_400, isComplete: true },
    ),
  })
  expect(result).toMatchObject({ items: 20_007, bytes: 4_001_400 })
})

test('ends with its last step however much is left, and says so', async () => {
  const result = await run({
    planCleanup: async () => cleanupPlan('idempotent-requests'),
    cleanUp: async () => ({ items: 1, bytes: 1, isComplete: false }),
  })
  expect(result).toMatchObject({ items: 200, classes: [{ isComplete: false }] })
})

test('a step that fails for a moment is tried again', async () => {
  const cleanUp = failingOnce({ items: 7, bytes: 70, isComplete: true })
  const planCleanup = async () => cleanupPlan('quotes')
  expect(await run({ planCleanup, cleanUp })).toMatchObject({ items: 7 })
})

test('a class that is refused fails the run after all others were done', async () => {
  const calls: Calls = []
  const failed = run({ cleanUp: refusedFor('holder-messages') }, { calls })
  await expect(failed).rejects.toMatchObject({
    cause: {
      type: 'CleanupFailed',
      message: 'the rest was cleaned up, but not holder-messages: constraint violated',
    },
  })
  expect(calls.filter(({ name }) => name === 'cleanUp')).toHaveLength(RETENTION_CLASSES.length)
})

test('a cancelled cleanup ends as cancelled, and its step is told', async () => {
  const begun = Promise.withResolvers<void>()
  let wasTold = false
  const activities = fakeCleanup({
    cleanUp: async () => {
      const { startHeartbeats } = await import('../../activities/heartbeats.ts')
      using heartbeats = startHeartbeats()
      begun.resolve()
      await new Promise((resolve) => heartbeats.signal.addEventListener('abort', resolve))
      wasTold = true
      throw new CancelledFailure('cancelled')
    },
  })
  await rig.withWorker(QUEUE, activities, async () => {
    const handle = rig.client.workflow.getHandle(await start())
    await begun.promise
    await handle.cancel()
    await expect(handle.result()).rejects.toThrow()
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    await expect.poll(() => wasTold, { timeout: 10_000 }).toBe(true)
  })
})

test('a cleanup that outlasts its time is timed out', async () => {
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const activities = fakeCleanup({
    cleanUp: async () => {
      begun.resolve()
      await ended.promise
      return { items: 0, bytes: 0, isComplete: true }
    },
  })
  await rig.withWorker(QUEUE, activities, async () => {
    const handle = await rig.client.workflow.start('cleanup', {
      args: [{}],
      taskQueue: QUEUE,
      workflowId: `cleanup:${randomUUID()}`,
      workflowRunTimeout: '2 seconds',
    })
    await begun.promise
    await expect(handle.result()).rejects.toThrow()
    expect((await handle.describe()).status.name).toBe('TIMED_OUT')
    ended.resolve()
  })
})

test('carries out on real tables and a real home what its dry run counted', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const homeDir = await mkdtemp(join(tmpdir(), 'groundstop-home-'))
  try {
    await sql`
      insert into idempotent_request (scope, key, request_sha256, response_status, locked_until, created_at)
      select 'quotes', n::text, 'x', 200, now(), now() - n * interval '20 days'
      from generate_series(0, 3) n`.execute(db)
    await mkdir(join(homeDir, 'logs'))
    for (const name of ['worker.log', 'worker.log.1']) {
      await writeFile(join(homeDir, 'logs', name), 'a line\n')
      await utimes(join(homeDir, 'logs', name), new Date(0), new Date(0))
    }
    const reportsDir = join(homeDir, 'elsewhere')
    await mkdir(join(reportsDir, 'usage/2013-02'), { recursive: true })
    await writeFile(join(reportsDir, 'usage/2013-02/index.html'), 'a page')
    await utimes(join(reportsDir, 'usage/2013-02/index.html'), new Date(0), new Date(0))
    const clock = createSystemClock()
    const { cleanup } = createRetentionActivities({
      db,
      clock,
      homeDir,
      reportsDir,
      log: { file: null },
      events: { logsPruned: () => undefined },
    })
    const results = await rig.withWorker(QUEUE, cleanup, async () => {
      const dryRun = await start({ isDryRun: true })
      const counted: unknown = await rig.client.workflow.getHandle(dryRun).result()
      const removed: unknown = await rig.client.workflow.getHandle(await start()).result()
      return [counted, removed]
    })
    // Two of four requests are older than 30 days, one log is rotated, one report was read enough.
    expect(results).toMatchObject([
      { isDryRun: true, items: 4 },
      { isDryRun: false, items: 4 },
    ])
    expect(await readdir(join(reportsDir, 'usage'))).toEqual([])
    expect(await readdir(join(homeDir, 'logs'))).toEqual(['worker.log'])
    const { rows } = await sql`select key from idempotent_request order by key`.execute(db)
    expect(rows).toEqual([{ key: '0' }, { key: '1' }])
  } finally {
    await rm(homeDir, { recursive: true, force: true })
  }
})

test.each([{ what: [] }, { what: ['policies'] }, { olderThanDays: 0 }])(
  'refuses the input %j',
  async (input) => {
    await expect(start(input)).rejects.toThrow()
  },
)

test('the schedule is daily at 02:00 UTC, once, within 1,800 s', () => {
  const job = findJob('cleanup')
  if (job === undefined) throw new Error('cleanup is not in the registry')
  expect(desiredSchedule(job, { speed: 1 })?.fields).toMatchObject({
    overlap: 'SKIP',
    runTimeoutMs: 1_800_000,
    attempts: 1,
    priorityKey: 5,
    taskQueue: QUEUE,
  })
  expect(job.schedule).toMatchObject({ calendars: [{ hour: 2 }], timezone: 'UTC' })
})
