/** Where policies whose cover has ended are found and carried to their end. */
import type { CurrencyTotal } from '../expiry.ts'
import type { Instant } from '../time.ts'

/** A place in the order of (end of cover, policy). */
export type ExpiryPlace = { readonly coverEnd: Instant; readonly policyId: string }

/** One page of policies whose cover has ended and that are still watched. */
export type ExpiryPage = {
  /** Policies after this place; null for the first page. */
  readonly after: ExpiryPlace | null
  readonly limit: number
  readonly now: Instant
}

/** What came of one page; every policy of it is in exactly one of the counts. */
export type ExpiredPage = {
  /** Settled no-pays, now EXPIRED with their reservation released. */
  readonly expired: number
  readonly released: readonly CurrencyTotal[]
  /** Without a settled fact long after cover ended: now IN_REVIEW. */
  readonly inReview: number
  /** Settled, but a review, a payout or another policy's open evidence stands in the way. */
  readonly held: number
  /** Without a settled fact; the monitor still has the word. */
  readonly waiting: number
  /** Without a settled fact though the leg was asked after cover ended: to be decided now. */
  readonly overdue: number
  readonly overdueLegIds: readonly string[]
  /** The earliest end of cover among those that stay open. */
  readonly oldestOpen: Instant | null
  /** The last policy of a full page; null when nothing is left. */
  readonly next: ExpiryPlace | null
}

/** Carries policies to EXPIRED or to people, set-based. */
export interface ExpiryStore {
  /**
   * Expires or hands over one page in one transaction: state, escrow, ledger, pool, the legs' counts
   * and one review case a leg. A policy moved by others meanwhile is passed over, so that it may be
   * repeated and run at once from many processes.
   */
  expirePage(page: ExpiryPage): Promise<ExpiredPage>
  /**
   * Closes at most `limit` paid or expired policies whose cover ended by `coverEndBy`: their reservation and
   * payouts are at their end, no case is open, nobody is still to be told. Returns how many.
   */
  closePolicies(page: { readonly coverEndBy: Instant; readonly limit: number }): Promise<number>
  /** Every policy whose cover ended before `position` is known to be done; later runs begin there. */
  writeCursor(position: Instant): Promise<void>
}
