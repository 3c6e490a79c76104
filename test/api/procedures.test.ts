/** Procedures of tRPC answer and refuse as the routes that they call, and are let in as those are. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createTRPCClient, httpBatchLink, TRPCClientError } from '@trpc/client'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { routeCall } from '../../client/procedures.ts'
import { namedRoutes } from '../../api/trpc/named-routes.ts'
import type { GroundstopRouter } from '../../api/trpc/router-type.ts'
import { productRoutes } from '../../scripts/generate-roles-doc.ts'
import { makeReadBook } from '../support/read-book.ts'
import { createApiRig, type Answer, type ApiRig } from './api-rig.ts'

const ADMIN = 'the-token-of-the-environment'
const VIEWER = 'the-token-of-a-viewer'
const BOUND = 'the-token-of-a-key-pair'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const ROUTES = namedRoutes(productRoutes())
const CASES = ROUTES.map((entry) => ({ ...entry, procedure: `${entry.group}.${entry.name}` }))
const READS = CASES.filter(({ route }) => route.startsWith('GET '))
const CHANGES = CASES.filter(({ route }) => !route.startsWith('GET '))

let folder = ''
let rig: ApiRig
let known: Record<string, string> = {}
let keys: Awaited<ReturnType<typeof generateKeyPair>>

beforeAll(async () => {
  keys = await generateKeyPair('ES256')
  const dpopThumbprint = await calculateJwkThumbprint(await exportJWK(keys.publicKey))
  folder = await mkdtemp(join(tmpdir(), 'procedures-'))
  const file = join(folder, 'tokens.json')
  const grants = [
    { name: 'vera', role: 'viewer', sha256: sha256(VIEWER) },
    { name: 'rail', role: 'viewer', sha256: sha256(BOUND), dpopThumbprint },
  ]
  await writeFile(file, JSON.stringify(grants))
  rig = await createApiRig({ token: ADMIN, withFlights: true, env: { API_TOKENS_FILE: file } })
  const [legKey = ''] = await makeReadBook(rig.database.db)
  const { rows } = await sql<{ name: string; value: string }>`
    (select 'policyNumber' as name, policy_number as value from policy limit 1)
    union all (select 'payoutId', id::text from payout limit 1)
    union all (select 'caseId', id::text from review_case limit 1)`.execute(rig.database.db)
  known = {
    ...Object.fromEntries(rows.map(({ name, value }) => [name, value])),
    ...{
      legKey,
      name: 'flight-monitor',
      key: 'limits.readsPerMinute',
      code: 'JFK',
      account: 'pool',
    },
  }
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** The path's parts as the book has them; `none` for what it does not have. */
function partsOf(route: string): Record<string, string> {
  return Object.fromEntries(
    [...route.matchAll(/:(\w+)/g)].map(([, name = '']) => [name, known[name] ?? 'none']),
  )
}

type Headers = Readonly<Record<string, string>>

function askRoute(route: string, input: object, headers: Headers): Promise<Answer> {
  const { method, url, body, idempotencyKey } = routeCall(route, input)
  const key = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }
  const sent = body === undefined ? {} : { body }
  return rig.ask(method, url, { ...sent, headers: { ...headers, ...key } })
}

function askProcedure(
  { procedure, route }: { procedure: string; route: string },
  input: object,
  headers: Headers,
): Promise<Answer> {
  const path = `/api/trpc/${procedure}`
  if (!route.startsWith('GET ')) return rig.ask('POST', path, { body: input, headers })
  return rig.ask('GET', `${path}?input=${encodeURIComponent(JSON.stringify(input))}`, { headers })
}

/** From here on a resumption changes something, and so is on record. */
async function pausePayouts(): Promise<void> {
  const entry = { procedure: 'payouts.pause', route: 'POST /api/payouts/controls/pause' }
  const input = { body: { by: 'ann', reason: 'audit' } }
  expect((await askProcedure(entry, input, bearer(ADMIN))).status).toBe(200)
}

/** What is on record of this actor. */
async function eventsBy(actor: string): Promise<unknown[]> {
  const audit = { procedure: 'audit.list', route: 'GET /api/audit' }
  const events = await askProcedure(audit, { actor }, bearer(ADMIN))
  return (told(events) as { items: unknown[] }).items
}

/** What was answered, without the envelope of tRPC. */
function told({ body }: Answer): unknown {
  const { result, error } = body as {
    result?: { data: unknown }
    error?: { data: { problem: unknown } }
  }
  return error === undefined ? result?.data : error.data.problem
}

describe('a procedure that reads', () => {
  it.each(READS)('answers as its route: $procedure', async (entry) => {
    const headers = { ...bearer(ADMIN), 'x-correlation-id': 'same' }
    const input = {
      ...partsOf(entry.route),
      ...(entry.contract?.query?.shape['limit'] && { limit: 3 }),
    }
    const [route, procedure] = [
      await askRoute(entry.route, input, headers),
      await askProcedure(entry, input, headers),
    ]
    expect(route.status, JSON.stringify(route.body)).toBeLessThan(500)
    expect([procedure.status, told(procedure)]).toEqual([route.status, route.body])
  })

  it('gives pages of rows, not only empty ones', async () => {
    const entry = { procedure: 'policies.list', route: 'GET /api/policies' }
    const answer = await askProcedure(entry, { limit: 3 }, bearer(ADMIN))
    const { items, nextCursor } = told(answer) as { items: unknown[]; nextCursor: string }
    expect(items).toHaveLength(3)
    const next = await askProcedure(entry, { limit: 3, cursor: nextCursor }, bearer(ADMIN))
    expect((told(next) as { items: unknown[] }).items).not.toEqual(items)
  })

  it('is limited as its route is, and says so', async () => {
    const entry = { procedure: 'clock.read', route: 'GET /api/clock' }
    const left = async (answer: Promise<Answer>) =>
      Number(/r=(\d+)/.exec((await answer).headers.get('ratelimit') ?? '')?.[1])
    const before = await left(askRoute(entry.route, {}, bearer(ADMIN)))
    expect(await left(askProcedure(entry, {}, bearer(ADMIN)))).toBe(before - 1)
  })
})

describe('a procedure that changes', () => {
  it.each(CHANGES)('refuses as its route what is not valid: $procedure', async (entry) => {
    const headers = { ...bearer(ADMIN), 'x-correlation-id': 'same' }
    const input = { ...partsOf(entry.route), body: { nonsense: true } }
    const [route, procedure] = [
      await askRoute(entry.route, input, headers),
      await askProcedure(entry, input, headers),
    ]
    // Payloads of any kind are turned, so nothing is not valid there.
    const isTaken = entry.group === 'codec'
    expect(route.status < 400, JSON.stringify(route.body)).toBe(isTaken)
    expect([procedure.status, told(procedure)]).toEqual([route.status, route.body])
    expect(route.status).toBeLessThan(500)
  })

  const writes = [
    [
      'settings.change',
      { key: 'limits.readsPerMinute' },
      { by: 'ann', value: 900, reason: 'more' },
    ],
    ['payouts.pause', {}, { by: 'ann', reason: 'audit' }],
    ['scheduler.startRun', {}, { type: 'MAINTENANCE', payload: { task: 'analyze' } }],
  ] as const

  it.each(writes)(
    'answers a repeat of its route by the same key: %s',
    async (name, parts, body) => {
      const entry = CASES.find(({ procedure }) => procedure === name)
      if (entry === undefined) throw new Error(`${name} is no procedure`)
      const input = { ...parts, body, idempotencyKey: randomUUID() }
      const first = await askProcedure(entry, input, bearer(ADMIN))
      const repeat = await askRoute(entry.route, input, bearer(ADMIN))
      expect(repeat.body).toEqual(told(first))
      const told201 = name === 'scheduler.startRun' ? 201 : 200
      expect([first.status, repeat.status], JSON.stringify(repeat.body)).toEqual([told201, told201])
      const change = name === 'scheduler.startRun' ? { priority: 'LOW' } : { reason: 'another' }
      const other = { ...input, body: { ...body, ...change } }
      const refused = await askProcedure(entry, other, bearer(ADMIN))
      expect([refused.status, told(refused)]).toMatchObject([
        422,
        { type: 'urn:groundstop:problem:key-reused' },
      ])
    },
  )

  it('has the status of its route, 201 and 202 among them; in a batch it has the one of tRPC', async () => {
    const executeAt = new Date(Date.now() + 86_400_000).toISOString()
    const later = { body: { type: 'MAINTENANCE', payload: { task: 'analyze' }, executeAt } }
    const [start, cancel] = ['scheduler.startRun', 'scheduler.cancelRun'].map((name) => ({
      procedure: name,
      route: 'POST /',
    }))
    if (start === undefined || cancel === undefined) throw new Error('two were named')
    const started = await askProcedure(start, later, bearer(ADMIN))
    const { id } = told(started) as { id: string }
    const cancelled = await askProcedure(cancel, { id }, bearer(ADMIN))
    const batch = await rig.ask('POST', '/api/trpc/scheduler.startRun?batch=1', {
      ...{ body: { 0: later }, headers: bearer(ADMIN) },
    })
    const one = (email: string) => ({ holder_ref: randomUUID(), email })
    const kept = await askProcedure(
      { procedure: 'contacts.keep', route: 'POST /' },
      { body: { contacts: [one('ann@example.test'), one('no address')] } },
      bearer(ADMIN),
    )
    expect([started, cancelled, kept, batch].map(({ status }) => status)).toEqual([
      ...[201, 202, 207, 200],
    ])
  })

  it('is on record once, under who called it', async () => {
    const entry = { procedure: 'payouts.resume', route: 'POST /api/payouts/controls/resume' }
    const input = { body: { by: 'procedure-ann', reason: 'done' } }
    expect((await askProcedure(entry, input, bearer(ADMIN))).status).toBe(200)
    expect(await eventsBy('procedure-ann')).toHaveLength(1)
  })

  it('takes its key from the header as from the input', async () => {
    const entry = { procedure: 'payouts.pause', route: 'POST /api/payouts/controls/pause' }
    const key = randomUUID()
    const body = { by: 'ann', reason: 'audit by header' }
    const headers = { ...bearer(ADMIN), 'idempotency-key': key }
    const first = await askProcedure(entry, { body }, headers)
    const repeat = await askProcedure(entry, { body, idempotencyKey: key }, bearer(ADMIN))
    expect([first.status, told(repeat)]).toEqual([200, told(first)])
    const both = await askProcedure(entry, { body, idempotencyKey: ` ${key} ` }, headers)
    expect(told(both)).toEqual(told(first))
    const other = { body: { ...body, reason: 'another' } }
    const refused = await askProcedure(entry, other, headers)
    expect(told(refused)).toMatchObject({ type: 'urn:groundstop:problem:key-reused' })
  })

  it('with a key of the header and another of the input is refused and has no effect', async () => {
    await pausePayouts()
    const entry = { procedure: 'payouts.resume', route: 'POST /api/payouts/controls/resume' }
    const input = {
      ...{ body: { by: 'two-keys-ann', reason: 'audit' } },
      idempotencyKey: randomUUID(),
    }
    const headers = { ...bearer(ADMIN), 'idempotency-key': randomUUID() }
    const refused = await askProcedure(entry, input, headers)
    expect([refused.status, told(refused)]).toMatchObject([
      422,
      { errors: [{ path: 'Idempotency-Key' }] },
    ])
    expect(await eventsBy('two-keys-ann')).toHaveLength(0)
  })

  it('of several calls takes no key of the header, of one call in a batch it does', async () => {
    await pausePayouts()
    const input = { body: { by: 'batch-ann', reason: 'audit' } }
    const headers = { ...bearer(ADMIN), 'idempotency-key': randomUUID() }
    const two = await rig.ask('POST', '/api/trpc/payouts.resume,payouts.pause?batch=1', {
      ...{ body: { 0: input, 1: input }, headers },
    })
    expect([two.status, await eventsBy('batch-ann')]).toEqual([400, []])
    const one = await rig.ask('POST', '/api/trpc/payouts.resume?batch=1', {
      ...{ body: { 0: input }, headers },
    })
    expect([one.status, (await eventsBy('batch-ann')).length]).toEqual([200, 1])
  })
})

describe('the door of procedures', () => {
  const bodyOf = (bytes: number) => {
    const empty = JSON.stringify({ policies: [''] }).length
    return { policies: ['x'.repeat(bytes - empty)] }
  }
  const limits = [
    ['policies.bind', 'POST /api/policies', 10_000_000, 422],
    ['codec.decode', 'POST /api/codec/decode', 8_000_000, 200],
    ['quotes.create', 'POST /api/quotes', 1_000_000, 422],
  ] as const

  it.each(limits)(
    'reads a body as large as its route does: %s',
    async (procedure, route, limit, status) => {
      const input = { body: bodyOf(limit), idempotencyKey: randomUUID() }
      const taken = await askProcedure({ procedure, route }, input, bearer(ADMIN))
      expect(taken.status).toBe(status)
    },
  )

  it.each(limits)('reads none a byte larger: %s', async (procedure, route, limit) => {
    const input = { body: bodyOf(limit + 1) }
    const refused = await askProcedure({ procedure, route }, input, bearer(ADMIN))
    expect([refused.status, told(refused)]).toMatchObject([
      413,
      { type: 'urn:groundstop:problem:too-large' },
    ])
  })

  it.each(CASES)(
    'asks a viewer for the permission of the route, and who a stranger is: $procedure',
    async (entry) => {
      const headers = { ...bearer(VIEWER), 'x-correlation-id': 'same' }
      const input = partsOf(entry.route)
      const [route, procedure] = [
        await askRoute(entry.route, input, headers),
        await askProcedure(entry, input, headers),
      ]
      expect([procedure.status, told(procedure)]).toEqual([route.status, route.body])
      const nobody = await askProcedure(entry, input, bearer('nobody'))
      expect([nobody.status, told(nobody)]).toMatchObject([401, { status: 401 }])
      expect(nobody.headers.get('www-authenticate')).toBe('Bearer')
    },
  )

  it('takes a proof for its own address, and none for the address of the route', async () => {
    const entry = { procedure: 'clock.read', route: 'GET /api/clock' }
    const ask = async (path: string, htm = 'GET') => {
      const dpop = await new SignJWT({
        ...{ htm, htu: rig.api.url + path, jti: randomUUID() },
        ath: createHash('sha256').update(BOUND).digest('base64url'),
      })
        .setIssuedAt()
        .setProtectedHeader({
          ...{ alg: 'ES256', typ: 'dpop+jwt' },
          jwk: await exportJWK(keys.publicKey),
        })
        .sign(keys.privateKey)
      return askProcedure(entry, {}, { authorization: `DPoP ${BOUND}`, dpop })
    }
    expect((await ask('/api/trpc/clock.read')).status).toBe(200)
    const refused = await ask('/api/clock')
    expect([refused.status, told(refused)]).toMatchObject([
      401,
      { type: 'urn:groundstop:problem:dpop-proof' },
    ])
    expect(refused.headers.get('www-authenticate')).toContain('DPoP')
    expect((await ask('/api/trpc/clock.read', 'POST')).status).toBe(401)
  })

  it('answers each call of a batch, and refuses one that is too long', async () => {
    const ask = (names: readonly string[]) =>
      rig.ask('GET', `/api/trpc/${names.join(',')}?batch=1&input=%7B%7D`, {
        headers: bearer(VIEWER),
      })
    const answer = await ask(['clock.read', 'users.list'])
    expect(answer.body).toMatchObject([
      { result: { data: { speed: 0 } } },
      { error: { data: { httpStatus: 403, problem: { status: 403 } } } },
    ])
    expect((await ask(Array.from({ length: 20 }, () => 'clock.read'))).status).toBe(200)
    expect((await ask(Array.from({ length: 21 }, () => 'clock.read'))).status).toBe(400)
  })

  it.each([
    ['a name that nothing has', 'GET', '/api/trpc/nothing.here', 404, 'not-found'],
    ['a change by GET', 'GET', '/api/trpc/payouts.pause', 405, 'method-not-allowed'],
    ['an input that is no object', 'GET', '/api/trpc/clock.read?input=7', 400, 'invalid-request'],
    ['an input that is no JSON', 'GET', '/api/trpc/clock.read?input={', 400, 'invalid-request'],
  ])('tells %s as a problem', async (_what, method, path, status, code) => {
    const answer = await rig.ask(method, path, { headers: bearer(ADMIN) })
    expect([answer.status, told(answer)]).toMatchObject([
      status,
      { type: `urn:groundstop:problem:${code}`, status },
    ])
    expect(JSON.stringify(answer.body)).not.toContain('node_modules')
  })

  it('is open to the client of tRPC, with the types of the routes', async () => {
    const links = [httpBatchLink({ url: `${rig.api.url}/api/trpc`, headers: bearer(VIEWER) })]
    const client = createTRPCClient<GroundstopRouter>({ links })
    const [clock, { jobs }] = await Promise.all([
      client.clock.read.query(),
      client.scheduler.listRuns.query({ limit: 1 }),
    ])
    expect([clock.speed, jobs.length]).toEqual([0, 1])
    const refused: unknown = await client.payouts.pause
      .mutate({ body: { by: 'vera', reason: 'for fun' } })
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(TRPCClientError)
    expect(refused).toMatchObject({
      data: { code: 'FORBIDDEN', httpStatus: 403, problem: { status: 403 } },
    })
  })
})
