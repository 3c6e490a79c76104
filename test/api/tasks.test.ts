/** Tasks on a real server: made, followed, run, missed, changed one by one and many at a time. */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createTaskStore } from '../../db/stores/task-store.ts'
import { createScheduleWatchStore } from '../../db/stores/schedule-watch-store.ts'
import type { NewTask, TaskStatistics } from '../../domain/ports/task-store.ts'
import { taskScheduleId, type Task } from '../../domain/task.ts'
import { addMs, instantFromMs, MINUTE_MS, SECOND_MS, type Instant } from '../../domain/time.ts'
import { projectRuns, type ProjectionDeps } from '../../operations/project-runs.ts'
import { watchTasks } from '../../operations/watch-tasks.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import { fakeMaintenance } from '../support/fake-activities.ts'
import { projectionDeps, type Told } from '../support/projection-deps.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { createApiRig, eventually, type ApiRig } from './api-rig.ts'

const NOTE = { by: 'user:ana', reason: 'after the storm' }
const HOUR_MS = 60 * MINUTE_MS

let api: ApiRig
let workers: TemporalRig
let told: Told
let deps: ProjectionDeps

beforeAll(async () => {
  api = await createApiRig()
  workers = await createTemporalRig(services().temporalAddress, api.namespace)
  told = []
  deps = projectionDeps(api.client, api.database.db, { told })
})
afterAll(async () => {
  await workers[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

const now = (): Instant => instantFromMs(Date.now())
const inMs = (ms: number): Instant =>
  instantFromMs(Math.ceil((Date.now() + ms) / SECOND_MS) * SECOND_MS)

async function post(path: string, body: Record<string, unknown> = {}) {
  return api.ask('POST', `/api/tasks${path}`, { body: { ...NOTE, ...body } })
}

async function create(when: unknown, more: Record<string, unknown> = {}): Promise<Task> {
  const body = { type: 'MAINTENANCE', payload: { task: 'analyze' }, when, ...more }
  const answer = await post('', body)
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 201 })
  return answer.body as Task
}

async function read(taskId: string) {
  const { body } = await api.ask('GET', `/api/tasks/${taskId}`)
  return body as Task & { runs: { status: string; workflowId: string }[]; next: Instant[] }
}

const scheduleOf = (taskId: string) => api.client.schedule.getHandle(taskScheduleId(taskId))

async function audited(taskId: string): Promise<unknown[]> {
  const { rows } = await sql<{ actor: string; action: string }>`
    select actor, action from audit_event where subject = ${`task:${taskId}`} order by seq`.execute(
    api.database.db,
  )
  return rows.map(({ actor, action }) => `${actor} ${action}`)
}

/** One look of the switch, as if it were then. */
function look(at: Instant): ReturnType<typeof watchTasks> {
  const { tasks, events, watchStore } = deps
  return watchTasks({ ...tasks, events, watchStore }, { until: at, now: at })
}

/** A task whose schedule was never made: whoever made it died in between. */
async function keepOnly(dueAt: Instant, timedAt: Instant = now()): Promise<Task> {
  const task: NewTask = {
    ...{ taskId: randomUUID(), tenant: 'default', owner: 'user:ben', job: 'maintenance' },
    ...{ input: { task: 'analyze' }, priority: 'LOW', toleranceMin: 5, dueAt, timedAt },
    timing: { kind: 'once', at: dueAt },
  }
  const kept = await createTaskStore(api.database.db).create(task, { ...NOTE, at: now() })
  if (kept === null) throw new Error('there is no room for a task')
  return kept
}

describe('a task for a time', () => {
  it('that is past runs now, once, and is done', async () => {
    await workers.withWorker('maintenance', fakeMaintenance(), async () => {
      const { taskId, dueAt } = await create({ executeAt: addMs(now(), -HOUR_MS) })
      expect(Date.now() - Date.parse(dueAt)).toBeLessThan(10 * SECOND_MS)
      await eventually(async () => {
        await projectRuns(deps, { isFull: false })
        expect((await read(taskId)).runs).toMatchObject([{ status: 'success' }])
      })
      await look(addMs(dueAt, MINUTE_MS))
      const done = await read(taskId)
      expect(done).toMatchObject({ state: 'DONE', missed: 0, next: [] })
      expect(done.runs).toHaveLength(1)
      expect(await audited(taskId)).toEqual(['user:ana task.created', 'system task.done'])
    })
  })

  it('has a schedule of its own, which applying the registry leaves alone', async () => {
    const executeAt = inMs(HOUR_MS)
    const { taskId } = await create({ executeAt }, { toleranceMin: 7 })
    await applySchedules(api, { speed: 1, jobs: [] })
    const { memo, policies, info, action } = await scheduleOf(taskId).describe()
    expect(memo).toMatchObject({ managedBy: 'groundstop-tasks', owner: 'user:ana' })
    expect(policies.catchupWindow).toBe(7 * MINUTE_MS)
    expect(info.nextActionTimes.map((at) => at.toISOString())).toEqual([executeAt])
    expect(action).toMatchObject({ args: [{ task: 'analyze' }], memo: { taskId } })
    expect((await read(taskId)).next).toEqual([executeAt])
  })

  it('of a tenant takes turns with other tenants; one of no tenant is the house’s', async () => {
    const fairnessKeyOf = async (workflowId: string) =>
      (await api.client.workflow.getHandle(workflowId).describe()).priority?.fairnessKey ?? ''
    const firedRun = async (taskId: string): Promise<string> => {
      await scheduleOf(taskId).trigger('ALLOW_ALL')
      const fired = async () => (await scheduleOf(taskId).describe()).info.recentActions
      await expect.poll(fired, { timeout: 10_000 }).toHaveLength(1)
      return (await fired())[0]?.action.workflow.workflowId ?? ''
    }
    const [acme, house] = [{ tenant: 'acme' }, {}]
    const ofAcme = await create({ executeAt: inMs(HOUR_MS) }, acme)
    const ofHouse = await create({ executeAt: inMs(HOUR_MS) }, house)
    expect(await fairnessKeyOf(await firedRun(ofAcme.taskId))).toBe('acme')
    expect(await fairnessKeyOf(await firedRun(ofHouse.taskId))).toBe('')
    // One that is due at once is started beside its schedule.
    const { taskId, dueAt } = await create({ executeAt: addMs(now(), -HOUR_MS) }, acme)
    const startedId = `${taskScheduleId(taskId)}-${dueAt.replace('.000Z', 'Z')}`
    expect(await fairnessKeyOf(startedId)).toBe('acme')
    for (const one of [ofAcme.taskId, ofHouse.taskId, taskId]) {
      await api.ask('DELETE', `/api/tasks/${one}`, { body: NOTE })
    }
  })

  it('is called off: its schedule is gone', async () => {
    const { taskId } = await create({ executeAt: inMs(HOUR_MS) })
    const answer = await api.ask('DELETE', `/api/tasks/${taskId}`, { body: NOTE })
    expect(answer).toMatchObject({ status: 200, body: { state: 'CANCELLED' } })
    await expect(scheduleOf(taskId).describe()).rejects.toThrow(/not ?found/i)
    expect((await api.ask('DELETE', `/api/tasks/${taskId}`, { body: NOTE })).status).toBe(409)
    expect(await audited(taskId)).toEqual(['user:ana task.created', 'user:ana task.cancelled'])
  })

  it('gets another time', async () => {
    const { taskId } = await create({ executeAt: inMs(HOUR_MS) })
    const later = inMs(2 * HOUR_MS)
    const answer = await post(`/${taskId}/reschedule`, { when: { executeAt: later } })
    expect(answer).toMatchObject({ status: 200, body: { dueAt: later, revision: 2 } })
    const { info } = await scheduleOf(taskId).describe()
    expect(info.nextActionTimes.map((at) => at.toISOString())).toEqual([later])
  })

  it('is made once for an Idempotency-Key, also when its first answer was lost', async () => {
    const body = { ...NOTE, type: 'MAINTENANCE', payload: { task: 'analyze' } }
    const request = { ...body, when: { executeAt: inMs(HOUR_MS) } }
    const headers = { 'idempotency-key': 'key-1' }
    const first = await api.ask('POST', '/api/tasks', { body: request, headers })
    await sql`delete from idempotent_request`.execute(api.database.db)
    const second = await api.ask('POST', '/api/tasks', { body: request, headers })
    const ids = [first, second].map((one) => (one.body as Task).taskId)
    expect(ids[0]).toBe(ids[1])
  })

  it.each([
    [{ type: 'NONE', when: { every: '1 h' } }, 'type'],
    [{ payload: { task: 'x' }, when: { every: '1 h' } }, 'payload.task'],
    [{ when: {} }, 'when'],
    [{ when: { every: '1 h', cron: '@daily' } }, 'when'],
    [{ when: { every: '59 seconds' } }, 'when'],
    [{ when: { cron: '61 * * * *' } }, 'when'],
    [{ when: { cron: '0 0 30 2 *' } }, 'when'],
    [{ when: { cron: '@daily', timezone: 'Mars/Base' } }, 'when'],
    [{ when: { executeAt: addMs(now(), 400 * 24 * HOUR_MS) } }, 'when'],
  ])('%j is refused and names %s', async (body, path) => {
    const answer = await post('', { type: 'MAINTENANCE', payload: { task: 'analyze' }, ...body })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path }] } })
  })
})

describe('a crash between row and schedule', () => {
  it('is made up for by the next pass, not before its maker had time', async () => {
    const { taskId, updatedAt } = await keepOnly(inMs(HOUR_MS))
    await look(addMs(updatedAt, 14 * SECOND_MS))
    expect((await read(taskId)).isApplied).toBe(false)
    await look(addMs(updatedAt, 16 * SECOND_MS))
    expect((await read(taskId)).isApplied).toBe(true)
    expect((await scheduleOf(taskId).describe()).info.nextActionTimes).toHaveLength(1)
  })

  it('that outlasts the time is made up for within the tolerance', async () => {
    const dueAt = inMs(-MINUTE_MS)
    const { taskId } = await keepOnly(dueAt, addMs(dueAt, -MINUTE_MS))
    await workers.withWorker('maintenance', fakeMaintenance(), async () => {
      const found = now()
      await look(found)
      await look(addMs(found, 31 * SECOND_MS))
      await eventually(async () => {
        await projectRuns(deps, { isFull: false })
        await look(addMs(found, MINUTE_MS))
        expect((await read(taskId)).state).toBe('DONE')
      })
    })
    expect((await read(taskId)).runs).toMatchObject([{ status: 'success' }])
  })
})

describe('a task that cannot run in time', () => {
  it('is waited for while it is not more overdue than its tolerance, and missed after', async () => {
    const { taskId, dueAt } = await keepOnly(inMs(HOUR_MS))
    // The server does not get to know of it.
    await createTaskStore(api.database.db).applied(taskId, 1, now())
    await look(addMs(dueAt, 5 * MINUTE_MS + 29 * SECOND_MS))
    expect((await read(taskId)).state).toBe('SCHEDULED')
    await look(addMs(dueAt, 5 * MINUTE_MS + 30 * SECOND_MS))
    const missed = await read(taskId)
    expect(missed).toMatchObject({ state: 'MISSED', missed: 1, missedUntil: dueAt })
    await look(addMs(dueAt, 10 * MINUTE_MS))
    expect(await audited(taskId)).toEqual(['user:ana task.created', 'system task.missed'])
    const events = told.filter(({ event }) => event === 'taskMissed').map(({ data }) => data)
    expect(events.filter((data) => JSON.stringify(data).includes(taskId))).toEqual([
      { taskId, job: 'maintenance', owner: 'user:ben', first: dueAt, count: 1 },
    ])
    const { rows } = await sql`
      select key from operator_notice where key = ${`task:missed:${taskId}`}`.execute(
      api.database.db,
    )
    expect(rows).toHaveLength(1)
    // Somebody gives it another time.
    const again = await post(`/${taskId}/reschedule`, { when: { executeAt: inMs(2 * HOUR_MS) } })
    expect(again.body).toMatchObject({ state: 'SCHEDULED', missed: 1 })
  })
})

describe('a recurring task', () => {
  it('goes on after a missed time', async () => {
    const { taskId, dueAt } = await create({ every: '1 hour' }, { owner: 'user:hour' })
    await api.client.schedule.getHandle(taskScheduleId(taskId)).delete()
    await look(addMs(dueAt, 6 * MINUTE_MS))
    const next = addMs(dueAt, HOUR_MS)
    expect(await read(taskId)).toMatchObject({ state: 'SCHEDULED', missed: 1, dueAt: next })
    // What other hands deleted is made again.
    await look(addMs(dueAt, 7 * MINUTE_MS))
    expect((await scheduleOf(taskId).describe()).spec.intervals).toMatchObject([{ every: HOUR_MS }])
  })

  it('is paused, resumed, and given times on a wall', async () => {
    const { taskId } = await create({ every: '15 minutes' })
    expect((await post(`/${taskId}/pause`)).body).toMatchObject({ state: 'PAUSED' })
    const { state } = await scheduleOf(taskId).describe()
    expect(state).toMatchObject({ paused: true, note: 'paused: after the storm' })
    expect((await read(taskId)).next).toEqual([])
    expect((await post(`/${taskId}/pause`)).status).toBe(409)
    expect((await post(`/${taskId}/resume`)).body).toMatchObject({ state: 'SCHEDULED' })
    const when = { cron: '30 6 * * MON-FRI', timezone: 'Europe/Berlin', dst: 'skip' }
    const { body } = await post(`/${taskId}/reschedule`, { when })
    expect(body).toMatchObject({ timing: { kind: 'wall', cron: when.cron, dst: 'skip' } })
    const described = await scheduleOf(taskId).describe()
    expect(described.state.paused).toBe(false)
    const [first] = described.info.nextActionTimes
    expect(first?.toISOString()).toBe((await read(taskId)).next[0])
  })

  it('that is once and paused over its time needs a new one to go on', async () => {
    const { taskId, dueAt } = await create({ executeAt: inMs(HOUR_MS) })
    await post(`/${taskId}/pause`)
    await sql`
      update task set timing = jsonb_set(timing, '{at}', '"2026-01-01T00:00:00.000Z"')
      where id = ${taskId}::uuid`.execute(api.database.db)
    const refused = await post(`/${taskId}/resume`)
    expect(refused.status).toBe(409)
    expect(JSON.stringify(refused.body)).toContain(dueAt)
    const given = await post(`/${taskId}/reschedule`, { when: { executeAt: dueAt } })
    expect(given.body).toMatchObject({ state: 'SCHEDULED', dueAt })
  })
})

describe('a preview', () => {
  const ask = (query: Record<string, string>) =>
    api.ask(
      'GET',
      `/api/admin/scheduler/schedules/preview?${new URLSearchParams(query).toString()}`,
    )

  it('of a cron expression tells what a change of clocks does to it', async () => {
    const of = { cron: '30 2 * * *', timezone: 'Europe/Berlin', from: '2026-03-28T00:00:00Z' }
    const { body } = await ask({ ...of, dst: 'shift', count: '2' })
    expect(body).toEqual({
      timezone: 'Europe/Berlin',
      dst: 'shift',
      spread: null,
      lines: [
        {
          kind: 'fire',
          at: '2026-03-28T01:30:00.000Z',
          wall: '2026-03-28T02:30:00',
          offset: '+01:00',
        },
        {
          kind: 'change',
          at: '2026-03-29T01:00:00.000Z',
          wallBefore: '2026-03-29T02:00:00',
          wallAfter: '2026-03-29T03:00:00',
        },
        {
          kind: 'fire',
          at: '2026-03-29T01:30:00.000Z',
          wall: '2026-03-29T03:30:00',
          offset: '+02:00',
        },
      ],
    })
    const skipped = await ask({ ...of, dst: 'skip', count: '2' })
    expect(JSON.stringify(skipped.body)).toContain('2026-03-30T02:30:00')
    expect(JSON.stringify(skipped.body)).not.toContain('"2026-03-29T03:30:00"')
  })

  it('of a job is that of its schedule', async () => {
    const { body } = await ask({ job: 'FLIGHT_MONITOR', from: '2026-03-28T00:00:00Z', count: '1' })
    expect(body).toMatchObject({ lines: [{ at: '2026-03-28T00:02:00.000Z' }] })
  })

  it.each([
    [{ job: 'none' }, 404],
    [{ job: 'payout' }, 400],
    [{ job: 'flight-monitor', every: '1 h' }, 400],
    [{ cron: '99 * * * *' }, 400],
    [{}, 400],
    [{ every: '1 h', count: '201' }, 400],
  ])('of %j is refused by %i', async (query, status) => {
    expect((await ask(query)).status).toBe(status)
  })
})

describe('many tasks', () => {
  const statistics = async () =>
    (await api.ask('GET', '/api/tasks/statistics')).body as TaskStatistics

  it('are listed in pages, changed by filter, and counted', async () => {
    const owner = 'user:many'
    const before = await statistics()
    const made: string[] = []
    for (const hours of [3, 1, 2]) {
      made.push((await create({ executeAt: inMs(hours * HOUR_MS) }, { owner })).taskId)
    }
    const [third, first, second] = made
    const pageOf = async (cursor: string) => {
      const { body } = await api.ask('GET', `/api/tasks?owner=${owner}&limit=2${cursor}`)
      return body as { items: Task[]; nextCursor: string | null }
    }
    const page = await pageOf('')
    const rest = await pageOf(`&cursor=${page.nextCursor ?? ''}`)
    const ids = [...page.items, ...rest.items].map(({ taskId }) => taskId)
    expect(ids).toEqual([first, second, third])
    const request = { action: 'cancel', filter: { owner, until: inMs(2.5 * HOUR_MS) } }
    const dry = await post('/bulk', { ...request, dryRun: true })
    expect(dry.body).toMatchObject({
      tasks: [{ outcome: 'would-do' }, { outcome: 'would-do' }],
      isMore: false,
    })
    expect((await read(first ?? '')).state).toBe('SCHEDULED')
    await post('/bulk', request)
    const again = await post('/bulk', { ...request, filter: { owner } })
    expect(again.body).toMatchObject({
      tasks: [
        { taskId: first, outcome: 'refused', message: 'state: it is CANCELLED' },
        { taskId: second, outcome: 'refused' },
        { taskId: third, outcome: 'done' },
      ],
    })
    const nobodys = randomUUID()
    const named = await post('/bulk', { ...request, filter: { taskIds: [nobodys] } })
    expect(named.body).toMatchObject({ tasks: [{ taskId: nobodys, outcome: 'refused' }] })
    const after = await statistics()
    expect(after.byState.CANCELLED - before.byState.CANCELLED).toBe(3)
    expect(after.byState.DONE).toBe(2)
    expect(after.missedWithinDay).toBeGreaterThan(0)
    // The one that nobody scheduled for a minute started that late, the other one at once.
    expect(after.latenessP99Ms).toBeGreaterThan(30 * SECOND_MS)
    expect(after.latenessP50Ms).toBeLessThan(after.latenessP99Ms ?? 0)
  })

  it('are watched by no more than what is due', async () => {
    const marks = await createScheduleWatchStore(api.database.db).readMarks([])
    expect(marks).toEqual([])
    expect(await look(now())).toMatchObject({ applied: 0 })
  })
})
