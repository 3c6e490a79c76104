/** Where review cases are decided: locked, judged and written in one transaction. */
import type { ReviewSnapshot } from '../review-case.ts'
import type { ReviewJudgement, ReviewNote } from '../review-judgement.ts'

/** Setting: what one person may decide alone, minor units: a number, or `{USD: n, JPY: n}`. */
export const REVIEWS_TWO_PERSON_LIMIT = 'reviews.twoPersonLimitMinor'

/** What a judgement came to, with the case as it was before and is now. */
export type JudgedReview = {
  readonly judgement: ReviewJudgement
  readonly before: ReviewSnapshot
  readonly after: ReviewSnapshot
  readonly policiesPaid: number
  readonly policiesDenied: number
  readonly payoutsCreated: number
}

/** Decides cases. */
export interface ReviewDecisions {
  /** The case as it stands; null when there is none. */
  read(caseId: string): Promise<ReviewSnapshot | null>
  /**
   * Locks the case (its leg first), has it judged and writes the answer: fields, evaluations carried
   * out on the case's policies (escrow, payouts, ledger, pool), the audit event. All or nothing, and
   * of several at once one after the other. `judge` is pure: it may be asked again. Null: no such case.
   */
  change(
    caseId: string,
    note: ReviewNote,
    judge: (current: ReviewSnapshot) => ReviewJudgement,
  ): Promise<JudgedReview | null>
}
