/** What an explanation of a policy's decision is made of. */
import type { ExplainInput } from '../explain-decision.ts'

/** Reads what explanations need. */
export interface ExplanationSource {
  /** Of the policy with this number; null when there is none. */
  read(policyNumber: string): Promise<ExplainInput | null>
}
