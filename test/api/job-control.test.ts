/** Switches of schedules, queues and windows on a real server, and the record of who moved them. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createAuditLog } from '../../db/stores/audit-log.ts'
import { createControlStore } from '../../db/stores/control-store.ts'
import { addMs, instantFromMs, MINUTE_MS, SECOND_MS, type Instant } from '../../domain/time.ts'
import { allJobs } from '../../jobs/registry.ts'
import { auditSchedule } from '../../operations/audit-schedules.ts'
import { endWindows } from '../../operations/control-jobs.ts'
import { projectRuns } from '../../operations/project-runs.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import type { SchedulePlanEntry } from '../../platform/temporal/schedules-plan.ts'
import { fakeMaintenance, fakePolicyExpiration } from '../support/fake-activities.ts'
import { projectionDeps } from '../support/projection-deps.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { createApiRig, eventually, type ApiRig } from './api-rig.ts'

const SCHEDULER = '/api/admin/scheduler'
const NOTE = { by: 'user:ana', reason: 'the provider is down' }

let api: ApiRig
let workers: TemporalRig

beforeAll(async () => {
  api = await createApiRig()
  workers = await createTemporalRig(services().temporalAddress, api.namespace)
  await applySchedules(api, { speed: 1 })
})
afterAll(async () => {
  await workers[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

function post(path: string, body: Record<string, unknown> = {}) {
  return api.ask('POST', `${SCHEDULER}/${path}`, { body: { ...NOTE, ...body } })
}

const now = (): Instant => instantFromMs(Date.now())

async function audited(action: string): Promise<unknown[]> {
  const { rows } = await sql`
    select actor, subject, details ->> 'reason' as reason from audit_event
    where action = ${action} order by seq`.execute(api.database.db)
  return rows
}

async function isPaused(name: string): Promise<boolean> {
  return (await api.client.schedule.getHandle(name).describe()).state.paused
}

describe('a schedule', () => {
  it('is disabled with who and why, stays so through an apply, and is enabled again', async () => {
    expect(await post('schedules/reconciliation/disable')).toMatchObject({
      status: 200,
      body: { name: 'reconciliation', enabled: false },
    })
    await applySchedules(api, { speed: 1 })
    const { body } = await api.ask('GET', `${SCHEDULER}/schedules/reconciliation`)
    const note = 'disabled by user:ana: the provider is down'
    expect(body).toMatchObject({ enabled: false, nextRun: null, note })
    const { by: actor, reason } = NOTE
    const subject = 'schedule:reconciliation'
    expect(await audited('schedule.disabled')).toEqual([{ actor, subject, reason }])
    await post('schedules/RECONCILIATION/enable')
    expect(await isPaused('reconciliation')).toBe(false)
  })

  it('that the server does not have is not switched, and no record says that it was', async () => {
    await api.client.schedule.getHandle('cleanup').delete()
    expect(await post('schedules/cleanup/disable')).toMatchObject({
      status: 422,
      body: { detail: 'name: the server has no schedule cleanup: apply schedules' },
    })
    expect(await audited('schedule.disabled')).not.toContainEqual(
      expect.objectContaining({ subject: 'schedule:cleanup' }),
    )
    await applySchedules(api, { speed: 1 })
  })

  it('that is applied leaves who changed what', async () => {
    const { db } = api.database
    const clock = { now: async () => now() }
    const deps = { auditLog: createAuditLog(db), clock, actor: 'user:ines' }
    const { client } = api
    const record = (entry: SchedulePlanEntry) => auditSchedule(deps, entry)
    await client.schedule.getHandle('reconciliation').update((previous) => ({
      ...previous,
      policies: { ...previous.policies, catchupWindow: '11m' },
    }))
    await applySchedules({ client, record }, { speed: 1 })
    const { rows } = await sql<{ actor: string; subject: string; differences: unknown }>`
      select actor, subject, details -> 'differences' as differences from audit_event
      where action = 'schedule.reset'`.execute(db)
    expect(rows).toMatchObject([
      {
        actor: 'user:ines',
        subject: 'schedule:reconciliation',
        differences: [{ field: 'catchUpMs', server: 11 * MINUTE_MS }],
      },
    ])
  })

  it.each([
    ['schedules/payout/disable', {}, 404],
    ['schedules/reconciliation/disable', { reason: '' }, 422],
    ['schedules/reconciliation/disable', { by: 7 }, 422],
    ['schedules/reconciliation/disable', { until: 'noon' }, 422],
  ])('POST %s with %j is refused by %i', async (path, body, status) => {
    expect((await post(path, body)).status).toBe(status)
  })

  it('runs now as often as it is asked, even within a second', async () => {
    const runs = await Promise.all(
      ['P-1', 'P-2', 'P-3'].map((policyId) =>
        api.ask('POST', `${SCHEDULER}/schedules/flight-monitor/run`, {
          body: { payload: { policyId } },
        }),
      ),
    )
    expect(runs.map(({ status }) => status)).toEqual([200, 200, 200])
    const ids = runs.map(({ body }) => (body as { id: string }).id)
    expect(ids).toEqual(['flight-monitor:P-1', 'flight-monitor:P-2', 'flight-monitor:P-3'])
    const wrong = await api.ask('POST', `${SCHEDULER}/schedules/flight-monitor/run`, {
      body: { payload: { policy: 1 } },
    })
    expect(wrong).toMatchObject({ status: 422, body: { errors: [{ path: 'payload.policy' }] } })
  })
})

describe('a backfill', () => {
  it('shows what it would start, starts each once, and a repeat starts none', async () => {
    const until = addMs(now(), -MINUTE_MS)
    const range = { since: addMs(until, -3 * 60 * MINUTE_MS), until }
    const path = 'schedules/policy-expiration/backfill'
    const preview = await post(path, { ...range, dryRun: true })
    const { fires } = preview.body as { fires: { nominalAt: Instant; outcome: string }[] }
    expect(fires).toHaveLength(3)
    expect(new Set(fires.map(({ outcome }) => outcome))).toEqual(new Set(['would-start']))
    expect(await audited('schedule.backfilled')).toEqual([])
    await workers.withWorker('maintenance', fakePolicyExpiration(), async () => {
      const [first, second] = await Promise.all([post(path, range), post(path, range)])
      const outcomes = [first, second].flatMap(
        ({ body }) => (body as { fires: { outcome: string }[] }).fires,
      )
      expect(outcomes.filter(({ outcome }) => outcome === 'started')).toHaveLength(3)
      expect(outcomes.filter(({ outcome }) => outcome === 'exists')).toHaveLength(3)
    })
    const { body } = await post(path, range)
    expect(body).toMatchObject({
      fires: [{ outcome: 'exists' }, { outcome: 'exists' }, { outcome: 'exists' }],
    })
  })

  it.each([
    [{ since: addMs(now(), -MINUTE_MS), until: addMs(now(), 60 * MINUTE_MS) }, 'until'],
    [{ since: addMs(now(), -MINUTE_MS), until: addMs(now(), -2 * MINUTE_MS) }, 'since'],
    [{ since: addMs(now(), -31 * 24 * 60 * MINUTE_MS), until: addMs(now(), -MINUTE_MS) }, 'since'],
    [{ since: addMs(now(), -103 * 2 * MINUTE_MS), until: addMs(now(), -MINUTE_MS / 2) }, 'since'],
  ])('of %j is refused and names %s', async (range, path) => {
    const answer = await post('schedules/flight-monitor/backfill', range)
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path }] } })
  })
})

describe('a queue', () => {
  const queue = async () => (await api.ask('GET', `${SCHEDULER}/queues/maintenance`)).body

  it('begins no step while it is paused; then the critical run goes before the backlog', async () => {
    expect(await queue()).toMatchObject({ name: 'maintenance', pause: null })
    await post('queues/maintenance/pause')
    const reason = 'user:ana: the provider is down'
    await eventually(async () => expect(await queue()).toMatchObject({ pause: { reason } }))
    const begun: string[] = []
    const maintaining = fakeMaintenance({
      maintainDatabase: async ({ task, tables = [] }) => {
        begun.push(tables[0] ?? '')
        return { task, done: [], skipped: [], bytesBefore: 0, bytesAfter: 0 }
      },
    })
    // Runs that the backfill left are on this queue too.
    const activities = { ...maintaining, ...fakePolicyExpiration() }
    const start = (name: string, priority: 'LOW' | 'CRITICAL') =>
      startJob(workers, {
        job: 'maintenance',
        input: { task: 'vacuum', tables: [name] },
        trigger: 'api',
        priority,
        workflowId: `maintenance:${name}`,
      })
    const names = Array.from({ length: 8 }, (_, i) => `low_${i}`)
    await workers.withWorker(
      'maintenance',
      activities,
      async () => {
        for (const name of names) await start(name, 'LOW')
        await start('critical', 'CRITICAL')
        await eventually(async () => {
          const { byPriority } = (await queue()) as { byPriority: Record<string, number> }
          expect(byPriority).toMatchObject({ CRITICAL: 1 })
          // Runs that the backfill left may wait too.
          expect(byPriority['LOW']).toBeGreaterThanOrEqual(names.length)
        })
        expect(begun).toEqual([])
        await post('queues/maintenance/resume')
        await workers.client.workflow.getHandle('maintenance:critical').result()
        await Promise.all(
          names.map((name) => workers.client.workflow.getHandle(`maintenance:${name}`).result()),
        )
      },
      { activitiesAtOnce: 1 },
    )
    // The server keeps a queue in four parts; each part's next may have been taken already, and one is begun.
    expect(begun.indexOf('critical')).toBeLessThan(6)
    expect(await queue()).toMatchObject({ pause: null })
    expect(await audited('queue.paused')).toHaveLength(1)
    expect(await audited('queue.resumed')).toHaveLength(1)
  }, 120_000)

  it('that is limited says so, keeps the limit through a pause, and is set free again', async () => {
    const limit = (perSecond: number | null) => post('queues/reports/limit', { perSecond })
    const reports = async () => (await api.ask('GET', `${SCHEDULER}/queues/reports`)).body
    expect((await limit(2)).body).toEqual({ name: 'reports', perSecond: 2 })
    const held = { perSecond: 2, reason: 'user:ana: the provider is down' }
    await eventually(async () => expect(await reports()).toMatchObject({ limit: held }))
    await post('queues/reports/pause')
    await eventually(async () => {
      expect(await reports()).toMatchObject({ pause: { since: expect.any(String) }, limit: held })
    })
    await limit(3)
    expect(await reports()).toMatchObject({ pause: expect.anything(), limit: { perSecond: 3 } })
    await post('queues/reports/resume')
    await eventually(async () => {
      expect(await reports()).toMatchObject({ pause: null, limit: { perSecond: 3 } })
    })
    await limit(null)
    await eventually(async () => {
      expect(await reports()).toMatchObject({ pause: null, limit: null })
    })
    expect(await audited('queue.limited')).toHaveLength(2)
    expect(await audited('queue.unlimited')).toHaveLength(1)
  })

  it.each([0, 10_001, '2'])('is not limited to %j steps a second', async (perSecond) => {
    expect(await post('queues/reports/limit', { perSecond })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'perSecond' }] },
    })
  })

  it('that no job has is not found', async () => {
    expect((await post('queues/nobody/pause')).status).toBe(404)
    expect((await api.ask('GET', `${SCHEDULER}/queues/nobody`)).status).toBe(404)
  })

  it('that is paused does not keep the projection from its passes', async () => {
    await post('queues/monitoring/pause')
    const projection = projectionDeps(api.client, api.database.db)
    const activities = { projectRuns: () => projectRuns(projection, { isFull: true }) }
    await workers.withWorker('monitoring', activities, async () => {
      const handle = await api.client.workflow.start('outboxAndRunProjection', {
        args: [{}],
        taskQueue: 'monitoring',
        workflowId: 'outbox-and-run-projection:test',
      })
      await eventually(async () => {
        const { rows } = await sql`select from job_cursor where job = 'run-projection'`.execute(
          api.database.db,
        )
        expect(rows).toHaveLength(1)
      })
      await handle.terminate('seen')
    })
    await post('queues/monitoring/resume')
  })
})

describe('a maintenance window', () => {
  const until = (): Instant => addMs(now(), 60 * MINUTE_MS)
  const deps = () => projectionDeps(api.client, api.database.db).windows

  it('pauses what it is about, and at its end only what it paused goes on', async () => {
    await post('schedules/policy-expiration/disable')
    const opened = await post('windows', {
      until: until(),
      jobs: ['reconciliation', 'policy-expiration'],
    })
    expect(opened.body).toMatchObject({ scheduleIds: ['reconciliation'] })
    expect(await isPaused('reconciliation')).toBe(true)
    expect(await endWindows(deps(), addMs(until(), -5 * MINUTE_MS))).toBe(0)
    expect(await isPaused('reconciliation')).toBe(true)
    expect(await endWindows(deps(), addMs(until(), SECOND_MS))).toBe(1)
    expect(await isPaused('reconciliation')).toBe(false)
    expect(await isPaused('policy-expiration')).toBe(true)
    expect(await endWindows(deps(), addMs(until(), SECOND_MS))).toBe(0)
    await post('schedules/policy-expiration/enable')
  })

  it('leaves alone what somebody paused anew, and what a longer window took over', async () => {
    await post('windows', { until: until(), owner: 'finance' })
    await post('schedules/reconciliation/disable', { reason: 'the ledger is off' })
    await endWindows(deps(), addMs(until(), SECOND_MS))
    expect(await isPaused('reconciliation')).toBe(true)
    await post('schedules/reconciliation/enable')
    await post('windows', { until: until(), jobs: ['reconciliation'] })
    const longer = addMs(until(), 60 * MINUTE_MS)
    const second = await post('windows', { until: longer, jobs: ['reconciliation'] })
    await endWindows(deps(), addMs(until(), SECOND_MS))
    expect(await isPaused('reconciliation')).toBe(true)
    const { windowId } = second.body as { windowId: string }
    expect((await post(`windows/${windowId}/close`)).status).toBe(200)
    expect(await isPaused('reconciliation')).toBe(false)
    expect(await createControlStore(api.database.db).listWindows(10)).toEqual([])
  })

  it('never holds the job that ends windows', async () => {
    const owners = [...new Set(allJobs().map((job) => job.owner))]
    for (const owner of owners) await post('windows', { until: until(), owner })
    expect(await isPaused('outbox-and-run-projection')).toBe(false)
    await endWindows(deps(), addMs(until(), SECOND_MS))
    expect(await isPaused('flight-monitor')).toBe(false)
  })

  it.each([
    [{ until: addMs(now(), -MINUTE_MS), owner: 'finance' }, 'until'],
    [{ until: addMs(now(), 8 * 24 * 60 * MINUTE_MS), owner: 'finance' }, 'until'],
    [{ until: until(), jobs: ['payout'] }, 'jobs'],
    [{ until: until() }, 'jobs'],
  ])('%j is refused and names %s', async (body, path) => {
    expect(await post('windows', body)).toMatchObject({ status: 422, body: { errors: [{ path }] } })
  })
})
