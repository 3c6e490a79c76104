/**
 * The life of one payout and of its attempts. Money moves only in an attempt; at most one attempt is
 * open at a time, and every attempt has its own idempotency key.
 */

/** The states of a payout; PAYOUT_TRANSITIONS says which follow which. */
export type PayoutState =
  | 'CREATED'
  | 'APPROVED'
  | 'SUBMITTED'
  | 'IN_TRANSIT'
  | 'PAID'
  | 'FAILED'
  | 'RETURNED'
  | 'CANCELLED'

/**
 * The only legal moves. SUBMITTED goes straight to PAID on a rail whose acceptance is final, and back
 * to APPROVED when its attempt is over, nothing moved and another is due;
 * RETURNED follows PAID because a rail may give the money back days later.
 */
export const PAYOUT_TRANSITIONS: Readonly<Record<PayoutState, readonly PayoutState[]>> = {
  CREATED: ['APPROVED', 'CANCELLED'],
  APPROVED: ['SUBMITTED', 'CANCELLED'],
  SUBMITTED: ['IN_TRANSIT', 'PAID', 'FAILED', 'APPROVED'],
  IN_TRANSIT: ['PAID', 'RETURNED'],
  PAID: ['RETURNED'],
  FAILED: ['APPROVED', 'CANCELLED'],
  RETURNED: ['APPROVED', 'CANCELLED'],
  CANCELLED: [],
}

/** Whether a payout may go from one state to the other in one step. */
export function canMovePayout(from: PayoutState, to: PayoutState): boolean {
  return PAYOUT_TRANSITIONS[from].includes(to)
}

/** Whether money of this payout may be with the rail or the payee: cancelling is no longer possible. */
export function isMoneyCommitted(state: PayoutState): boolean {
  return state === 'SUBMITTED' || state === 'IN_TRANSIT' || state === 'PAID'
}

/** How an attempt stands: RETURNED is accepted money that the rail gave back. */
export type AttemptOutcome = 'OPEN' | 'ACCEPTED' | 'DEFINITE_FAIL' | 'UNKNOWN' | 'RETURNED'

/** The only legal moves of an attempt: one answer, for good, but for money that comes back. */
export const ATTEMPT_TRANSITIONS: Readonly<Record<AttemptOutcome, readonly AttemptOutcome[]>> = {
  OPEN: ['ACCEPTED', 'DEFINITE_FAIL', 'UNKNOWN'],
  ACCEPTED: ['RETURNED'],
  DEFINITE_FAIL: [],
  UNKNOWN: [],
  RETURNED: [],
}

/**
 * The idempotency key of a payout's n-th attempt, `po_<payoutId>_<n>`: the same attempt always sends
 * the same key, another attempt never does. Throws RangeError when `n` is not a positive integer.
 */
export function idempotencyKey(payoutId: string, n: number): string {
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`not an attempt number: ${n}`)
  return `po_${payoutId}_${n}`
}
