/** Where a leg is in its life, told from its facts: for people and indexes, never for deciding. */
import type { LegFacts, WatchedLeg } from './leg-facts.ts'
import { DEFAULT_SETTLE } from './product.ts'
import { DAY_MS, HOUR_MS, SECOND_MS, toMs, type Instant } from './time.ts'

/** Where a leg is in its life. */
export type LegPhase =
  | 'SCHEDULED'
  | 'OUT'
  | 'AIRBORNE'
  | 'LANDED'
  | 'ARRIVED'
  | 'CANCEL_REPORTED'
  | 'CANCELLED'
  | 'DIVERTING'
  | 'DIVERTED'
  | 'CONTINUING'
  | 'NOT_REACHED'
  | 'UNKNOWN'
  | 'SETTLED'

/** Without data this long after it should have arrived, a leg's whereabouts are unknown. */
const UNKNOWN_AFTER_MS = 3 * HOUR_MS

/** The phase of a leg at `now`. CANCELLED, NOT_REACHED and SETTLED follow the default settle rule. */
export function legPhase(leg: WatchedLeg, facts: LegFacts, now: Instant): LegPhase {
  const { arrival, cancelled, diversion } = facts
  if (facts.ambiguous !== null) return 'UNKNOWN'
  if (arrival !== null) {
    const seenMs = toMs(arrival.lastSeenAt) - toMs(arrival.firstSeenAt)
    return seenMs >= DEFAULT_SETTLE.confirmGapS * SECOND_MS ? 'SETTLED' : 'ARRIVED'
  }
  if (facts.landing !== null) return 'LANDED'
  if (cancelled !== null) {
    const finalMs = toMs(leg.scheduledIn) + DEFAULT_SETTLE.cancelPersistS * SECOND_MS
    return toMs(cancelled.lastSeenAt) >= finalMs ? 'CANCELLED' : 'CANCEL_REPORTED'
  }
  if (diversion !== null) {
    if (diversion.isContinuing) return 'CONTINUING'
    if (toMs(diversion.lastSeenAt) >= toMs(leg.scheduledIn) + DAY_MS) return 'NOT_REACHED'
    return diversion.landedAt === null ? 'DIVERTING' : 'DIVERTED'
  }
  return phaseUnderWay(leg, facts, now)
}

function phaseUnderWay(leg: WatchedLeg, facts: LegFacts, now: Instant): LegPhase {
  const expectedIn = facts.estimatedIn ?? leg.scheduledIn
  if (toMs(now) > toMs(expectedIn) + UNKNOWN_AFTER_MS) return 'UNKNOWN'
  if (facts.missing !== null && now > leg.scheduledOut) return 'UNKNOWN'
  if (facts.actualOff !== null) return 'AIRBORNE'
  return facts.actualOut === null ? 'SCHEDULED' : 'OUT'
}
