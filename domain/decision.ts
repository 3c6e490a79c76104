/** What a policy's rules say about a leg: the one function that pays, denies, waits or asks a person. */
import type { LegFacts, WatchedLeg } from './leg-facts.ts'
import type { BasisPoints } from './money.ts'
import type { Product } from './product.ts'
import type { Instant } from './time.ts'

/** Stable codes; stored with every evaluation. */
export type DecisionReason =
  | 'ARRIVED'
  | 'TIER_MET'
  | 'NO_TIER_MET'
  | 'CANCELLED'
  | 'NOT_REACHED'
  | 'RUNWAY_ONLY'
  | 'EDGE_BAND'
  | 'AWAITING_ARRIVAL'
  | 'AWAITING_CONFIRMATION'
  | 'AWAITING_CONTINUATION'
  | 'AMBIGUOUS_MATCH'
  | 'NO_FINAL_DATA'
  | 'FUTURE_ARRIVAL'
  | 'TIME_ORDER'
  | 'BLOCK_TIME'
  | 'DELAY_RANGE'
  | 'RUNWAY_NEAR_TIER'
  | 'CONTINUATION_UNFINISHED'
  | 'DIVERSION_UNCLEAR'

export type Decision =
  | {
      readonly outcome: 'NOT_YET'
      /** The earliest moment at which an answer that repeats the facts would decide. */
      readonly decidableAt: Instant | null
      readonly reasons: readonly DecisionReason[]
    }
  | {
      readonly outcome: 'PAY'
      readonly bps: BasisPoints
      /** Null when the leg never arrived. */
      readonly delayMin: number | null
      readonly reasons: readonly DecisionReason[]
    }
  | {
      readonly outcome: 'NO_PAY'
      readonly delayMin: number
      readonly reasons: readonly DecisionReason[]
    }
  | { readonly outcome: 'REVIEW'; readonly reasons: readonly DecisionReason[] }

export type DecisionInput = {
  readonly leg: WatchedLeg
  readonly facts: LegFacts
  /** The policy's frozen arrival; policies of one leg may differ. */
  readonly insuredScheduledIn: Instant
  readonly product: Product
  readonly now: Instant
}

/** Decides. Pure: the same input always gives the same decision. */
export function decide(input: DecisionInput): Decision {
  throw new Error('not there yet')
}
