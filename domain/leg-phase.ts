/** Where a leg is in its life, told from its facts: for people and indexes, never for deciding. */
import type { LegFacts, WatchedLeg } from './leg-facts.ts'
import type { Instant } from './time.ts'

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

/** The phase of a leg at `now`. CANCELLED, NOT_REACHED and SETTLED use the default settle rule. */
export function legPhase(leg: WatchedLeg, facts: LegFacts, now: Instant): LegPhase {
  throw new Error('not there yet')
}
