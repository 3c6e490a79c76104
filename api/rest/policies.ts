/** Policies: bind one or a book, look one up. */
import express, { type Express, type Request, type RequestHandler } from 'express'
import { z } from 'zod'

import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import type { PolicyDetailsStore } from '../../domain/ports/policy-details.ts'
import type {
  ImportedPolicies,
  ImportOptions,
  PlacedRow,
  RejectedRow,
} from '../../operations/import-policies.ts'
import { callerOf } from '../caller.ts'
import { onceByKey, type StoredAnswer } from '../idempotency.ts'
import {
  CSV_TYPE,
  NDJSON_TYPES,
  rowsOfCsv,
  rowsOfJson,
  rowsOfNdjson,
  rowsBody,
  unknownFields,
  type BodyRow,
  type BodyRows,
} from '../policy-rows.ts'
import { ProblemError, invalidRequest, unavailable, type FieldError } from '../problem.ts'
import { addRoute, requireType, type Contracts } from '../routes.ts'
import { listedPolicyShape, objectShape, pageShape, policyShape } from '../shapes.ts'
import { listPolicies, policiesQuery, type BookReadsDeps } from './book-reads.ts'
import { pathText } from './read-query.ts'
import { bindByPolicy, boundByPolicy, isQuoteBinding, type QuotesDeps } from './quotes.ts'

/** What the routes need. */
export type PoliciesDeps = BookReadsDeps &
  QuotesDeps & {
    readonly policies: PolicyDetailsStore & {
      /** Binds rows; `line` is the row's index. Idempotent by policy number. */
      import(
        rows: readonly PlacedRow[],
        from: Pick<ImportOptions, 'by' | 'tenant' | 'isTenantFixed'>,
      ): Promise<ImportedPolicies>
    }
    readonly idempotency: IdempotencyStore
  }

const POLICIES_PATH = '/api/policies'

/** A book of 5,000 policies takes about 2 MB. */
const BOOK_LIMIT_BYTES = 10_000_000

const TYPES = ['application/json', ...NDJSON_TYPES, CSV_TYPE]

const POLICIES: Contracts = {
  post: {
    summary: 'Bind one policy, a book of them, or a quote',
    permission: 'book.sell',
    isForTenants: true,
    body: z.union([rowsBody, boundByPolicy]),
    bodyTypes: TYPES,
    bodyLimitBytes: BOOK_LIMIT_BYTES,
    isKeyed: true,
    answers: { 200: objectShape, 201: objectShape, 207: objectShape },
  },
  get: {
    summary: 'Policies by number',
    permission: 'book.read',
    isForTenants: true,
    query: policiesQuery,
    answers: { 200: pageShape(listedPolicyShape) },
  },
}

/** `POST` and `GET /api/policies` and `GET /api/policies/:policyNumber`. */
export function addPolicyRoutes(app: Express, deps: PoliciesDeps): void {
  addRoute(
    app,
    POLICIES_PATH,
    {
      post: [
        ...bookBody(),
        async (request, response) => {
          const body: unknown = request.body
          const by = callerOf(response).name
          const scope = `POST ${POLICIES_PATH}`
          const rows = isQuoteBinding(body) ? null : rowsOf(request)
          const answer = await onceByKey(deps.idempotency, request, { scope, body }, () =>
            rows === null ? bindByPolicy(deps, body, by) : bind(deps, rows, by),
          )
          response.status(answer.status).json(answer.body)
        },
      ],
      get: listPolicies(deps),
    },
    POLICIES,
  )
  addRoute(
    app,
    `${POLICIES_PATH}/:policyNumber`,
    {
      get: async (request, response) => {
        const policyNumber = pathText(request, 'policyNumber', 'policy')
        const policy = await deps.policies.find(policyNumber)
        if (policy === null) throw new ProblemError(404, 'not-found', 'no policy has this number')
        response.json(policy)
      },
    },
    {
      get: {
        summary: 'One policy with its leg, decision and payouts',
        permission: 'book.read',
        isForTenants: true,
        answers: { 200: policyShape },
      },
    },
  )
}

function bookBody(): RequestHandler[] {
  const limit = BOOK_LIMIT_BYTES
  return [
    requireType(TYPES),
    express.json({ limit, strict: false }),
    express.text({ limit, type: [...NDJSON_TYPES, CSV_TYPE] }),
  ]
}

function rowsOf(request: Request): BodyRows {
  const body: unknown = request.body
  if (request.is(CSV_TYPE) !== false) return rowsOfCsv(textOf(body))
  if (request.is([...NDJSON_TYPES]) !== false) return rowsOfNdjson(textOf(body))
  return rowsOfJson(body)
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : ''
}

/** What became of one row that did not go in. */
type RowError = FieldError & { readonly policyNumber: string }

function rowError({ at }: BodyRow, rejected: Omit<RejectedRow, 'line'>): RowError {
  const { field, reason, policyNumber } = rejected
  const path = at === '' ? field : `${at}${at.startsWith('line') ? ' ' : '.'}${field}`
  return { path, message: reason, policyNumber }
}

async function bind(
  deps: PoliciesDeps,
  { rows, isSingle }: BodyRows,
  by: string,
): Promise<StoredAnswer> {
  const placed: PlacedRow[] = []
  const errors: RowError[] = []
  const refused = new Set<BodyRow>()
  for (const [line, at] of rows.entries()) {
    const unknown = unknownFields(at.row)
    if (unknown.length === 0) placed.push({ line, row: at.row })
    else refused.add(at)
    const policyNumber = numberOf(at)
    for (const field of unknown) {
      errors.push(rowError(at, { field, reason: 'no such field', policyNumber }))
    }
  }
  const report = await deps.policies.import(placed, { by })
  for (const rejected of report.rejected) {
    const at = rows[rejected.line]
    if (at === undefined) continue
    refused.add(at)
    errors.push(rowError(at, rejected))
  }
  const counts = {
    total: rows.length,
    bound: report.imported,
    unchanged: report.unchanged,
    rejected: refused.size,
  }
  if (refused.size === rows.length) throw allRefused(report.rejected, errors)
  if (refused.size > 0) return { status: 207, body: { ...counts, errors } }
  const status = report.imported > 0 ? 201 : 200
  return { status, body: isSingle ? singleAnswer(rows, report) : { ...counts, errors } }
}

function singleAnswer(rows: readonly BodyRow[], report: ImportedPolicies) {
  const policyNumber = rows[0] === undefined ? '' : numberOf(rows[0])
  return { policyNumber, result: report.imported > 0 ? 'bound' : 'unchanged' }
}

/** The policy number as given, for messages: at most as long as a real one. */
function numberOf({ row }: BodyRow): string {
  const given = row['policy_number']
  return typeof given === 'string' || typeof given === 'number' ? String(given).slice(0, 64) : ''
}

/** How the import tells that the provider, and not the row, was at fault. */
const PROVIDER_DOWN = /^provider unavailable/

function allRefused(rejected: readonly RejectedRow[], errors: readonly FieldError[]): ProblemError {
  const isProvider = rejected.length > 0 && rejected.every((row) => PROVIDER_DOWN.test(row.reason))
  return isProvider ? unavailable('the flight-data provider', errors) : invalidRequest(errors)
}
