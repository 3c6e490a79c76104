/** The cleanup of seen proofs: its result, its retry, its failure, its end. Activities are fakes but in one test. */
import { randomUUID } from 'node:crypto'

import { Context } from '@temporalio/activity'
import { ApplicationFailure } from '@temporalio/common'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { DpopReplayCacheCleanupActivities } from '../../activities/dpop-replay-cache-cleanup.ts'
import { createProofStore } from '../../db/stores/proof-store.ts'
import { findJob } from '../../jobs/registry.ts'
import { forgetProofs } from '../../operations/forget-proofs.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { fakeProofCleanup } from '../support/access-histories.ts'
import { createTestDatabase } from '../support/database.ts'
import { failingOnce } from '../support/history-cases.ts'
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

async function run(
  change: Partial<DpopReplayCacheCleanupActivities>,
  operate?: (workflowId: string) => Promise<void>,
): Promise<unknown> {
  return rig.withWorker(QUEUE, fakeProofCleanup(change), async () => {
    const job = 'DPOP_REPLAY_CACHE_CLEANUP'
    const { workflowId } = await startJob(rig, { job, input: {}, trigger: 'cli' })
    await operate?.(workflowId)
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

test('says how many were forgotten', async () => {
  expect(await run({})).toEqual({ removed: 7, isComplete: true })
})

test('tries a step again that failed for a moment', async () => {
  const forgetExpiredProofs = failingOnce({ removed: 3, isComplete: true })
  expect(await run({ forgetExpiredProofs })).toMatchObject({ removed: 3 })
})

test('fails at once on what no repeat helps: the next minute tries again', async () => {
  let tries = 0
  const forgetExpiredProofs = async (): Promise<never> => {
    tries += 1
    throw ApplicationFailure.nonRetryable('no such table', 'DatabaseRefused')
  }
  await expect(run({ forgetExpiredProofs })).rejects.toMatchObject({
    cause: { type: 'DatabaseRefused' },
  })
  expect(tries).toBe(1)
})

/** Goes on until it is told to end. */
async function hanging(): Promise<never> {
  const context = Context.current()
  const beats = setInterval(() => context.heartbeat(), 100)
  try {
    return await context.cancelled
  } finally {
    clearInterval(beats)
  }
}

test('ends when it is cancelled', async () => {
  let id = ''
  const cancelled = run({ forgetExpiredProofs: hanging }, async (workflowId) => {
    id = workflowId
    await rig.client.workflow.getHandle(workflowId).cancel()
  })
  await expect(cancelled).rejects.toThrow()
  const { status } = await rig.client.workflow.getHandle(id).describe()
  expect(status.name).toBe('CANCELLED')
})

test('is timed out when it outlasts its time', async () => {
  await rig.withWorker(QUEUE, fakeProofCleanup({ forgetExpiredProofs: hanging }), async () => {
    const handle = await rig.client.workflow.start('dpopReplayCacheCleanup', {
      args: [{}],
      taskQueue: QUEUE,
      workflowId: `dpop-replay-cache-cleanup:${randomUUID()}`,
      workflowRunTimeout: '1 second',
    })
    await expect(handle.result()).rejects.toThrow()
    expect((await handle.describe()).status.name).toBe('TIMED_OUT')
  })
})

test('forgets on a real table what has expired, batch by batch, and nothing else', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await sql`
    insert into dpop_proof (id, expires_at)
    select encode(sha256(n::text::bytea), 'hex'), now() - n * interval '30 seconds'
    from generate_series(-10, 2500) n`.execute(db)
  const proofs = createProofStore(db)
  // Those of the last minute stay: n from -10 to 2, or one less when the clock moved on.
  const { removed, isComplete } = await forgetProofs({ proofs })
  expect(isComplete).toBe(true)
  expect(removed).toBeGreaterThanOrEqual(2_498)
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from dpop_proof where expires_at > now() - interval '1 minute'`.execute(db)
  expect(rows[0]?.n).toBe(2_511 - removed)
})

test('the schedule is every minute of wall time, one at a time', () => {
  const job = findJob('dpop-replay-cache-cleanup')
  if (job === undefined) throw new Error('dpop-replay-cache-cleanup is not in the registry')
  expect(job.schedule).toMatchObject({ kind: 'interval', everyMs: 60_000, pace: 'wall' })
  expect(desiredSchedule(job, { speed: 60 })?.fields).toMatchObject({ overlap: 'SKIP' })
})
