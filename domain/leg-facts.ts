/** What is known of a leg: evidence folded from a provider's answers, with when it was seen. */
import type { LegIdentity } from './leg.ts'
import type { LegPhase } from './leg-phase.ts'
import type { ProviderLeg } from './ports/flight-data-provider.ts'
import type { Instant } from './time.ts'

/** A leg that is watched: its schedule is the one insured at bind, whatever a provider says later. */
export type WatchedLeg = {
  readonly identity: LegIdentity
  /** IANA zones. */
  readonly originZone: string
  readonly destinationZone: string
  readonly scheduledOut: Instant
  readonly scheduledIn: Instant
}

/** The first and the last answer of an unbroken run that showed the same thing. */
export type Seen = { readonly firstSeenAt: Instant; readonly lastSeenAt: Instant }

/** An instant that a provider reports, and since when it does. */
export type SeenInstant = Seen & { readonly value: Instant }

export type DiversionFact = Seen & {
  /** IATA; null while only the flag is known. */
  readonly airport: string | null
  readonly landedAt: Instant | null
  /** A record carries the flight on to the insured destination and is not cancelled. */
  readonly isContinuing: boolean
}

/** Plain JSON, stored with the leg. */
export type LegFacts = {
  readonly version: 1
  /** When the newest folded answer was fetched. */
  readonly lastAnswerAt: Instant | null
  /** Since when answers lack the leg, or have it more than once; null when the newest has it once. */
  readonly missing: Seen | null
  readonly ambiguous: Seen | null
  /** A provider's ids of this flight, learned and sorted. */
  readonly providerIds: readonly string[]
  /** The provider's present timetable. */
  readonly scheduledOut: Instant | null
  readonly scheduledIn: Instant | null
  readonly estimatedOut: Instant | null
  readonly estimatedIn: Instant | null
  readonly actualOut: Instant | null
  readonly actualOff: Instant | null
  /** Touch-down at the insured destination. */
  readonly landing: SeenInstant | null
  /** Gate arrival at the insured destination. */
  readonly arrival: SeenInstant | null
  /** Codes of the sanity rules that the arrival breaks; empty when it is sane. */
  readonly arrivalFaults: readonly string[]
  readonly cancelled: Seen | null
  readonly diversion: DiversionFact | null
}

export type FoldedAnswer = {
  readonly facts: LegFacts
  /** Stable codes of what was remarkable in this answer, stored with the observation. */
  readonly flags: string[]
  readonly phase: LegPhase
}

/** The facts of a leg that was never heard of. */
export function emptyFacts(): LegFacts {
  throw new Error('not there yet')
}

/**
 * Folds one answer of a provider into the facts. Pure. Folding the same answer again changes nothing;
 * folding a run of equal answers is the same as folding its first and its last, so stored observations
 * replay to the same facts. An answer older than the newest folded one is left out.
 */
export function foldAnswer(
  facts: LegFacts,
  leg: WatchedLeg,
  records: readonly ProviderLeg[],
  fetchedAt: Instant,
): FoldedAnswer {
  throw new Error('not there yet')
}
