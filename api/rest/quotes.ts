/** Quotes: make one, look one up, bind one. */
import { randomUUID } from 'node:crypto'

import type { Express, Request } from 'express'
import { z } from 'zod'

import { COVER_COLUMNS, parseCoverRow, type RawPolicyRow } from '../../domain/policy-row.ts'
import type { ClockReading } from '../../domain/ports/clock.ts'
import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import type { Quote } from '../../domain/quote.ts'
import { TENANT_NAME } from '../../domain/role.ts'
import { shownQuote } from '../../domain/shown-quote.ts'
import type { BindQuoteInput, QuoteBound } from '../../operations/bind-quote.ts'
import type { CreatedQuote, QuoteRequest } from '../../operations/create-quote.ts'
import { ProviderSilentError } from '../../operations/leg-for-sale.ts'
import { callerOf } from '../caller.ts'
import { onceByKey, requestSha256, type StoredAnswer } from '../idempotency.ts'
import { ProblemError, invalidRequest, parseInput, unavailable } from '../problem.ts'
import { addRoute, jsonBody, type Contracts } from '../routes.ts'
import { instantShape, minorShape, objectShape } from '../shapes.ts'
import { found, notFound } from './read-query.ts'

/** What the routes need. */
export type QuotesDeps = {
  readonly quotes: {
    /** Quotes cover; the same ref is the same quote. */
    create(request: QuoteRequest): Promise<CreatedQuote>
    find(quoteId: string): Promise<Quote | null>
    /** Binds a quote. Idempotent by quote, policy number and payee. */
    bind(input: BindQuoteInput): Promise<QuoteBound>
  }
  readonly idempotency: IdempotencyStore
  readonly readClock: () => Promise<ClockReading>
}

const QUOTES_PATH = '/api/quotes'

/** A quote is for people who are about to decide: a minute to a day. Seconds. */
const LEAST_TTL_S = 60
const GREATEST_TTL_S = 86_400

const anyFields = z.record(z.string(), z.unknown(), 'a JSON object')
const ttl = z
  .int('a whole number of seconds')
  .min(LEAST_TTL_S, `at least ${LEAST_TTL_S} seconds`)
  .max(GREATEST_TTL_S, `at most ${GREATEST_TTL_S} seconds`)

type HolderOfQuote = {
  readonly policy_number?: string | undefined
  readonly payee_ref: string
  readonly quoteId: string
}

const holder = z.strictObject({
  policy_number: z.string('text').optional(),
  payee_ref: z.string('where payouts go to'),
})

/** A body of `POST /api/policies` that binds a quote. */
export const boundByPolicy: z.ZodType<HolderOfQuote> = z.strictObject({
  ...holder.shape,
  quoteId: z.guid('the id of a quote').toLowerCase(),
})

const TENANT_RULE = '1 to 40 small letters, digits and -'
const cell = z.union([z.string(), z.number()])
const quoteBody = z.strictObject({
  ...Object.fromEntries(COVER_COLUMNS.map((column) => [column, cell])),
  ttl_s: ttl.optional(),
  tenant: z.string().regex(TENANT_NAME, TENANT_RULE).optional(),
})

const quoteShape = z.looseObject({
  quoteId: z.guid(),
  state: z.string(),
  product: z.strictObject({ code: z.string(), version: z.int() }),
  leg: objectShape,
  sumInsuredMinor: minorShape,
  currency: z.string(),
  quotedAt: instantShape,
  expiresAt: instantShape,
})
const boundShape = z.looseObject({
  quoteId: z.guid(),
  policyNumber: z.string(),
  result: z.enum(['bound', 'unchanged']),
})

const CREATE: Contracts = {
  post: {
    summary: 'Quote cover of a flight',
    permission: 'book.sell',
    isForTenants: true,
    body: quoteBody,
    isKeyed: true,
    answers: { 201: quoteShape },
  },
}
const SHOW: Contracts = {
  get: {
    summary: 'One quote',
    permission: 'book.sell',
    isForTenants: true,
    answers: { 200: quoteShape },
  },
}
const BIND: Contracts = {
  post: {
    summary: 'Bind a quote',
    permission: 'book.sell',
    isForTenants: true,
    body: holder,
    isKeyed: true,
    answers: { 200: boundShape, 201: boundShape },
  },
}

/** `POST /api/quotes`, `GET /api/quotes/:quoteId` and `POST /api/quotes/:quoteId/bind`. */
export function addQuoteRoutes(app: Express, deps: QuotesDeps): void {
  addRoute(
    app,
    QUOTES_PATH,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const body: unknown = request.body
          const wanted = readQuoteRequest(body)
          const scope = `POST ${QUOTES_PATH}`
          const answer = await onceByKey(deps.idempotency, request, { scope, body }, ({ key }) =>
            // A request that died half-way and comes again with its key gets the quote it made.
            create(deps, { ...wanted, ref: key === null ? randomUUID() : refOf(key, body) }),
          )
          response.status(answer.status).json(answer.body)
        },
      ],
    },
    CREATE,
  )
  addRoute(
    app,
    `${QUOTES_PATH}/:quoteId`,
    {
      get: async (request, response) => {
        const quote = found(await deps.quotes.find(idOf(request)), 'quote')
        response.json(shownQuote(quote, (await deps.readClock()).now))
      },
    },
    SHOW,
  )
  addRoute(
    app,
    `${QUOTES_PATH}/:quoteId/bind`,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const body: unknown = request.body
          const { policy_number: policyNumber, payee_ref: payeeRef } = parseInput(
            holder,
            body,
            'body',
          )
          const quoteId = idOf(request)
          const input = {
            quoteId,
            payeeRef,
            by: callerOf(response).name,
            ...(policyNumber === undefined ? {} : { policyNumber }),
          }
          const scope = `POST ${QUOTES_PATH}/${quoteId}/bind`
          const answer = await onceByKey(deps.idempotency, request, { scope, body }, () =>
            bind(deps, input, () => notFound('quote')),
          )
          response.status(answer.status).json(answer.body)
        },
      ],
    },
    BIND,
  )
}

/** Whether a body of `POST /api/policies` binds a quote. */
export function isQuoteBinding(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, 'quoteId')
}

/** Carries out such a body. Throws problems. */
export async function bindByPolicy(
  deps: QuotesDeps,
  body: unknown,
  by: string,
): Promise<StoredAnswer> {
  const { quoteId, ...row } = parseInput(boundByPolicy, body, 'body')
  const { policy_number: policyNumber, payee_ref: payeeRef } = row
  const number = policyNumber === undefined ? {} : { policyNumber }
  const input = { quoteId, payeeRef, by, ...number }
  return await bind(deps, input, () =>
    invalidRequest([{ path: 'quoteId', message: 'no quote has this id' }]),
  )
}

function idOf(request: Request): string {
  const id = z.guid().toLowerCase().safeParse(request.params['quoteId'])
  if (!id.success) throw notFound('quote')
  return id.data
}

function readQuoteRequest(body: unknown): Omit<QuoteRequest, 'ref'> {
  const { ttl_s: ttlS, tenant, ...raw } = parseInput(anyFields, body, 'body')
  const parsed = parseCoverRow(raw)
  const errors = [
    ...unknownColumns(raw).map((path) => ({ path, message: 'no such field' })),
    ...(parsed.ok
      ? []
      : parsed.problems.map(({ field, reason }) => ({ path: field, message: reason }))),
  ]
  const whose = quoteBody.shape.tenant.safeParse(tenant)
  if (!whose.success) errors.push({ path: 'tenant', message: TENANT_RULE })
  const checked = ttl.optional().safeParse(ttlS)
  if (!checked.success) {
    errors.push({ path: 'ttl_s', message: checked.error.issues[0]?.message ?? 'not valid' })
  }
  if (errors.length > 0 || !parsed.ok) throw invalidRequest(errors)
  return {
    cover: parsed.row,
    ...(checked.data === undefined ? {} : { ttlS: checked.data }),
    ...(whose.data === undefined ? {} : { tenant: whose.data }),
  }
}

/** A key may be used for something else once its answer is forgotten. */
function refOf(key: string, body: unknown): string {
  return `${key}|${requestSha256(body)}`
}

function unknownColumns(raw: RawPolicyRow): string[] {
  const known: readonly string[] = COVER_COLUMNS
  return Object.keys(raw).filter((field) => !known.includes(field))
}

async function create(deps: QuotesDeps, request: QuoteRequest): Promise<StoredAnswer> {
  const created = await deps.quotes.create(request).catch(providerSilent)
  if (!created.ok) {
    const { field, reason } = created.refusal
    throw invalidRequest([{ path: field, message: reason }])
  }
  return { status: 201, body: shownQuote(created.quote, (await deps.readClock()).now) }
}

async function bind(
  deps: QuotesDeps,
  input: BindQuoteInput,
  noQuote: () => ProblemError,
): Promise<StoredAnswer> {
  const bound = await deps.quotes.bind(input).catch(providerSilent)
  switch (bound.kind) {
    case 'bound': {
      const { quoteId, policyNumber, premiumMinor, currency } = bound.quote
      const result = bound.isNew ? 'bound' : 'unchanged'
      const body = { quoteId, policyNumber, result, premiumMinor, currency }
      return { status: bound.isNew ? 201 : 200, body }
    }
    case 'declined': {
      const { field = 'quoteId', reason = '' } = bound.quote.declined ?? {}
      const errors = [{ path: field, message: reason }]
      throw new ProblemError(409, 'quote-declined', `${field}: ${reason}`, { errors })
    }
    case 'lapsed': {
      const message = `lapsed at ${bound.quote.expiresAt}: ask for a new one`
      const errors = [{ path: 'quoteId', message }]
      throw new ProblemError(409, 'quote-lapsed', `the quote ${message}`, { errors })
    }
    case 'bound-otherwise': {
      const message = `was bound as policy ${bound.quote.policyNumber}, to the payee of that time`
      const errors = [{ path: 'quoteId', message }]
      throw new ProblemError(409, 'conflict', `the quote ${message}`, { errors })
    }
    case 'number-taken':
      throw invalidRequest([{ path: 'policy_number', message: 'is the number of another policy' }])
    case 'invalid':
      throw invalidRequest(
        bound.problems.map(({ field, reason }) => ({ path: field, message: reason })),
      )
    case 'no-quote':
      throw noQuote()
  }
}

function providerSilent(error: unknown): never {
  if (!(error instanceof ProviderSilentError)) throw error
  throw unavailable('the flight-data provider', error)
}
