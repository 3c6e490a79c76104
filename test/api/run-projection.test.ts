/** The kept runs against a real Temporal server: whatever becomes of a run is seen, once. */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createRunReads } from '../../db/stores/run-reads.ts'
import { createRunStore } from '../../db/stores/run-store.ts'
import { addMs, instantFromMs, MINUTE_MS, type Instant } from '../../domain/time.ts'
import { projectRuns, rebuildRuns, type ProjectionDeps } from '../../operations/project-runs.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { fakeMaintenance } from '../support/fake-activities.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { projectionDeps } from '../support/projection-deps.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { createApiRig, eventually } from './api-rig.ts'

let rig: TemporalRig
let database: TestDatabase
let deps: ProjectionDeps

const wallNow = (): Instant => instantFromMs(Date.now())

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  database = await createTestDatabase()
  deps = projectionDeps(rig.client, database.db)
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await rig[Symbol.asyncDispose]()
})

async function start(policyId: string, change: Record<string, unknown> = {}) {
  const started = { job: 'flight-monitor', input: { policyId }, trigger: 'api' as const, ...change }
  const { workflowId, runId } = await startJob(rig, started)
  return { workflowId, runId, handle: rig.client.workflow.getHandle(workflowId, runId) }
}

/** Lists lag: a pass is repeated until it has what the test waits for. */
async function untilKept(runId: string, what: Record<string, unknown>): Promise<void> {
  await eventually(async () => {
    await projectRuns(deps, { isFull: true })
    const { items } = await createRunReads(database.db).list({}, { limit: 200 })
    expect(items.find((run) => run.runId === runId)).toMatchObject(what)
  })
}

/** All that is kept, without when it was. */
async function kept(db = database.db): Promise<unknown> {
  const { rows } = await sql`
    select to_jsonb(r) - array['created_at', 'updated_at', 'rebuilt_at', 'kind_id'] as run,
      to_jsonb(k) - array['id', 'created_at', 'updated_at'] as kind
    from job_run r join job_run_kind k on k.id = r.kind_id order by r.run_id`.execute(db)
  return rows
}

async function expectCountsTrue(): Promise<void> {
  const { rows } = await sql`
    select k.id from job_run_kind k left join job_run r on r.kind_id = k.id
    group by k.id having k.runs <> count(r.run_id)
      or k.duration_ms <> coalesce(sum(r.duration_ms), 0)`.execute(database.db)
  expect(rows).toEqual([])
}

describe('what is kept of a run', () => {
  it('that no worker has taken: it is open', async () => {
    const { runId, workflowId } = await start('P-open')
    await untilKept(runId, {
      workflowId,
      job: 'flight-monitor',
      status: 'running',
      trigger: 'api',
      priority: 'HIGH',
      queue: 'monitoring',
      closedAt: null,
      durationMs: null,
    })
  })

  it('that was terminated without a worker seeing it: who reads knows why', async () => {
    const { runId, handle } = await start('P-terminated')
    await untilKept(runId, { status: 'running' })
    await handle.terminate('the provider asked us to')
    await untilKept(runId, {
      status: 'terminated',
      errorType: 'Terminated',
      errorMessage: 'the provider asked us to',
    })
  })

  it('that ran out of time without a worker', async () => {
    const handle = await rig.client.workflow.start('flightMonitor', {
      args: [{ policyId: 'P-late' }],
      taskQueue: 'monitoring',
      workflowId: `flight-monitor:${randomUUID()}`,
      workflowRunTimeout: '1 second',
    })
    const { firstExecutionRunId: runId } = handle
    await untilKept(runId, { status: 'timeout', errorType: 'RunTimeout', trigger: null })
  })

  it('that was stopped before its time: cancelled, and it took none', async () => {
    const { runId, handle } = await start('P-waits', {
      executeAt: addMs(wallNow(), 60 * MINUTE_MS),
    })
    await handle.terminate('not needed')
    await untilKept(runId, { status: 'cancelled', durationMs: 0 })
  })

  it('that failed and goes on in another attempt: which', async () => {
    const bad = { job: 'maintenance', input: { task: 'vacuum' }, trigger: 'cli' as const }
    await rig.withWorker(
      'maintenance',
      fakeMaintenance({ maintainDatabase: async () => Promise.reject(new Error('disk full')) }),
      async () => {
        // Three attempts of the run in development, and each of its step's three.
        const { runId } = await startJob(rig, bad)
        const handle = rig.client.workflow.getHandle('maintenance:vacuum')
        await expect(handle.result()).rejects.toThrow()
        await untilKept(runId, { status: 'failed', errorType: 'Error', errorMessage: 'disk full' })
        const reads = createRunReads(database.db)
        const { items } = await reads.list({ job: 'maintenance' }, { limit: 10 })
        expect(items.map((run) => run.nextRunId)).toEqual([null, items[0]?.runId, items[1]?.runId])
        const [totals] = await reads.totals(['maintenance'])
        expect(totals).toMatchObject({
          lastStatus: 'failed',
          lastError: 'Error: disk full',
          totalRuns: 3,
          totalFailures: 3,
        })
      },
    )
  })

  it('that failed for good: its owner is told, and when the job has succeeded again', async () => {
    const told = async () => {
      const { rows } = await sql<{ subject: string; to_ref: string }>`
        select distinct on (created_at) content ->> 'subject' as subject, to_ref from notification
        where to_ref = 'platform' order by created_at`.execute(database.db)
      return rows
    }
    const failed = { subject: 'maintenance failed: Error', to_ref: 'platform' }
    expect(await told()).toEqual([failed])
    await rig.withWorker('maintenance', fakeMaintenance(), async () => {
      await startJob(rig, { job: 'maintenance', input: { task: 'vacuum' }, trigger: 'cli' })
      await rig.client.workflow.getHandle('maintenance:vacuum').result()
      await eventually(async () => {
        await projectRuns(deps, { isFull: true })
        expect(await told()).toEqual([
          failed,
          { subject: 'maintenance is over Error', to_ref: 'platform' },
        ])
      })
    })
  })

  it('that succeeded: how long it took', async () => {
    await rig.withWorker('maintenance', fakeMaintenance(), async () => {
      const input = { task: 'analyze' }
      const { runId } = await startJob(rig, { job: 'maintenance', input, trigger: 'cli' })
      await rig.client.workflow.getHandle('maintenance:analyze').result()
      await untilKept(runId, { status: 'success', errorType: null })
    })
  })

  it('that the server does not know any more: nothing', async () => {
    const [some] = await allRuns()
    if (some === undefined) throw new Error('no run')
    const ghost = { ...some, runId: randomUUID(), status: 'running' as const, closedAt: null }
    const workflowId = 'flight-monitor:ghost'
    const requestedAt = addMs(wallNow(), -60 * MINUTE_MS)
    await deps.runStore.save([{ ...ghost, workflowId, requestedAt }])
    await projectRuns(deps, { isFull: false })
    const reads = createRunReads(database.db)
    expect((await reads.list({ workflowId }, { limit: 10 })).items).toHaveLength(1)
    await projectRuns(deps, { isFull: true })
    expect((await reads.list({ workflowId }, { limit: 10 })).items).toEqual([])
  })

  it('whose end no pass saw: how it ended', async () => {
    const closed = (await allRuns()).find((run) => run.status === 'success')
    if (closed === undefined) throw new Error('no run succeeded')
    const requestedAt = addMs(wallNow(), -60 * MINUTE_MS)
    await deps.runStore.remove([closed.runId])
    await deps.runStore.save([{ ...closed, status: 'running', closedAt: null, requestedAt }])
    const reads = createRunReads(database.db)
    const { workflowId } = closed
    await deps.runStore.moveCursor(wallNow())
    const source = { ...deps.runSource, list: notMoved }
    await projectRuns({ ...deps, runSource: source }, { isFull: true })
    const { items } = await reads.list({ workflowId }, { limit: 1 })
    expect(items).toMatchObject([{ status: 'success', closedAt: closed.closedAt }])
    await deps.runStore.remove([closed.runId])
    await deps.runStore.save([closed])
  })
})

/** A server that lists only what is open. */
const notMoved: ProjectionDeps['runSource']['list'] = async (query, from) =>
  query.kind === 'open' ? deps.runSource.list(query, from) : { runs: [], next: null }

describe('passes', () => {
  it('may be repeated: nothing changes and totals stay true', async () => {
    await projectRuns(deps, { isFull: true })
    const before = await kept()
    await deps.runStore.save(await allRuns())
    expect(await deps.runStore.save(await allRuns())).toBe(0)
    expect(await kept()).toEqual(before)
    await expectCountsTrue()
  })

  it('never open a run again that was seen closed', async () => {
    const closed = (await allRuns()).find((run) => run.status === 'success')
    if (closed === undefined) throw new Error('no run succeeded')
    await deps.runStore.save([{ ...closed, status: 'running', closedAt: null }])
    const { workflowId } = closed
    const { items } = await createRunReads(database.db).list({ workflowId }, { limit: 1 })
    expect(items).toMatchObject([{ status: 'success' }])
  })

  it('give what a rebuild into an empty database gives', async () => {
    await projectRuns(deps, { isFull: true })
    await using empty = await createTestDatabase()
    const into = { ...deps, runStore: createRunStore(empty.db), serverRetentionDays: 1 }
    await rebuildRuns(into)
    expect(await kept(empty.db)).toEqual(await kept())
  })

  it('are made up for by a rebuild, whatever was lost or invented', async () => {
    const before = await kept()
    await sql`delete from job_run where run_id in (select run_id from job_run limit 2)`.execute(
      database.db,
    )
    const [some] = await allRuns()
    if (some === undefined) throw new Error('no run')
    const invented = { ...some, runId: randomUUID(), workflowId: 'flight-monitor:nobody' }
    await deps.runStore.save([{ ...invented, requestedAt: addMs(some.requestedAt, -MINUTE_MS) }])
    const done = await rebuildRuns({ ...deps, serverRetentionDays: 1 })
    expect(done).toMatchObject({ removed: 1 })
    expect(await kept()).toEqual(before)
    await expectCountsTrue()
  })

  it('remove what ended too long ago, and nothing younger', async () => {
    const [run] = (await allRuns()).filter((one) => one.closedAt !== null)
    if (run === undefined) throw new Error('no run has ended')
    const aged = (days: number) => {
      const at = addMs(wallNow(), -days * 24 * 60 * MINUTE_MS)
      return { ...run, runId: randomUUID(), requestedAt: at, startedAt: at, closedAt: at }
    }
    const [kept29, gone31] = [aged(29), aged(31)]
    await deps.runStore.save([kept29, gone31])
    expect(await projectRuns(deps, { isFull: true })).toMatchObject({ pruned: 1 })
    const { items } = await createRunReads(database.db).list(
      { workflowId: run.workflowId, until: addMs(wallNow(), -60 * MINUTE_MS) },
      { limit: 10 },
    )
    expect(items.map(({ runId }) => runId)).toEqual([kept29.runId])
    await expectCountsTrue()
  })
})

async function allRuns() {
  return (await deps.runSource.list({ kind: 'all' }, null)).runs
}

describe('over HTTP', () => {
  const SCHEDULES = '/api/admin/scheduler/schedules'

  it('a schedule has the same fields before its first run and after', async () => {
    await using api = await createApiRig()
    const { applySchedules } = await import('../../platform/temporal/schedules-apply.ts')
    await applySchedules(api, { speed: 1 })
    const { body } = await api.ask('GET', SCHEDULES)
    const { schedules } = body as { schedules: { name: string }[] }
    expect(schedules.map(({ name }) => name)).toContain('flight-monitor')
    const none = await api.ask('GET', `${SCHEDULES}/FLIGHT_MONITOR`)
    expect(none.body).toEqual({
      name: 'flight-monitor',
      type: 'FLIGHT_MONITOR',
      lastRun: null,
      lastStatus: null,
      lastError: null,
      lastDurationMs: null,
      totalRuns: 0,
      totalFailures: 0,
      averageDurationMs: null,
      nextRun: expect.stringMatching(/Z$/),
      enabled: true,
      note: null,
      fires: {
        gaps: { missing: 0, late: 0, double: 0, overlap: 0, paused: 0 },
        lastAlarmAt: null,
        latenessP50Ms: null,
        latenessP99Ms: null,
      },
    })
    await api.client.schedule.getHandle('flight-monitor').pause('until noon')
    const runStore = createRunStore(api.database.db)
    const [run] = await allRuns()
    if (run === undefined) throw new Error('no run')
    const [first, last] = [addMs(wallNow(), -3 * MINUTE_MS), addMs(wallNow(), -MINUTE_MS)]
    const ran = (at: Instant, status: 'success' | 'timeout', ms: number) => ({
      ...run,
      runId: randomUUID(),
      job: 'flight-monitor',
      status,
      startedAt: at,
      requestedAt: at,
      closedAt: addMs(at, ms),
    })
    await runStore.save([ran(first, 'success', 1_000), ran(last, 'timeout', 3_000)])
    const paused = await api.ask('GET', `${SCHEDULES}/flight-monitor`)
    expect(paused.body).toMatchObject({
      lastRun: last,
      lastStatus: 'timeout',
      lastDurationMs: 3_000,
      totalRuns: 2,
      totalFailures: 1,
      averageDurationMs: 2_000,
      nextRun: null,
      enabled: false,
      note: 'until noon',
    })
    const history = await api.ask('GET', `${SCHEDULES}/flight-monitor/history?limit=1`)
    const page = history.body as { items: unknown[]; nextCursor: string }
    expect(page.items).toMatchObject([{ status: 'timeout', durationMs: 3_000 }])
    const cursor = encodeURIComponent(page.nextCursor)
    const rest = await api.ask(
      'GET',
      `${SCHEDULES}/flight-monitor/history?limit=1&cursor=${cursor}`,
    )
    expect(rest.body).toMatchObject({ items: [{ status: 'success' }], nextCursor: null })
    const failed = await api.ask('GET', `${SCHEDULES}/flight-monitor/history?status=success`)
    expect(failed.body).toMatchObject({ items: [{ status: 'success' }] })
  })

  it('only schedules are found, and wrong filters are named', async () => {
    await using api = await createApiRig()
    expect((await api.ask('GET', `${SCHEDULES}/payout`)).status).toBe(404)
    expect((await api.ask('GET', `${SCHEDULES}/nobody/history`)).status).toBe(404)
    const wrong = await api.ask('GET', `${SCHEDULES}/flight-monitor/history?status=lost`)
    expect(wrong).toMatchObject({ status: 400, body: { errors: [{ path: 'status' }] } })
    const cursor = await api.ask('GET', `${SCHEDULES}/flight-monitor/history?cursor=x`)
    expect(cursor).toMatchObject({ status: 400, body: { errors: [{ path: 'cursor' }] } })
  })
})
