/** A run that waits for its time is moved: one run in the end, whoever is at it at once. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import { activityInfo } from '@temporalio/activity'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { instantFromMs, type Instant } from '../../domain/time.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { NotReschedulableError, rescheduleRun } from '../../platform/temporal/run-rescheduler.ts'
import { fakeMaintenance } from '../support/fake-activities.ts'
import { runCommand } from '../support/read-commands.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { createApiRig, eventually, type ApiRig } from './api-rig.ts'

const JOBS = '/api/admin/scheduler/jobs'
const HOUR_MS = 3_600_000
const NOTE = { by: 'user:ana', reason: 'the vacuum is to wait' }

let rig: ApiRig
let runs: TemporalRig

beforeAll(async () => {
  rig = await createApiRig()
  runs = await createTemporalRig(services().temporalAddress, rig.namespace)
})
afterAll(async () => {
  await runs[Symbol.asyncDispose]()
  await rig[Symbol.asyncDispose]()
})

const inMs = (ms: number): Instant => instantFromMs(Date.now() + ms)

type Run = Record<string, unknown> & { id: string; runId: string; executeAt: string }

const PAYLOAD = { task: 'vacuum' }

async function startLater(ms: number): Promise<Run> {
  const body = { type: 'MAINTENANCE', payload: PAYLOAD, executeAt: inMs(ms) }
  const tenant = `t-${ms}`
  const answer = await rig.ask('POST', JOBS, { body: { ...body, priority: 'HIGH', tenant } })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body as Run
}

function move(id: string, executeAt: string, headers: Record<string, string> = {}) {
  const path = `${JOBS}/${encodeURIComponent(id)}/reschedule`
  return rig.ask('POST', path, { body: { ...NOTE, executeAt }, headers })
}

async function openRuns(id: string): Promise<number> {
  return (await rig.client.workflow.count(`WorkflowId = "${id}" AND ExecutionStatus = "Running"`))
    .count
}

/** Carries out maintenance while `work` goes on; which runs did, one entry each time they did. */
async function carryingOut(work: () => Promise<unknown>): Promise<string[]> {
  const done: string[] = []
  const activities = fakeMaintenance({
    maintainDatabase: async ({ task }) => {
      const { workflowExecution } = activityInfo()
      done.push(workflowExecution?.workflowId ?? '')
      return { task, done: [], skipped: [], bytesBefore: 0, bytesAfter: 0 }
    },
  })
  await runs.withWorker('maintenance', activities, work)
  return done
}

describe('a run that waits', () => {
  it('is moved under its id, with its input, priority and tenant, and noted', async () => {
    const { id, runId } = await startLater(HOUR_MS)
    const executeAt = inMs(2 * HOUR_MS)
    const { status, body } = await move(id, executeAt)
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body).toMatchObject({
      ...{ id, status: 'scheduled', priority: 'HIGH', tenant: `t-${HOUR_MS}`, type: 'MAINTENANCE' },
    })
    const moved = body as Run
    expect(Math.abs(Date.parse(moved.executeAt) - Date.parse(executeAt))).toBeLessThan(2_000)
    expect(moved.runId).not.toBe(runId)
    const read = await rig.ask('GET', `${JOBS}/${encodeURIComponent(id)}`)
    expect(read.body).toMatchObject({ runId: moved.runId, input: PAYLOAD })
    const old = await rig.ask('GET', `${JOBS}/${encodeURIComponent(id)}?runId=${runId}`)
    expect(old.body).toMatchObject({ status: 'cancelled' })
    await eventually(async () => expect(await openRuns(id)).toBe(1))
    const { rows } = await sql<{ actor: string; details: unknown }>`
      select actor, details from audit_event where action = 'job.reschedule'`.execute(
      rig.database.db,
    )
    const details = { id, reason: NOTE.reason, after: executeAt }
    expect(rows).toMatchObject([{ actor: NOTE.by, details }])
  })

  it('is where it was after the same request again, with and without a key', async () => {
    const { id } = await startLater(HOUR_MS + 1_000)
    const executeAt = inMs(3 * HOUR_MS)
    const headers = { 'idempotency-key': randomUUID() }
    const first = (await move(id, executeAt, headers)).body as Run
    expect((await move(id, executeAt, headers)).body).toEqual(first)
    expect(((await move(id, executeAt)).body as Run).runId).toBe(first.runId)
  })

  it('moved to a past time runs now, once', async () => {
    const { id } = await startLater(HOUR_MS + 2_000)
    const done = await carryingOut(async () => {
      expect((await move(id, '2013-02-08T00:00:00Z')).status).toBe(200)
      await runs.client.workflow.getHandle(id).result()
    })
    expect(done).toEqual([id])
    expect((await move(id, inMs(HOUR_MS))).status).toBe(409)
  })

  it('is moved from the command line', async () => {
    const { id } = await startLater(HOUR_MS + 3_000)
    const at = inMs(5 * HOUR_MS)
    const env = {
      TEMPORAL_ADDRESS: services().temporalAddress,
      TEMPORAL_NAMESPACE: rig.namespace,
    }
    const words = ['jobs', 'reschedule', id, '--at', at, '--reason', 'later']
    const { out, error } = await runCommand(rig.database.url, words, env)
    expect(error).toBeNull()
    expect(out).toBe(`${id} starts at ${at}\n`)
    const unknown = await runCommand(rig.database.url, words.with(2, 'maintenance:none'), env)
    expect(String(unknown.error)).toContain('no run has the id maintenance:none')
  })

  it('keeps its time for itself: a start for the time that it had is told so', async () => {
    const executeAt = inMs(HOUR_MS + 4_000)
    const body = { type: 'MAINTENANCE', payload: PAYLOAD, executeAt }
    const { id } = (await rig.ask('POST', JOBS, { body })).body as Run
    expect((await rig.ask('POST', JOBS, { body })).status).toBe(201)
    await move(id, inMs(6 * HOUR_MS))
    expect((await rig.ask('POST', JOBS, { body })).status).toBe(409)
  })
})

describe('what cannot be moved', () => {
  it('is a run that begins within ten seconds; one that begins in twelve can', async () => {
    const [soon, later] = [await startLater(8_000), await startLater(12_000)]
    const { status, body } = await move(soon.id, inMs(HOUR_MS))
    expect([status, (body as { detail?: string }).detail]).toEqual([
      409,
      expect.stringContaining('it is too late to move it'),
    ])
    expect((await move(later.id, inMs(HOUR_MS))).status).toBe(200)
  })

  it('is a run that is not there, and a time too far ahead', async () => {
    expect((await move('maintenance:none', inMs(HOUR_MS))).status).toBe(404)
    const { id } = await startLater(HOUR_MS + 5_000)
    expect((await move(id, inMs(366 * 24 * HOUR_MS + 60_000))).status).toBe(422)
  })
})

describe('at once', () => {
  const start = (executeAt: Instant) =>
    startJob(runs, {
      ...{ job: 'maintenance', input: PAYLOAD, trigger: 'api', executeAt },
      workflowId: `maintenance:race-${randomUUID()}`,
    })

  /** Loopback and one clock: a call that takes longer than this would fail the test on a good product. */
  const NOTICE_MS = 1_000

  it('a start and requests to move it are one run, which is never stopped at work', async () => {
    const ids: string[] = []
    const answers: string[] = []
    const ask = (workflowId: string) =>
      rescheduleRun(
        { client: runs.client, noticeMs: NOTICE_MS },
        { workflowId, executeAt: inMs(NOTICE_MS + 500) },
      ).then(
        () => answers.push('moved'),
        (error: unknown) => {
          if (!(error instanceof NotReschedulableError)) throw error
          answers.push('refused')
        },
      )
    const done = await carryingOut(async () => {
      const beginning = await Promise.all(Array.from({ length: 6 }, () => start(inMs(2_500))))
      ids.push(...beginning.map(({ workflowId }) => workflowId))
      // From before the last moment to after the start, of the time that each run has by then.
      const asks = ids.flatMap((id, run) =>
        Array.from({ length: 12 }, async (_, i) => {
          await delay(1_300 + run * 15 + i * 150)
          await ask(id)
        }),
      )
      await Promise.all(asks)
      await Promise.all(ids.map((id) => runs.client.workflow.getHandle(id).result()))
    })
    expect(done.toSorted()).toEqual(ids.toSorted())
    expect(answers).toContain('refused')
  })

  it('who is told that a run is cancelled has it cancelled, though somebody moved it', async () => {
    const seen = new Set<string>()
    for (let i = 0; i < 15; i += 1) {
      const { workflowId } = await start(inMs(HOUR_MS))
      const handle = runs.client.workflow.getHandle(workflowId)
      const [cancelled, moved] = await Promise.allSettled([
        rig.ask('DELETE', `${JOBS}/${encodeURIComponent(workflowId)}`),
        delay(i % 5).then(() => rescheduleRun(runs, { workflowId, executeAt: inMs(2 * HOUR_MS) })),
      ])
      if (moved.status === 'rejected') expect(moved.reason).toBeInstanceOf(NotReschedulableError)
      const isCancelled = cancelled.status === 'fulfilled' && cancelled.value.status === 202
      const { status } = await handle.describe()
      seen.add(`${status.name} ${moved.status}`)
      expect(status.name).toBe(isCancelled ? 'TERMINATED' : 'RUNNING')
    }
    expect([...seen]).not.toContain('RUNNING rejected')
  })
})
