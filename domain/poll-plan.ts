/** When asking a provider about a leg can bring news next, and how long a leg may go unasked. */
import type { LegFacts, WatchedLeg } from './leg-facts.ts'
import type { Product } from './product.ts'
import type { Instant } from './time.ts'

export type PollPhase =
  | 'PRE_WINDOW'
  | 'PRE_DEPARTURE'
  | 'AWAIT_OUT'
  | 'EN_ROUTE'
  | 'ARRIVAL'
  | 'SETTLE'
  | 'CANCEL_REPORTED'
  | 'DIVERTED'
  | 'UNKNOWN'
  | 'DONE'

export type NextPoll = {
  /** Null when every product has its decision. */
  readonly at: Instant | null
  readonly phase: PollPhase
  /** A stable code for people: why then. */
  readonly reason: string
}

export type NextPollInput = {
  readonly leg: WatchedLeg
  readonly facts: LegFacts
  /** The product versions that undecided policies of the leg are bound under. */
  readonly products: readonly Product[]
  readonly now: Instant
  /** Failed polls since the last answer. */
  readonly consecutiveFailures: number
  /** The undecided policies' frozen arrivals where they differ; the leg's own when left out. */
  readonly insuredArrivals?: readonly Instant[]
}

/** Plans the next poll. Called at bind (with empty facts) and after every poll. */
export function nextPoll(input: NextPollInput): NextPoll {
  throw new Error('not there yet')
}

/** The longest time that a leg may go without an answer in a phase before it is an incident. */
export function maxGapMs(phase: PollPhase): number {
  throw new Error('not there yet')
}
