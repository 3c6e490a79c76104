/** How soon a case should be decided. */
import { addMs, DAY_MS, HOUR_MS, type Instant } from './time.ts'

/** By reason; where money is decided and owed, or nothing goes out at all, people look sooner. */
const SLA_MS: Readonly<Record<string, number>> = {
  PAYOUT_UNSETTLED: 4 * HOUR_MS,
  PAYOUT_REJECTED: 4 * HOUR_MS,
  NEW_ATTEMPT_ABOVE_LIMIT: 4 * HOUR_MS,
  TRANSFER_MISMATCH: 4 * HOUR_MS,
  UNEXPECTED_TRANSFER: 4 * HOUR_MS,
  RAIL_BALANCE_EXHAUSTED: HOUR_MS,
  DAILY_CEILING: HOUR_MS,
  BOOK_BREAK: 4 * HOUR_MS,
  // Nobody waits for money that was decided; evidence has to be asked for.
  APPEAL: 3 * DAY_MS,
}

/** A case for which nothing else is said. Milliseconds. */
const DEFAULT_SLA_MS = DAY_MS

/** The time within which a case of this reason should be decided. Milliseconds. */
export function slaMs(reasonCode: string): number {
  return SLA_MS[reasonCode] ?? DEFAULT_SLA_MS
}

/** When a case is overdue; a wait that a person decided puts it off. */
export function dueAt(reasonCode: string, openedAt: Instant, waitUntil: Instant | null): Instant {
  const due = addMs(openedAt, slaMs(reasonCode))
  return waitUntil !== null && waitUntil > due ? waitUntil : due
}
