/** Where decisions are written and carried out on policies. */
import type { Decision } from '../decision.ts'
import type { LegFacts, WatchedLeg } from '../leg-facts.ts'
import type { Product } from '../product.ts'
import type { SecondFacts } from '../second-source.ts'
import type { Instant } from '../time.ts'

/** Undecided policies of one leg under one product version and one insured arrival. */
export type DecisionGroup = {
  readonly legId: string
  readonly leg: WatchedLeg
  readonly facts: LegFacts
  /** Null when the second source was not asked about the leg, or there is none. */
  readonly second: SecondFacts | null
  readonly productVersionId: string
  readonly product: Product
  readonly insuredScheduledIn: Instant
  /** How many policies there were when it was read. */
  readonly policies: number
}

/** A final decision about a group. */
export type NewEvaluation = {
  readonly legId: string
  readonly productVersionId: string
  readonly insuredScheduledIn: Instant
  /** Canonical JSON of the facts, of the second source's too where it was asked. */
  readonly facts: string
  readonly secondFacts: string | null
  /** SHA-256 of both: the same facts are the same evaluation. */
  readonly factsSha256: string
  readonly decision: Exclude<Decision, { readonly outcome: 'NOT_YET' }>
  readonly tzdataVersion: string
  /** DECISION_REVISION of the rules that made it. */
  readonly decisionRevision: number
  readonly evaluatedAt: Instant
}

/** One page of policies to which evaluations are applied. */
export type DecisionPage = {
  readonly evaluationIds: readonly string[]
  /** Policies after this id, in order of ids; null for the first page. */
  readonly after: string | null
  readonly limit: number
  readonly now: Instant
}

/** What came of one page. */
export type AppliedPage = {
  readonly paid: number
  readonly notPaid: number
  readonly inReview: number
  readonly payoutsCreated: number
  /** The last policy of a full page; null when nothing is left. */
  readonly next: string | null
}

/** Loads what is to be decided and writes decisions, set-based. */
export interface DecisionStore {
  /** The undecided groups of legs, in order of leg, product version and arrival. */
  loadGroups(legIds: readonly string[]): Promise<DecisionGroup[]>
  /** Stores evaluations and returns their ids in the order given. Idempotent by facts. */
  saveEvaluations(evaluations: readonly NewEvaluation[]): Promise<string[]>
  /**
   * Carries evaluations out on a page of their undecided policies, in one transaction: outcome and
   * state, escrow, payouts, ledger, pool, the legs' counts and review cases. Policies decided already
   * are passed over, so that it may be repeated and run at once from many processes.
   */
  applyPage(page: DecisionPage): Promise<AppliedPage>
}
