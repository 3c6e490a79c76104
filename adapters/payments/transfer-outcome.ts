/**
 * What an error of the Stripe SDK means for a transfer. Rejected is said only when this answer proves
 * that nothing moved under the key; everything else is unknown, as an earlier request may have moved.
 */
import Stripe from 'stripe'
import type { TransferOutcome } from '../../domain/ports/payment-provider.ts'

type Unanswered = Exclude<TransferOutcome, { kind: 'accepted' }>

/** Codes of unknown outcomes. */
export const UNKNOWN_CODES = {
  /** No answer: time-out, reset, refused connection. */
  connection: 'connection',
  /** An answer that is not a transfer. */
  malformed: 'malformed',
  /** A 5xx was answered; the rail may have stored it for the key. */
  serverError: 'server_error',
  /** 409: another request with the key is under way. */
  inProgress: 'in_progress',
  rateLimited: 'rate_limited',
  /** 401, 403: said before the idempotency layer looked at the key. */
  unauthorized: 'unauthorized',
  /** The key was used with other parameters: that request may have moved money. */
  keyMismatch: 'idempotency_mismatch',
  /** Not sent: the breaker is open. */
  breakerOpen: 'breaker_open',
} as const

const SECOND_MS = 1_000
const RATE_LIMIT_CODES = ['rate_limit', 'lock_timeout']
const REJECTING_STATUSES = [400, 402, 404]

/** The outcome that an error of the SDK stands for. */
export function outcomeOfError(error: unknown): Unanswered {
  const { connection, malformed } = UNKNOWN_CODES
  if (error instanceof Stripe.errors.StripeConnectionError) {
    return unknown(connection, `${error.message} (${causeOf(error)})`)
  }
  if (!(error instanceof Stripe.errors.StripeError) || error.statusCode === undefined) {
    // The SDK could not read the answer: HTML, half a body, `null`.
    return unknown(malformed, error instanceof Error ? error.message : String(error))
  }
  return outcomeOfStatus(error, error.statusCode)
}

function outcomeOfStatus(error: Stripe.errors.StripeError, status: number): Unanswered {
  const { inProgress, keyMismatch, rateLimited, serverError, unauthorized } = UNKNOWN_CODES
  if (status === 409) return unknown(inProgress, error.message)
  if (status === 429 || RATE_LIMIT_CODES.includes(error.code ?? '')) {
    return unknown(rateLimited, error.message, retryAfterMs(error.headers))
  }
  if (status === 401 || status === 403) return unknown(unauthorized, error.message)
  if (error.rawType === 'idempotency_error') return unknown(keyMismatch, error.message)
  if (status >= 500) return unknown(serverError, error.message, retryAfterMs(error.headers))
  if (REJECTING_STATUSES.includes(status)) {
    return {
      kind: 'rejected',
      code: error.code ?? error.rawType ?? `http_${status}`,
      message: error.message,
    }
  }
  return unknown(`http_${status}`, error.message)
}

/** An unknown outcome. */
export function unknown(code: string, message: string, retryAfterMs?: number): Unanswered {
  return { kind: 'unknown', code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

function causeOf(error: Stripe.errors.StripeConnectionError): string {
  const cause: unknown = error.detail
  return cause instanceof Error ? cause.message : 'no cause given'
}

function retryAfterMs(headers: unknown): number | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  const seconds = Number(Reflect.get(headers, 'retry-after'))
  return Number.isFinite(seconds) && seconds > 0 ? seconds * SECOND_MS : undefined
}
