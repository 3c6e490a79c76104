/** When payments are looked up that the rail accepted and did not yet confirm for good. */
import type { PayoutState } from './payout.ts'
import { addMs, DAY_MS, HOUR_MS, msBetween, type Instant } from './time.ts'

/** How often a payment in transit is looked up, on the business clock, where nobody tells. */
export const CONFIRM_EVERY_MS = HOUR_MS

/** How often one is looked up that was paid, and may still come back. */
export const RETURN_CHECK_EVERY_MS = DAY_MS

/** Five business days are at most eight of the calendar with a holiday: after that it stays paid. */
export const RETURN_WINDOW_MS = 8 * DAY_MS

/** A payment in transit for longer is not on its way any more: people ask the rail. */
export const IN_TRANSIT_LIMIT_MS = 7 * DAY_MS

/** The rail's events are listed from so long before the last listing: they may be told late. */
export const EVENTS_OVERLAP_MS = DAY_MS

/** When the payment accepted at `acceptedAt` is looked up after `now`; null: never again. */
export function nextCheckAt(
  payment: { readonly state: PayoutState; readonly acceptedAt: Instant },
  now: Instant,
): Instant | null {
  if (payment.state === 'IN_TRANSIT') return addMs(now, CONFIRM_EVERY_MS)
  const isOpen = payment.state === 'PAID' && msBetween(payment.acceptedAt, now) < RETURN_WINDOW_MS
  return isOpen ? addMs(now, RETURN_CHECK_EVERY_MS) : null
}
