/** Cases that wait for a person. */
import type { Instant } from '../time.ts'

/** What a case is about; a control is a day's ceiling or a rail without balance. */
export type ReviewSubject = 'leg' | 'policy' | 'payout' | 'transfer' | 'control'

/** A case to be opened for people. */
export type NewReviewCase = {
  readonly subjectKind: ReviewSubject
  readonly subjectId: string
  /** Stable code, capitals: `PAYOUT_UNSETTLED`. */
  readonly reasonCode: string
  /** Facts for the reviewer; ids and codes, no personal data. */
  readonly details: Readonly<Record<string, unknown>>
  readonly openedAt: Instant
}

/** Cases that wait for people. */
export interface ReviewStore {
  /**
   * Opens the case, or finds the one that is open for the same subject and reason. Safe to repeat and
   * to call at once from many processes.
   */
  open(newCase: NewReviewCase): Promise<{ caseId: string; isNew: boolean }>
}
