/**
 * Every operation of the OpenAPI document under valid, nearly valid and hostile requests: it answers in
 * time, never with a 5xx, as the document says, and what is refused has changed nothing. Reads and what
 * is refused are asked of its procedure as well, which must answer the same.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { namedRoutes } from '../../api/trpc/named-routes.ts'
import { createAuditChain } from '../../db/stores/audit-chain.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import type { BookBreak } from '../../domain/ports/ledger-store.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { productRoutes } from '../../scripts/generate-roles-doc.ts'
import { API_DOCUMENT, encoded, OPERATIONS } from '../support/api-operations.ts'
import type { Operation, Parameter } from '../support/api-operations.ts'
import { bookFingerprint } from '../support/book-fingerprint.ts'
import { makeReadBook } from '../support/read-book.ts'
import { hostile, spoilt, wanted, type JsonSchema } from '../support/schema-arbitrary.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const { FUZZ_CASES, FUZZ_SEED } = process.env
const SEED = Number(FUZZ_SEED ?? 20_130_209)
/** The slowest honest answer is a 503 after some seconds, which would fail anyway. */
const ANSWER_WITHIN_MS = 10_000

/** Procedures by method and path. */
const PROCEDURES = new Map(
  namedRoutes(productRoutes()).map(({ group, name, route }) => [
    route.replaceAll(/:(\w+)/g, '{$1}'),
    `${group}.${name}`,
  ]),
)

/** Without a wish five of each operation: fewer would reach too few of their answers. */
const CASES = Number(FUZZ_CASES ?? OPERATIONS.length * 5)

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
const problem = ajv.compile((API_DOCUMENT.components['schemas'] as { Problem: object }).Problem)
const shapes = new Map(
  OPERATIONS.flatMap(({ method, path, responses }) =>
    Object.entries(responses).flatMap(([status, { content }]) => {
      const schema = content?.['application/json']?.schema
      return schema === undefined ? [] : [[`${method} ${path} ${status}`, ajv.compile(schema)]]
    }),
  ),
)

let rig: ApiRig
let known: string[] = []
/** The book is made of states that no statement leads to; the fuzz must add none. */
let breaksBefore: readonly BookBreak[]

beforeAll(async () => {
  rig = await createApiRig({ withFlights: true })
  const keys = await makeReadBook(rig.database.db)
  const { rows } = await sql<{ name: string }>`
    (select policy_number as name from policy order by 1 limit 5)
    union all (select id::text from payout order by id limit 5)
    union all (select id::text from review_case order by id limit 5)
    union all select 'FD45' union all select 'flight-monitor' union all select 'monitor'`.execute(
    rig.database.db,
  )
  breaksBefore = await breaks()
  known = [...keys.slice(0, 3), ...rows.map(({ name }) => name), 'FLIGHT_MONITOR', 'pool']
})
afterAll(() => rig[Symbol.asyncDispose]())

async function breaks(): Promise<readonly BookBreak[]> {
  const ledgerStore = createLedgerStore(rig.database.db)
  return (await verifyBooks({ ledgerStore }, { limit: 10_000 })).breaks
}

/** Operations that were carried out, and those that were refused, at least once. */
const carriedOut = new Set<string>()
const refused = new Set<string>()

type Request = {
  readonly path: string
  readonly body: string | undefined
  readonly headers: Record<string, string>
}

function requests({ path, parameters, body }: Operation): fc.Arbitrary<Request> {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  const part = (schema: JsonSchema) =>
    fc.oneof({ weight: 3, arbitrary: wanted(schema, known) }, { weight: 1, arbitrary: hostile })
  const of = (place: Parameter['in']) => parameters.filter((parameter) => parameter.in === place)
  const pathParts = fc.record(
    Object.fromEntries(of('path').map(({ name, schema }) => [name, part(schema)])),
  )
  const asked = fc.record(
    Object.fromEntries(of('query').map(({ name, schema }) => [name, part(schema)])),
    { requiredKeys: [] },
  )
  const query = fc.oneof(fc.constant({}), asked)
  const bodies =
    body === null
      ? fc.constant(undefined)
      : fc.oneof(
          { weight: 3, arbitrary: wanted(body, known).map((value) => JSON.stringify(value)) },
          { weight: 3, arbitrary: spoilt(body, known).map((value) => JSON.stringify(value)) },
          { weight: 1, arbitrary: hostile.map((value) => JSON.stringify(value)) },
          {
            weight: 1,
            arbitrary: fc.constantFrom('', '{', '[[[[', '{"by":"a","by":"b"}', '\u0000'),
          },
        )
  const keys = fc.option(fc.string({ minLength: 1, maxLength: 40 }), { freq: 3, nil: undefined })
  return fc.tuple(pathParts, query, bodies, keys).map(([names, wants, sent, key]) => {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encoded(text(names[name])))
    const search = Object.entries(wants).map(([name, value]) => `${name}=${encoded(text(value))}`)
    const isPlain = key !== undefined && /^[\x20-\x7e]+$/.test(key)
    return {
      path: search.length === 0 ? filled : `${filled}?${search.join('&')}`,
      body: sent,
      headers: {
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...(isPlain && parameters.some(({ name }) => name === 'Idempotency-Key')
          ? { 'idempotency-key': key }
          : {}),
      },
    }
  })
}

async function check(operation: Operation, request: Request): Promise<void> {
  const { method, path } = operation
  const isChange = method !== 'GET'
  const before = isChange ? await bookFingerprint(rig.database.db) : {}
  const response = await fetch(rig.api.url + request.path, {
    method,
    headers: request.headers,
    ...(request.body === undefined ? {} : { body: request.body }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  })
  const body = await response.text()
  const told = `${method} ${request.path} ${request.body ?? ''} -> ${response.status} ${body}`
  expect(response.status, told).toBeLessThan(500)
  ;(response.status < 400 ? carriedOut : refused).add(`${method} ${path}`)
  if (response.status >= 400 || !isChange)
    await checkProcedure(operation, request, response.status, body)
  if (response.status >= 400) {
    expect(response.headers.get('content-type'), told).toContain('application/problem+json')
    expect(problem(JSON.parse(body)) ? [] : problem.errors, told).toEqual([])
    if (isChange) expect(await bookFingerprint(rig.database.db), told).toEqual(before)
    return
  }
  expect(Object.keys(operation.responses), told).toContain(String(response.status))
  const shape = shapes.get(`${method} ${path} ${response.status}`)
  if (shape !== undefined) expect(shape(JSON.parse(body)) ? [] : shape.errors, told).toEqual([])
}

/** The procedure's answer to the same request, but for what takes a moment to be the same. */
async function checkProcedure(
  { method, path }: Operation,
  request: Request,
  status: number,
  told: string,
): Promise<void> {
  const procedure = PROCEDURES.get(`${method} ${path}`)
  const input = procedureInput(path, request)
  if (procedure === undefined || input === null) return
  const url = `${rig.api.url}/api/trpc/${procedure}`
  const sent = JSON.stringify(input)
  const response = await (method === 'GET'
    ? fetch(`${url}?input=${encodeURIComponent(sent)}`)
    : fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: sent }))
  const body = (await response.json()) as {
    result?: { data: unknown }
    error?: { data: { problem: object } }
  }
  const what = `${procedure} ${sent} -> ${response.status} ${JSON.stringify(body)}, not ${told}`
  expect(response.status, what).toBe(status)
  const answer = body.error === undefined ? body.result?.data : body.error.data.problem
  expect({ ...(answer as object), correlationId: '' }, what).toEqual({
    ...(JSON.parse(told) as object),
    correlationId: '',
  })
  asked.add(procedure)
}

const asked = new Set<string>()

/** Null for what a procedure cannot be sent: a body that is no JSON. */
function procedureInput(path: string, request: Request): object | null {
  const url = new URL(request.path, rig.api.url)
  const parts = new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]*)')}$`).exec(url.pathname)
  const names = Object.entries(parts?.groups ?? {}).map(
    ([name, value]) => [name, decodeURIComponent(value)] as const,
  )
  try {
    const body: unknown = request.body === undefined ? undefined : JSON.parse(request.body)
    const idempotencyKey = request.headers['idempotency-key']
    return { ...Object.fromEntries([...url.searchParams, ...names]), body, idempotencyKey }
  } catch {
    return null
  }
}

describe('a fuzz of', () => {
  it.each(OPERATIONS.map((operation) => [`${operation.method} ${operation.path}`, operation]))(
    '%s',
    { timeout: 600_000 },
    async (_name, operation) => {
      const property = fc.asyncProperty(requests(operation), (request) => check(operation, request))
      const numRuns = Math.ceil(CASES / OPERATIONS.length)
      await fc.assert(property, { numRuns, seed: SEED, endOnFailure: true })
    },
  )

  it('reaches what the routes do as well as what they refuse', () => {
    expect(carriedOut.size, [...carriedOut].join(', ')).toBeGreaterThan(OPERATIONS.length / 3)
    expect(refused.size, [...refused].join(', ')).toBeGreaterThan(OPERATIONS.length / 2)
  })

  it('asks procedures the same', () => {
    expect(asked.size, [...asked].join(', ')).toBeGreaterThan(PROCEDURES.size / 2)
  })

  it('all of it leaves the books and the trail whole', async () => {
    // A request may change how far the seeded book is from whole, as an appeal of one of its policies does.
    const nameOf = ({ invariant, subject }: BookBreak) => `${invariant} ${subject}`
    const known = new Set(breaksBefore.map(nameOf))
    expect((await breaks()).map(nameOf).filter((name) => !known.has(name))).toEqual([])
    expect((await createAuditChain(rig.database.db).verify()).firstBreak).toBeNull()
  })
})
