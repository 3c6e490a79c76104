/**
 * Changes of the timetable. One that is announced a day or more before departure changes what is
 * insured; a later one is a delay, and the insured schedule stays.
 */
import type { LegFacts, WatchedLeg } from './leg-facts.ts'
import { HOUR_MS, MINUTE_MS, msBetween, type Instant } from './time.ts'

/** Departure and arrival in a timetable. */
export type Schedule = Pick<WatchedLeg, 'scheduledOut' | 'scheduledIn'>

/** A change seen this long before the insured departure, or earlier, is endorsed. */
export const ENDORSE_BEFORE_OUT_MS = 24 * HOUR_MS

/** A departure or an arrival moved by more than this from the schedule at bind: a refund is offered. */
export const REFUND_ABOVE_MS = 60 * MINUTE_MS

/**
 * The provider's present timetable when it is known early enough and differs from the leg's, or from an
 * arrival that is insured on it (a policy may have been bound by a timetable that was older); else null.
 * A leg that is reported cancelled is not retimed: which times a provider shows of it means nothing.
 */
export function announcedRetime(
  leg: WatchedLeg,
  facts: LegFacts,
  now: Instant,
  insuredArrivals: readonly Instant[] = [],
): Schedule | null {
  const { scheduledOut, scheduledIn } = facts
  if (scheduledOut === null || scheduledIn === null || facts.cancelled !== null) return null
  const isSame = scheduledOut === leg.scheduledOut && scheduledIn === leg.scheduledIn
  if (isSame && insuredArrivals.every((arrival) => arrival === scheduledIn)) return null
  // A timetable of the past or one that arrives first is a fault of the provider.
  if (scheduledOut <= now || scheduledIn <= scheduledOut) return null
  if (msBetween(now, leg.scheduledOut) < ENDORSE_BEFORE_OUT_MS) return null
  return { scheduledOut, scheduledIn }
}
