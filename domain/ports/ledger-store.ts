/** The ledger as the books' checker and the dashboards read it. Transactions are posted by the stores that cause them. */
import type { CoverageRequest } from './leg-store.ts'

/** Something in the book that must not be. */
export type BookBreak = {
  /** Which invariant: `I1` ... `I10`, `LEDGER`, `AUDIT`. */
  readonly invariant: string
  /** What it is about: `policy:<id>`, `payout:<id>`, `leg:<id or key>`, `account:<name>`, `audit:<seq>`. */
  readonly subject: string
  readonly detail: string
}

/** Balance of one account in one currency: what came in less what went out. */
export type AccountBalance = {
  readonly account: string
  readonly currency: string
  /** Decimal text: totals may pass 2^53. */
  readonly balanceMinor: string
}

/** Reads the books and checks them. */
export interface LedgerStore {
  /**
   * Checks every invariant over the whole book in one snapshot; at most `limit` breaks of each check.
   * Whether legs are answered for in time is checked only when `coverage` says what that is.
   */
  findBreaks(limit: number, coverage?: CoverageRequest): Promise<BookBreak[]>
  /** Totals by kind of account: the text before the first `:` (`payout:in_flight:<rail>` whole). */
  readTotals(): Promise<AccountBalance[]>
}
