/** What evaluations are replayed from. */
import type { LegFacts, WatchedLeg } from '../leg-facts.ts'
import type { Product } from '../product.ts'
import type { SecondFacts } from '../second-source.ts'
import type { Instant } from '../time.ts'
import type { ProviderLeg } from './flight-data-provider.ts'

/** What a provider said, once per change. */
export type ReplayedObservation = {
  readonly provider: string
  readonly firstSeenAt: Instant
  readonly lastSeenAt: Instant
  readonly seenCount: number
  readonly records: readonly ProviderLeg[]
}

/** A decision that rules made, as it is stored. */
export type ReplayedEvaluation = {
  readonly evaluationId: string
  readonly product: Product
  readonly insuredScheduledIn: Instant
  readonly facts: LegFacts
  /** Null when there was no second source. */
  readonly second: SecondFacts | null
  readonly outcome: string
  readonly bps: number
  readonly disputedBps: number | null
  readonly delayMin: number | null
  readonly reasons: readonly string[]
  /** Of the rules that made it; null when that was not kept. */
  readonly decisionRevision: number | null
  readonly evaluatedAt: Instant
}

/** A timetable that was endorsed away. The answer that announced the next one was still read by this one. */
export type EarlierTimetable = {
  readonly until: Instant
  readonly scheduledOut: Instant
  readonly scheduledIn: Instant
}

/** A leg with everything that was said of it and decided on it. */
export type ReplayedLeg = {
  readonly legId: string
  readonly leg: WatchedLeg
  /** The id of the second source; null when it was never asked about the leg. */
  readonly secondProvider: string | null
  /** The timetables that it had before, by when the next one was announced; the oldest first. */
  readonly earlier: readonly EarlierTimetable[]
  /** In the order in which they were stored. */
  readonly observations: readonly ReplayedObservation[]
  readonly evaluations: readonly ReplayedEvaluation[]
}

/** Reads legs with evaluations. */
export interface ReplaySource {
  /** The next legs after this id, in order of ids; fewer than `limit` at the end. */
  readLegs(after: string | null, limit: number): Promise<ReplayedLeg[]>
}
