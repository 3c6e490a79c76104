/**
 * When the same request must not be sent again. A rail answers one idempotency key for a limited time
 * and may have stored a server error under it for good; from then on only a look-up tells the truth.
 */
import type { Instant } from './time.ts'
import { HOUR_MS, MINUTE_MS, msBetween } from './time.ts'

/**
 * Age, on the business clock, at which an attempt without an answer is no longer sent: the rail
 * forgets keys after 24 h, and a forgotten key would move the money twice.
 */
export const RESEND_LIMIT_MS = 20 * HOUR_MS

/** Server errors under one key after which the answer is taken as stored: it will not change. */
export const STORED_ERROR_LIMIT = 3

/** How far apart two empty look-ups must be before a transfer is held not to exist. */
export const ABSENCE_GAP_MS = 10 * MINUTE_MS

/** What is remembered of an attempt that the rail has not answered for. */
export type UnansweredAttempt = {
  readonly startedAt: Instant
  readonly serverErrors: number
  /** When a look-up first found nothing; null when none did. */
  readonly absentSince: Instant | null
}

/**
 * `resend`: the same key may be sent again. `look-up`: ask the rail what it knows, send nothing.
 */
export function nextStep(attempt: UnansweredAttempt, now: Instant): 'resend' | 'look-up' {
  const isOld = msBetween(attempt.startedAt, now) >= RESEND_LIMIT_MS
  const isAnswerStored = attempt.serverErrors >= STORED_ERROR_LIMIT
  // Once a look-up began, a send in between would make its answer worthless.
  return isOld || isAnswerStored || attempt.absentSince !== null ? 'look-up' : 'resend'
}

/** True when this empty look-up is far enough from the first one to believe both. */
export function isAbsenceProven(attempt: UnansweredAttempt, now: Instant): boolean {
  return attempt.absentSince !== null && msBetween(attempt.absentSince, now) >= ABSENCE_GAP_MS
}
