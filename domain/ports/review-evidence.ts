/** What a case's page is made of. */
import type { ReviewPageInput } from '../explain-review.ts'

/** Reads cases with their evidence. */
export interface ReviewEvidence {
  /** All parts of one moment; null when there is no such case. */
  read(caseId: string): Promise<Omit<ReviewPageInput, 'now'> | null>
}
