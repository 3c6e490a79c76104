import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createIdempotencyStore } from '../../db/stores/idempotency-store.ts'
import { requestSha256 } from '../../api/idempotency.ts'
import { fakeMaintenance } from '../support/fake-activities.ts'
import { services } from '../support/services.ts'
import { createTemporalRig } from '../support/temporal-rig.ts'
import { createApiRig, eventually, type ApiRig } from './api-rig.ts'

const JOBS = '/api/admin/scheduler/jobs'
const HOUR_MS = 3_600_000

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig()
})
afterAll(() => rig[Symbol.asyncDispose]())

type Run = Record<string, unknown> & { id: string; runId: string }

function keyed(key: string) {
  return { 'idempotency-key': key }
}

async function start(body: unknown, headers: Record<string, string> = {}): Promise<Run> {
  const answer = await rig.ask('POST', JOBS, { body, headers })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body as Run
}

function inAnHour(): string {
  return new Date(Date.now() + HOUR_MS).toISOString()
}

async function openRuns(query: string): Promise<number> {
  return (await rig.client.workflow.count(`${query} AND ExecutionStatus = "Running"`)).count
}

describe('POST jobs', () => {
  it('starts a run now and says which', async () => {
    const run = await start({ type: 'FLIGHT_MONITOR' })
    expect(run).toMatchObject({
      id: 'flight-monitor:all',
      type: 'FLIGHT_MONITOR',
      name: 'flight-monitor',
      status: 'running',
      priority: 'HIGH',
      queue: 'monitoring',
      finishedAt: null,
    })
  })

  it('takes the name as well as the type', async () => {
    const run = await start({ type: 'flight-monitor', payload: { policyId: 'P-by-name' } })
    expect(run.id).toBe('flight-monitor:P-by-name')
  })

  it('treats a time in the past as now', async () => {
    const executeAt = '2013-02-08T00:00:00Z'
    const run = await start({ type: 'FLIGHT_MONITOR', payload: { policyId: 'P-past' }, executeAt })
    expect(run['status']).toBe('running')
  })

  it('keeps a run for later waiting', async () => {
    const executeAt = inAnHour()
    const run = await start({ type: 'FLIGHT_MONITOR', payload: { policyId: 'P-later' }, executeAt })
    expect(run['status']).toBe('scheduled')
    expect(Math.abs(Date.parse(String(run['executeAt'])) - Date.parse(executeAt))).toBeLessThan(
      5_000,
    )
  })

  it('does not give a start for now the run that waits for later', async () => {
    const payload = { task: 'vacuum' }
    await start({ type: 'MAINTENANCE', payload, executeAt: inAnHour() })
    expect((await start({ type: 'MAINTENANCE', payload }))['status']).toBe('running')
  })

  it('gives the open run to a second start of the same key', async () => {
    const payload = { task: 'analyze' }
    const first = await start({ type: 'MAINTENANCE', payload })
    expect((await start({ type: 'MAINTENANCE', payload })).runId).toBe(first.runId)
  })

  it('takes a priority in either case and the run carries it', async () => {
    const payload = { policyId: 'P-priority' }
    const run = await start({ type: 'FLIGHT_MONITOR', payload, priority: 'critical' })
    expect(run['priority']).toBe('CRITICAL')
  })

  it('takes a tenant, whose turn the run takes; without one it is the house', async () => {
    const body = { type: 'FLIGHT_MONITOR', payload: { policyId: 'P-tenant' }, tenant: 'acme.eu' }
    expect((await start(body))['tenant']).toBe('acme.eu')
    const house = await start({ type: 'FLIGHT_MONITOR', payload: { policyId: 'P-house' } })
    expect(house['tenant']).toBeNull()
  })

  it.each([
    [{}, 'type'],
    [{ type: 'NO_SUCH_JOB' }, 'type'],
    [{ type: 7 }, 'type'],
    [{ type: 'FLIGHT_MONITOR', executeAt: 'tomorrow' }, 'executeAt'],
    [{ type: 'FLIGHT_MONITOR', executeAt: '2030-01-01T00:00:00' }, 'executeAt'],
    [{ type: 'FLIGHT_MONITOR', executeAt: '9999-01-01T00:00:00Z' }, 'executeAt'],
    [{ type: 'FLIGHT_MONITOR', priority: 'URGENT' }, 'priority'],
    [{ type: 'FLIGHT_MONITOR', tenant: '' }, 'tenant'],
    [{ type: 'FLIGHT_MONITOR', tenant: 't'.repeat(65) }, 'tenant'],
    [{ type: 'FLIGHT_MONITOR', payload: [] }, 'payload'],
    [{ type: 'FLIGHT_MONITOR', payload: { policyId: 7 } }, 'payload.policyId'],
    [{ type: 'FLIGHT_MONITOR', payload: { policy: 'x' } }, 'payload.policy'],
    [{ type: 'PAYOUT', payload: {} }, 'payload.batchId'],
    [{ type: 'FLIGHT_MONITOR', extra: 1 }, 'extra'],
    [[], 'body'],
    ['"text"', 'body'],
  ])('refuses %j and names %s', async (body, path) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await rig.ask('POST', JOBS, { body, headers })
    expect(answer.status).toBe(422)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.body).toMatchObject({
      type: 'urn:groundstop:problem:invalid-request',
      status: 422,
      errors: expect.arrayContaining([{ path, message: expect.any(String) }]),
    })
  })

  it('refuses a body that is not JSON, and one that is not said to be', async () => {
    const broken = await rig.ask('POST', JOBS, {
      body: '{"type":',
      headers: { 'content-type': 'application/json' },
    })
    expect(broken.status).toBe(400)
    expect(broken.body).toMatchObject({ type: 'urn:groundstop:problem:malformed-json' })
    const plain = await rig.ask('POST', JOBS, {
      body: 'type=FLIGHT_MONITOR',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(plain.status).toBe(415)
    expect(plain.headers.get('accept')).toBe('application/json')
  })

  it('takes a body of 1 MB and refuses a larger one', async () => {
    const sized = (bytes: number) => {
      const frame = JSON.stringify({ type: 'FLIGHT_MONITOR', payload: { policyId: '' } }).length
      return { type: 'FLIGHT_MONITOR', payload: { policyId: 'x'.repeat(bytes - frame) } }
    }
    expect((await rig.ask('POST', JOBS, { body: sized(1_000_000) })).status).toBe(422)
    const tooLarge = await rig.ask('POST', JOBS, { body: sized(1_000_001) })
    expect(tooLarge.status).toBe(413)
    expect(tooLarge.body).toMatchObject({ type: 'urn:groundstop:problem:too-large' })
  })
})

describe('Idempotency-Key', () => {
  const later = (policyId: string) => ({
    type: 'FLIGHT_MONITOR',
    payload: { policyId },
    executeAt: '2100-01-01T00:00:00Z'.replace('2100', String(new Date().getUTCFullYear())),
  })

  it('gives one run and one answer to 50 requests at once', async () => {
    const headers = keyed(randomUUID())
    const body = { type: 'FLIGHT_MONITOR', payload: { policyId: 'P-fifty' } }
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => rig.ask('POST', JOBS, { body, headers })),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ body: run }) => JSON.stringify(run)))).toHaveLength(1)
    await eventually(async () => {
      expect(await openRuns('WorkflowId = "flight-monitor:P-fifty"')).toBe(1)
    })
  })

  it('gives the first answer again after the run has ended', async () => {
    const headers = keyed(randomUUID())
    const body = { type: 'FLIGHT_MONITOR', payload: { policyId: 'P-ended' } }
    const first = await start(body, headers)
    await rig.client.workflow.getHandle(first.id).terminate('test')
    expect(await start(body, headers)).toEqual(first)
  })

  it('takes the same request with its names in another order', async () => {
    const headers = keyed(randomUUID())
    const first = await start({ type: 'MAINTENANCE', payload: { task: 'reindex' } }, headers)
    expect(await start({ payload: { task: 'reindex' }, type: 'MAINTENANCE' }, headers)).toEqual(
      first,
    )
  })

  it('refuses another request under the same key', async () => {
    const headers = keyed(randomUUID())
    await start(later('P-one'), headers)
    const answer = await rig.ask('POST', JOBS, { body: later('P-two'), headers })
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({
      type: 'urn:groundstop:problem:key-reused',
      errors: [{ path: 'Idempotency-Key' }],
    })
  })

  it('does not keep a refusal: the mended request goes through under the same key', async () => {
    const headers = keyed(randomUUID())
    expect((await rig.ask('POST', JOBS, { body: { type: 'NO' }, headers })).status).toBe(422)
    await start(later('P-mended'), headers)
  })

  it('carries a request out whose first try died before it did anything', async () => {
    const key = randomUUID()
    const body = later('P-died-early')
    await claimAndDie(key, body)
    expect((await start(body, keyed(key))).id).toContain('flight-monitor:P-died-early')
  })

  it('finds the run of a request whose first try died before it answered', async () => {
    const key = randomUUID()
    const body = { type: 'FLIGHT_MONITOR', payload: { policyId: 'P-died-late' } }
    await claimAndDie(key, body)
    const first = await start(body)
    await rig.client.workflow.getHandle(first.id).terminate('test')
    // Lists follow what happened: not open is also a run that is not listed yet.
    const ended = 'WorkflowId = "flight-monitor:P-died-late" AND ExecutionStatus = "Terminated"'
    await eventually(async () => {
      expect((await rig.client.workflow.count(ended)).count).toBe(1)
    })
    expect((await start(body, keyed(key))).runId).toBe(first.runId)
  })

  it.each(['', ' ', 'a b', 'x'.repeat(256)])('refuses the key %j', async (key) => {
    const answer = await rig.ask('POST', JOBS, { body: later('P-key'), headers: keyed(key) })
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ errors: [{ path: 'Idempotency-Key' }] })
  })

  /** What a process leaves behind that was killed while it worked: a claim whose lease is over. */
  async function claimAndDie(key: string, body: unknown): Promise<void> {
    const store = createIdempotencyStore(rig.database.db)
    const request = { scope: `POST ${JOBS}`, key, requestSha256: requestSha256(body) }
    expect((await store.claim(request, 0)).kind).toBe('owned')
  }
})

describe('GET jobs', () => {
  it('walks all runs by cursor, each once', async () => {
    for (let i = 0; i < 7; i += 1) {
      await start({ type: 'FLIGHT_MONITOR', payload: { policyId: `P-walk-${i}` } })
    }
    const all = await eventually(async () => {
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const next: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const { status, body } = await rig.ask('GET', `${JOBS}?type=FLIGHT_MONITOR&limit=3${next}`)
        expect(status).toBe(200)
        const page = body as { jobs: Run[]; nextCursor: string | null }
        expect(page.jobs.length).toBeLessThanOrEqual(3)
        seen.push(...page.jobs.map((run) => run.runId))
        cursor = page.nextCursor
      } while (cursor !== null)
      expect(seen.length).toBe(
        await rig.client.workflow.count('WorkflowType = "flightMonitor"').then((c) => c.count),
      )
      return seen
    })
    expect(new Set(all).size).toBe(all.length)
    expect(all.length).toBeGreaterThanOrEqual(7)
  })

  it('keeps to the status asked for', async () => {
    await start({
      type: 'FLIGHT_MONITOR',
      payload: { policyId: 'P-status' },
      executeAt: inAnHour(),
    })
    await eventually(async () => {
      const { body } = await rig.ask('GET', `${JOBS}?status=scheduled&limit=100`)
      const { jobs } = body as { jobs: Run[] }
      expect(jobs.map(({ id }) => id).join(' ')).toContain('P-status')
      expect(new Set(jobs.map(({ status }) => status))).toEqual(new Set(['scheduled']))
    })
    const { body } = await rig.ask('GET', `${JOBS}?status=running&limit=100`)
    expect((body as { jobs: Run[] }).jobs.map(({ id }) => id).join(' ')).not.toContain('P-status')
  })

  it.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=many', 'limit'],
    ['status=lost', 'status'],
    ['type=NOTHING', 'type'],
    ['cursor=rubbish', 'cursor'],
    ['page=2', 'page'],
  ])('refuses ?%s and names %s', async (query, path) => {
    const answer = await rig.ask('GET', `${JOBS}?${query}`)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ errors: [{ path }] })
  })

  it('refuses a cursor of another filter', async () => {
    const { body } = await rig.ask('GET', `${JOBS}?type=FLIGHT_MONITOR&limit=1`)
    const { nextCursor } = body as { nextCursor: string }
    const answer = await rig.ask('GET', `${JOBS}?limit=1&cursor=${encodeURIComponent(nextCursor)}`)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({
      errors: [{ path: 'cursor', message: 'made for another filter' }],
    })
  })
})

describe('one job', () => {
  it('shows what went in', async () => {
    const { id } = await start({ type: 'FLIGHT_MONITOR', payload: { policyId: 'P-one-job' } })
    const { status, body } = await rig.ask('GET', `${JOBS}/${encodeURIComponent(id)}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ id, input: { policyId: 'P-one-job' }, result: null, error: null })
  })

  it('tells how far it is, by itself, in the list and on the command line', async () => {
    const workers = await createTemporalRig(services().temporalAddress, rig.namespace)
    const { promise: seen, resolve: goOn } = Promise.withResolvers<void>()
    const activities = fakeMaintenance({
      maintainDatabase: async ({ task }) => {
        const { startHeartbeats } = await import('../../activities/heartbeats.ts')
        using heartbeats = startHeartbeats()
        heartbeats.onProgress(3, 12)
        await seen
        return { task, done: [], skipped: [], bytesBefore: 0, bytesAfter: 0 }
      },
    })
    const { id } = await start({ type: 'MAINTENANCE', payload: { task: 'reindex' } })
    const path = `${JOBS}/${encodeURIComponent(id)}`
    const progress = { done: 3, total: 12, message: 'maintainDatabase 3/12' }
    await workers.withWorker('maintenance', activities, async () => {
      await eventually(async () => {
        const { body } = await rig.ask('GET', path)
        const steps = [{ step: 'maintainDatabase', attempt: 1, done: 3, total: 12 }]
        expect(body).toMatchObject({ status: 'running', progress: { ...progress, steps } })
      })
      const list = await rig.ask('GET', `${JOBS}?type=MAINTENANCE&status=running`)
      const { jobs } = list.body as { jobs: Run[] }
      expect(jobs.find((one) => one.id === id)).toMatchObject({ progress })
      goOn()
      await rig.client.workflow.getHandle(id).result()
    })
    expect((await rig.ask('GET', path)).body).toMatchObject({ status: 'success', progress: null })
    await workers[Symbol.asyncDispose]()
  })

  it('is not found under an id that nobody has', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await rig.ask(method, `${JOBS}/flight-monitor:nobody`)
      expect(answer.status).toBe(404)
      expect(answer.body).toMatchObject({ type: 'urn:groundstop:problem:not-found' })
    }
  })

  it('is cancelled while it waits for its time', async () => {
    const payload = { policyId: 'P-cancel' }
    const { id } = await start({ type: 'FLIGHT_MONITOR', payload, executeAt: inAnHour() })
    const answer = await rig.ask('DELETE', `${JOBS}/${encodeURIComponent(id)}`)
    expect(answer.status).toBe(202)
    await eventually(async () => {
      const { body } = await rig.ask('GET', `${JOBS}/${encodeURIComponent(id)}`)
      expect(body).toMatchObject({ status: 'cancelled' })
      const listed = async (status: string) => {
        const page = await rig.ask('GET', `${JOBS}?status=${status}&limit=100`)
        return JSON.stringify((page.body as { jobs: Run[] }).jobs)
      }
      expect(await listed('cancelled')).toContain(id)
      expect(await listed('terminated')).not.toContain(id)
    })
  })

  it('is not cancelled after it has ended', async () => {
    const { id } = await start({ type: 'FLIGHT_MONITOR', payload: { policyId: 'P-over' } })
    await rig.client.workflow.getHandle(id).terminate('test')
    await eventually(async () => {
      const { body } = await rig.ask('GET', `${JOBS}?status=terminated&limit=100`)
      expect(JSON.stringify(body)).toContain(id)
    })
    const answer = await rig.ask('DELETE', `${JOBS}/${encodeURIComponent(id)}`)
    expect(answer.status).toBe(409)
    expect(answer.body).toMatchObject({ type: 'urn:groundstop:problem:conflict' })
  })
})
