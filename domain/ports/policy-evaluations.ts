/** What the rules said of a policy, with the evidence that each time lay before them. */
import type { LegFacts } from '../leg-facts.ts'
import type { ShownEvaluation, ShownObservation } from './leg-reads.ts'

/** One evaluation of the policy's leg under its product and an arrival that it insured. */
export type PolicyEvaluation = ShownEvaluation & {
  /** The policy's decision, or its review, rests on it. */
  readonly isDecisive: boolean
  /** Payouts of the policy that it made. */
  readonly payoutIds: readonly string[]
  /** Version of the time zone data that local times were read with. */
  readonly tzdataVersion: string
  /** As they were folded when it was made. */
  readonly facts: LegFacts
  /** What the providers had said by then, the oldest first; cut at SHOWN_LIMIT. */
  readonly observations: readonly ShownObservation[]
}

/** All evaluations of one policy, the newest first; cut at SHOWN_LIMIT. */
export type PolicyEvaluations = {
  readonly policyNumber: string
  readonly legKey: string
  readonly evaluations: readonly PolicyEvaluation[]
}

/** Reads evaluations of policies. */
export interface PolicyEvaluationReads {
  /** Null when there is no such policy. */
  read(policyNumber: string): Promise<PolicyEvaluations | null>
}
