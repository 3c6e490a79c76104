/**
 * What went wrong with a call to aviationstack, in the port's terms. The error in the body speaks
 * first, whatever the status: errors come with 200, and refusals for good with 500.
 */
import type {
  ProviderFailure,
  ProviderFailureKind,
} from '../../domain/ports/flight-data-provider.ts'
import { failure } from './aeroapi-failure.ts'

/** The boards may be asked once in 10 s on paid plans; the service says no time itself. */
const THROTTLED_RETRY_MS = 10_000
const SECOND_MS = 1_000
const TEXT_LENGTH_LIMIT = 200

const KINDS: Readonly<Record<string, ProviderFailureKind>> = {
  invalid_access_key: 'AUTH',
  missing_access_key: 'AUTH',
  inactive_user: 'AUTH',
  // What the plan does not include is refused until somebody changes the plan.
  https_access_restricted: 'AUTH',
  function_access_restricted: 'AUTH',
  // A month's requests are used up: asking again costs nothing less and brings nothing.
  usage_limit_reached: 'QUOTA',
  rate_limit_reached: 'THROTTLED',
  too_many_requests: 'THROTTLED',
  // A wrong address, not a missing flight: an unknown flight is an empty list here.
  invalid_api_function: 'BAD_REQUEST',
  '404_not_found': 'BAD_REQUEST',
  validation_error: 'BAD_REQUEST',
}

/** What the key's plan does not include. */
const PLAN_CODES = ['https_access_restricted', 'function_access_restricted']

/** Words with which the service refuses a request for good, even as an internal error. */
const REFUSAL = /\bmust be\b|\bmust not\b|\binvalid\b|\bnot (?:supported|allowed|available)\b/i

/** An error body, as far as it is one. */
export type StatedError = {
  readonly code: string
  readonly message: string
  /** The body blames single parameters. */
  readonly hasContext: boolean
}

/** The `error` of a parsed body; null when it has none. */
export function statedErrorOf(body: unknown): StatedError | null {
  const error = fieldOf(body, 'error')
  if (error === undefined || error === null || error === false) return null
  if (typeof error === 'string') return { code: '', message: cut(error), hasContext: false }
  const context = fieldOf(error, 'context')
  return {
    // Older answers name the error in `type`, with a number as its code.
    code: (textOf(error, 'type') || textOf(error, 'code')).toLowerCase(),
    message: textOf(error, 'message') || textOf(error, 'info'),
    hasContext: typeof context === 'object' && context !== null,
  }
}

/** The failure that an error body stands for. */
export function failureOfError(
  error: StatedError,
  httpStatus: number,
  retryAfter: string | null,
): ProviderFailure {
  const kind = kindOfError(error, httpStatus)
  const text = [error.code, error.message].filter((part) => part !== '').join(': ')
  return failure(kind, `HTTP ${httpStatus}: ${text}`, {
    httpStatus,
    ...(kind === 'THROTTLED' ? { retryAfterMs: retryMs(retryAfter) } : {}),
    isPlanRefusal: PLAN_CODES.includes(error.code),
  })
}

/** The failure of an answer other than 200 whose body does not say why. */
export function failureOfBareStatus(
  httpStatus: number,
  retryAfter: string | null,
): ProviderFailure {
  const details = { httpStatus }
  const message = `HTTP ${httpStatus}`
  if (httpStatus === 429) {
    return failure('THROTTLED', message, { httpStatus, retryAfterMs: retryMs(retryAfter) })
  }
  if (httpStatus === 401 || httpStatus === 403) return failure('AUTH', message, details)
  if (httpStatus === 402) return failure('QUOTA', message, details)
  if (httpStatus === 408 || httpStatus >= 500) return failure('UNAVAILABLE', message, details)
  if (httpStatus >= 400) return failure('BAD_REQUEST', message, details)
  return failure('MALFORMED', message, details)
}

function kindOfError(error: StatedError, httpStatus: number): ProviderFailureKind {
  const known = KINDS[error.code]
  if (known !== undefined) return known
  if (error.hasContext || REFUSAL.test(error.message)) return 'BAD_REQUEST'
  // With 200 the status says nothing; what nobody knows by name may pass.
  if (httpStatus < 400) return 'UNAVAILABLE'
  return failureOfBareStatus(httpStatus, null).kind
}

function retryMs(header: string | null): number {
  const seconds = Number(header)
  return header !== null && seconds > 0 ? seconds * SECOND_MS : THROTTLED_RETRY_MS
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function textOf(value: unknown, name: string): string {
  const field = fieldOf(value, name)
  return typeof field === 'string' || typeof field === 'number' ? cut(String(field)) : ''
}

function cut(text: string): string {
  return text.slice(0, TEXT_LENGTH_LIMIT)
}
