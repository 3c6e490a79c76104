/** The ledger's payouts against the payment rail's transfers: classes, margins and totals. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from './time.ts'

/** What is wrong between ledger and rail; each is a review case. */
export type ReconciliationBreak =
  /** Paid in the ledger, and the rail does not list the transfer. */
  | 'MISSING_AT_PROVIDER'
  /** Money left the rail that the ledger does not know of: the gravest. */
  | 'MISSING_IN_LEDGER'
  | 'AMOUNT_DIFF'
  | 'CCY_DIFF'
  /** A second transfer of one payout. */
  | 'DUPLICATE'
  /** Came back at the rail, and the payout is still paid. */
  | 'RETURNED'
  /** Sent, and longer than STALE_AFTER_MS without an end. */
  | 'STALE'

/** All classes of breaks, the gravest first. */
export const RECONCILIATION_BREAKS: readonly ReconciliationBreak[] = [
  'MISSING_IN_LEDGER',
  'DUPLICATE',
  'CCY_DIFF',
  'AMOUNT_DIFF',
  'RETURNED',
  'MISSING_AT_PROVIDER',
  'STALE',
]

/** Each run looks so far back before the last one's end: rails list late, and answers come late. */
export const OVERLAP_MS = 3 * DAY_MS

/** However long an attempt stays open, a run looks no further back than this before the last one. */
export const LOOK_BACK_MS = 30 * DAY_MS

/** The rail's clock may be so far off ours. */
export const CLOCK_SKEW_MS = HOUR_MS

/** A transfer answered for just now need not be in the rail's list yet. */
export const LIST_LAG_MS = 10 * MINUTE_MS

/** A payout sent longer ago than this has no business being in flight. */
export const STALE_AFTER_MS = DAY_MS

/** Control totals of one currency: pairs that must be equal. Minor units as decimal text. */
export type ControlTotals = {
  readonly currency: string
  /** All that the rail listed, and what of it the ledger agrees with. */
  readonly listedMinor: string
  readonly matchedMinor: string
  /** Ledger account of money at the rail; payouts sent and not ended. */
  readonly inFlightMinor: string
  readonly submittedMinor: string
  /** Ledger accounts of money owed; payouts owed and not sent. */
  readonly payableMinor: string
  readonly unpaidMinor: string
  /** Ledger accounts of escrow; reservations outstanding. */
  readonly escrowMinor: string
  readonly exposureMinor: string
}

/** Whether the ledger's accounts hold what payouts and reservations say, in every currency. */
export function areBalanced(totals: readonly ControlTotals[]): boolean {
  return totals.every(
    (one) =>
      one.inFlightMinor === one.submittedMinor &&
      one.payableMinor === one.unpaidMinor &&
      one.escrowMinor === one.exposureMinor,
  )
}
