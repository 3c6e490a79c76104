/** The life of a review case: its states and the legal moves between them. */

/** The states of a case; REVIEW_TRANSITIONS says which follow which. */
export type ReviewState = 'OPEN' | 'CLAIMED' | 'ESCALATED' | 'RESOLVED'

/** The only legal moves. A resolved case is never opened again: a new one is. */
export const REVIEW_TRANSITIONS: Readonly<Record<ReviewState, readonly ReviewState[]>> = {
  OPEN: ['CLAIMED', 'ESCALATED', 'RESOLVED'],
  CLAIMED: ['OPEN', 'ESCALATED', 'RESOLVED'],
  ESCALATED: ['CLAIMED', 'RESOLVED'],
  RESOLVED: [],
}

/** Whether a case may go from one state to the other in one step. */
export function canMoveReview(from: ReviewState, to: ReviewState): boolean {
  return REVIEW_TRANSITIONS[from].includes(to)
}

/** How a case ended. */
export type ReviewResolution =
  // By a person.
  | 'PAID'
  | 'DENIED'
  | 'PAYOUT_RETRIED'
  | 'PAYOUT_CANCELLED'
  | 'ACKNOWLEDGED'
  // By itself.
  | 'DECIDED_BY_DATA'
  | 'PAYOUT_SETTLED'
  | 'REASON_GONE'
