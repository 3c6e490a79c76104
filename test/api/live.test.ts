/** Live subscriptions over SSE: what is told, from where it goes on, and when somebody is sent away. */
import { randomUUID } from 'node:crypto'

import { createTRPCClient, httpSubscriptionLink } from '@trpc/client'
import { sql } from 'kysely'
import { EventSource } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { GroundstopRouter } from '../../api/trpc/router-type.ts'
import { createRunStore } from '../../db/stores/run-store.ts'
import type { RunRecord } from '../../domain/run.ts'
import { addMs, instantFromMs } from '../../domain/time.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'
import { askProcedure, eventsOf, type SseEvent } from './procedure-calls.ts'

let rig: ApiRig
const left: AbortController[] = []

beforeAll(async () => {
  rig = await createApiRig({ livePace: { pollMs: 50, recheckMs: 100 } })
})
afterAll(async () => {
  for (const one of left) one.abort()
  await rig[Symbol.asyncDispose]()
})

/** What follows a procedure as it is on the wire; ends by itself when the stream does. */
async function follow(
  procedure: string,
  { headers = {}, api = rig.api }: { headers?: Record<string, string>; api?: ApiRig['api'] } = {},
) {
  const abort = new AbortController()
  left.push(abort)
  const { signal } = abort
  const response = await fetch(`${api.url}/api/trpc/${procedure}`, { headers, signal })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const events = eventsOf(response)
  const first = await events.next()
  expect(first.value).toMatchObject({ event: 'connected' })
  return { events, leave: () => abort.abort() }
}

async function next(events: AsyncGenerator<SseEvent>): Promise<SseEvent> {
  const { value, done } = await events.next()
  if (done === true) throw new Error('the stream has ended')
  return value
}

const wallNow = () => instantFromMs(Date.now())

function runOf(change: Partial<RunRecord> = {}): RunRecord {
  const startedAt = addMs(wallNow(), -1_000)
  return {
    runId: randomUUID(),
    workflowId: 'maintenance:analyze',
    job: 'maintenance',
    status: 'running',
    state: null,
    trigger: 'api',
    priority: 'LOW',
    queue: 'maintenance',
    scheduleId: null,
    nominalAt: null,
    requestedAt: startedAt,
    startedAt,
    closedAt: null,
    isStuck: false,
    ...change,
  }
}

const save = (...runs: RunRecord[]) => createRunStore(rig.database.db).save(runs)

const ended = (run: RunRecord): RunRecord => ({ ...run, status: 'success', closedAt: wallNow() })

describe('changes of runs', () => {
  it('are told as they are kept, each once', async () => {
    const { events, leave } = await follow('scheduler.runChanges')
    const run = runOf()
    await save(run)
    expect(await next(events)).toMatchObject({ data: { runId: run.runId, status: 'running' } })
    await save(run)
    await save(ended(run))
    expect(await next(events)).toMatchObject({ data: { runId: run.runId, status: 'success' } })
    leave()
  })

  it('that a client missed are told when it comes back with the last id it has', async () => {
    const run = runOf()
    const { events, leave } = await follow('scheduler.runChanges')
    await save(run)
    const { id } = await next(events)
    leave()
    const other = runOf()
    await save(ended(run))
    await save(other)
    const back = await follow('scheduler.runChanges', { headers: { 'last-event-id': id ?? '' } })
    const last = runOf()
    const told: string[] = []
    while (!told.includes(`${last.runId} running`)) {
      const { data } = await next(back.events)
      const { runId, status } = data as { runId: string; status: string }
      told.push(`${runId} ${status}`)
      if (told.includes(`${other.runId} running`) && !told.includes('saved')) {
        await save(last)
        told.push('saved')
      }
    }
    const own = told.filter((one) => one.startsWith(run.runId) || one.startsWith(other.runId))
    expect(own.toSorted()).toEqual([`${run.runId} success`, `${other.runId} running`].toSorted())
    back.leave()
  })

  it('whose transaction ended after that of a later one are told to who follows and who returns', async () => {
    const [late, later] = [runOf(), runOf()]
    await save(late)
    const { events, leave } = await follow('scheduler.runChanges')
    await save(later)
    const { id } = await next(events)
    // As if it had been written by a transaction that began two seconds ago.
    await sql`update job_run set is_stuck = true, updated_at = now() - interval '2 seconds'
      where run_id = ${late.runId}::uuid`.execute(rig.database.db)
    expect(await next(events)).toMatchObject({ data: { runId: late.runId, isStuck: true } })
    leave()
    const back = await follow('scheduler.runChanges', { headers: { 'last-event-id': id ?? '' } })
    for (let found = false; !found;) {
      const { data } = await next(back.events)
      found = (data as { runId: string }).runId === late.runId
    }
    back.leave()
  })

  it('are not told from an id of something else', async () => {
    const { events } = await follow('scheduler.runChanges', { headers: { 'last-event-id': 'x' } })
    expect(await next(events)).toMatchObject({
      event: 'serialized-error',
      data: { data: { code: 'BAD_REQUEST', problem: { errors: [{ path: 'lastEventId' }] } } },
    })
  })

  it("reach the library's client", async () => {
    const url = `${rig.api.url}/api/trpc`
    const links = [httpSubscriptionLink({ url, EventSource })]
    const { scheduler } = createTRPCClient<GroundstopRouter>({ links })
    const run = runOf()
    const started = Promise.withResolvers<void>()
    const told = Promise.withResolvers<{ runId: string; startedAt: string }>()
    const subscription = scheduler.runChanges.subscribe(undefined, {
      onStarted: () => started.resolve(),
      onData: ({ data }) => data.runId === run.runId && told.resolve(data),
      onError: told.reject,
    })
    await started.promise
    await save(run)
    expect(await told.promise).toMatchObject({ runId: run.runId, startedAt: run.startedAt })
    subscription.unsubscribe()
  })
})

describe('the status of the scheduler', () => {
  it('is told at once, and not again to a client that has it', async () => {
    const { events, leave } = await follow('scheduler.schedulerStatus')
    const { id, data } = await next(events)
    const { body } = await rig.ask('GET', '/api/admin/scheduler/status')
    expect(data).toEqual(body)
    leave()
    const headers = { 'last-event-id': id ?? '' }
    const back = await follow('scheduler.schedulerStatus', { headers })
    const again = await Promise.race([
      next(back.events).then((event) => event.id),
      new Promise((resolve) => {
        setTimeout(resolve, 400, 'silence')
      }),
    ])
    // What is told meanwhile is another status: the minute of `uptime` may have turned.
    expect(again).not.toBe(id)
    back.leave()
  })
})

describe('somebody who follows', () => {
  const note = { by: 'ann', reason: 'drill' }

  it('is sent away when the key is revoked', async () => {
    const made = await rig.ask('POST', '/api/api-keys', {
      body: { ...note, name: 'board', role: 'viewer' },
    })
    const { secret, apiKey } = made.body as { secret: string; apiKey: { apiKeyId: string } }
    const headers = { authorization: `Bearer ${secret}` }
    const { events } = await follow('scheduler.runChanges', { headers })
    const path = `/api/api-keys/${apiKey.apiKeyId}/revoke`
    expect((await rig.ask('POST', path, { body: note })).status).toBe(200)
    expect(await next(events)).toMatchObject({
      event: 'serialized-error',
      data: { data: { code: 'UNAUTHORIZED', problem: { status: 401 } } },
    })
    expect((await events.next()).done).toBe(true)
  })

  it('has ten subscriptions at once and not eleven', async () => {
    const made = await rig.ask('POST', '/api/api-keys', {
      body: { ...note, name: 'wall', role: 'viewer' },
    })
    const { secret } = made.body as { secret: string }
    const headers = { authorization: `Bearer ${secret}` }
    const ten = []
    for (let i = 0; i < 10; i += 1) ten.push(await follow('scheduler.runChanges', { headers }))
    const eleventh = await follow('scheduler.runChanges', { headers })
    expect(await next(eleventh.events)).toMatchObject({
      data: { data: { code: 'TOO_MANY_REQUESTS', problem: { status: 429 } } },
    })
    const run = runOf()
    await save(run)
    for (const { events, leave } of ten) {
      expect(await next(events)).toMatchObject({ data: { runId: run.runId } })
      leave()
    }
    await expect
      .poll(async () => {
        const { events, leave } = await follow('scheduler.schedulerStatus', { headers })
        const { event } = await next(events)
        leave()
        return event
      })
      .toBe('message')
  })

  it('is sent to another process when this one stops, without holding it up', async () => {
    await using own = await createApiRig({ livePace: { pollMs: 50, recheckMs: 100 } })
    const { events } = await follow('scheduler.runChanges', { api: own.api })
    const stoppedAtMs = performance.now()
    const stopped = own.api[Symbol.asyncDispose]()
    expect(await next(events)).toMatchObject({
      event: 'serialized-error',
      data: { data: { code: 'SERVICE_UNAVAILABLE' } },
    })
    await stopped
    // The drain cuts connections off after three seconds: this one ended by itself.
    expect(performance.now() - stoppedAtMs).toBeLessThan(2_500)
  })
})

describe('a switch of a job', () => {
  const note = { by: 'ann', reason: 'drill' }
  const toggle = (input: object) => askProcedure(rig, 'scheduler.toggleJob', 'POST', { input })

  it.each([
    [false, 'disable'],
    [true, 'enable'],
  ])('with enabled %s is its route %s', async (enabled, verb) => {
    const headers = { 'x-correlation-id': 'same' }
    const input = { name: 'none', enabled, body: note }
    const trpc = await askProcedure(rig, 'scheduler.toggleJob', 'POST', { input, headers })
    const path = `/api/admin/scheduler/schedules/none/${verb}`
    const rest = await rig.ask('POST', path, { body: note, headers })
    expect(rest.status).toBe(404)
    expect([trpc.status, trpc.body]).toEqual([rest.status, rest.body])
  })

  it.each([[{}], [{ enabled: 'yes' }]])('says which way: %j does not', async (way) => {
    const answer = await toggle({ name: 'reconciliation', body: note, ...way })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'enabled' }] } })
  })
})

describe('the door of procedures', () => {
  it.each(['text/plain', 'multipart/form-data; boundary=x'])(
    'takes no %s, which a page of another site can send unasked',
    async (type) => {
      const response = await fetch(`${rig.api.url}/api/trpc/payouts.pause`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: '{}',
      })
      expect(response.status).toBe(415)
    },
  )

  it('tells nobody who is not let in what procedures there are', async () => {
    const headers = { authorization: 'Bearer gsk_none' }
    for (const name of ['queues.list', 'none.such']) {
      expect((await askProcedure(rig, name, 'GET', { headers })).status).toBe(401)
    }
    expect((await askProcedure(rig, 'none.such', 'GET')).status).toBe(404)
  })
})
