/** The ledger as the books' checker and the dashboards read it. Transactions are posted by the stores that cause them. */

/** Something in the book that must not be. */
export type BookBreak = {
  /** Which invariant: `I1` ... `I6`, `I9`, `LEDGER`. */
  readonly invariant: string
  /** What it is about: `policy:<id>`, `payout:<id>`, `account:<name>`, `leg:<key>`. */
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
  /** Checks every invariant over the whole book in one snapshot; at most `limit` breaks of each. */
  findBreaks(limit: number): Promise<BookBreak[]>
  /** Totals by kind of account: the text before the first `:` (`payout:in_flight:<rail>` whole). */
  readTotals(): Promise<AccountBalance[]>
}
