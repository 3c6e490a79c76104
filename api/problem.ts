/**
 * Errors as RFC 9457 problem documents. Everything a route throws ends in `problemErrors`: known
 * errors keep their meaning, unknown ones become a 500 without detail.
 */
import type { ErrorRequestHandler, Response } from 'express'
import type { z } from 'zod'

import { PayloadKeyError } from '../platform/temporal/payload-codec.ts'
import { NoSuchJobRunError } from '../platform/temporal/job-runs.ts'
import { unavailablePart } from '../platform/unavailable-part.ts'
import { requestLogger } from './request-context.ts'

/** One field that is wrong. `path` is `payload.policyId`, or `policies.3.sum_insured`. */
export type FieldError = { readonly path: string; readonly message: string }

type ProblemOptions = {
  readonly errors?: readonly FieldError[]
  /** Whole seconds after which a repeat may succeed. */
  readonly retryAfterS?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** An answer that is an error. `code` is stable and names the kind; `detail` is for people. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly status: number
  readonly code: string
  readonly errors: readonly FieldError[]
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause })
    this.status = status
    this.code = code
    this.errors = options.errors ?? []
    const retry =
      options.retryAfterS === undefined ? {} : { 'retry-after': String(options.retryAfterS) }
    this.headers = { ...options.headers, ...retry }
  }
}

/** Titles by code: short, the same for every occurrence. */
const TITLES: Readonly<Record<string, string>> = {
  'invalid-request': 'The request is not valid',
  'malformed-json': 'The body is not JSON',
  unauthorized: 'Authentication is required',
  forbidden: 'The role of this token does not allow it',
  'forbidden-origin': 'Pages of this origin are not served',
  'forbidden-host': 'This host name is not served',
  'dpop-proof': 'Proof of possession is required',
  'cross-site': 'The request comes from another site',
  'sign-in-failed': 'You are not signed in',
  'email-not-verified': 'The e-mail address is not confirmed',
  'account-disabled': 'The account is disabled',
  'password-change-required': 'The password must be changed first',
  'code-not-valid': 'The code is not valid',
  'mail-not-set-up': 'No mail leaves this installation',
  'not-found': 'There is no such thing',
  'method-not-allowed': 'The method is not allowed here',
  conflict: 'The request conflicts with the present state',
  'quote-declined': 'The quote was declined',
  'quote-lapsed': 'The quote has lapsed',
  'key-in-progress': 'A request with this Idempotency-Key is at work',
  'key-reused': 'The Idempotency-Key was used for another request',
  'too-large': 'The body is too large',
  'unsupported-media-type': 'The content type is not supported',
  'too-many-requests': 'Too many requests',
  unavailable: 'A part of the service does not answer',
  internal: 'Something went wrong on our side',
}

/** Field errors of a failed zod check, at most `ERRORS_SHOWN`, unknown fields by their name. */
export function fieldErrors(error: z.ZodError, prefix: readonly string[] = []): FieldError[] {
  return error.issues.slice(0, ERRORS_SHOWN).flatMap((issue) => {
    const path = [...prefix, ...issue.path.map(String)]
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'no such field' }))
    }
    return [{ path: path.join('.') || 'body', message: lowerFirst(issue.message) }]
  })
}

/** A caller mends the first ones first. */
const ERRORS_SHOWN = 50

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** Checks a value from outside. Throws a 422 (400 for a query) problem that names every field. */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown, where: 'body' | 'query'): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalidRequest(fieldErrors(parsed.error), where)
}

/** The problem of fields that are wrong. */
export function invalidRequest(
  errors: readonly FieldError[],
  where: 'body' | 'query' = 'body',
): ProblemError {
  const named = errors.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return new ProblemError(where === 'body' ? 422 : 400, 'invalid-request', named, { errors })
}

/** A part that the request needs (`temporal`, `database`) does not answer. */
export function unavailable(part: string, cause: unknown): ProblemError {
  return new ProblemError(503, 'unavailable', `${part} does not answer; try again shortly`, {
    retryAfterS: 5,
    cause,
  })
}

/** Errors of the body parser and of Express itself, by their `type`. */
function transportProblem(error: unknown): ProblemError | null {
  if (!(error instanceof Error) || !('status' in error)) return null
  const type = 'type' in error ? error.type : undefined
  switch (type) {
    case 'entity.too.large': {
      const limit = 'limit' in error ? Number(error.limit) : Number.NaN
      return new ProblemError(413, 'too-large', `the body is larger than ${limit} bytes`)
    }
    case 'entity.parse.failed':
      return new ProblemError(400, 'malformed-json', 'the body is not valid JSON', {
        errors: [{ path: 'body', message: 'not valid JSON' }],
      })
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return new ProblemError(415, 'unsupported-media-type', error.message)
    default:
      return typeof error.status === 'number' && error.status >= 400 && error.status < 500
        ? new ProblemError(error.status, 'invalid-request', 'the request cannot be read')
        : null
  }
}

/** The problem that an error of any kind is shown as. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof NoSuchJobRunError) {
    return new ProblemError(404, 'not-found', error.message, { cause: error })
  }
  if (error instanceof PayloadKeyError) {
    return new ProblemError(503, 'unavailable', error.message, { cause: error })
  }
  const part = unavailablePart(error)
  if (part !== null) return unavailable(part, error)
  const transport = transportProblem(error)
  if (transport !== null) return transport
  return new ProblemError(500, 'internal', 'the request failed; its correlation id finds the log', {
    cause: error,
  })
}

/** A problem document of RFC 9457, as every door shows it. */
export type ProblemDocument = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly correlationId: string
  readonly errors?: readonly FieldError[]
}

/** The document of a problem. */
export function problemDocument(problem: ProblemError, correlationId: string): ProblemDocument {
  return {
    type: `urn:groundstop:problem:${problem.code}`,
    title: TITLES[problem.code] ?? problem.code,
    status: problem.status,
    detail: problem.message,
    correlationId,
    ...(problem.errors.length === 0 ? {} : { errors: problem.errors }),
  }
}

/** Writes a problem document. */
export function sendProblem(response: Response, problem: ProblemError): void {
  response
    .status(problem.status)
    .set(problem.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problemDocument(problem, requestLogger(response).correlationId)))
}

/** The last handler of the app. Logs what is our fault, with its cause. */
export function problemErrors(): ErrorRequestHandler {
  return (error, _request, response, next) => {
    const problem = toProblem(error)
    const { logger } = requestLogger(response)
    if (problem.status === 503) logger.warn({ error: error as unknown }, 'request-unavailable')
    else if (problem.status >= 500) logger.error({ error: error as unknown }, 'request-failed')
    // Half an answer cannot be turned into another: Express closes the connection.
    if (response.headersSent) next(error)
    else sendProblem(response, problem)
  }
}
