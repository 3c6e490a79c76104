/** The ledger for people: accounts with what they hold, and one account's statement. */
import type { Instant } from '../time.ts'
import type { Page, PageRequest } from './page.ts'

/** What an account holds in one currency, added up from its postings. */
export type HeldBalance = {
  readonly currency: string
  /** What came in less what went out; decimal text. */
  readonly balanceMinor: string
}

/** One account. */
export type LedgerAccount = {
  readonly account: string
  readonly balances: readonly HeldBalance[]
}

/** One posting as the account sees it. */
export type StatementLine = {
  readonly postingId: number
  readonly ref: string
  readonly kind: string
  readonly effectiveAt: Instant
  /** The account on the other side. */
  readonly counterparty: string
  /** Positive came in, negative went out. */
  readonly amountMinor: number
  readonly currency: string
  /** What the account held in the currency afterwards; decimal text. */
  readonly balanceMinor: string
}

/** Reads accounts. */
export interface LedgerReads {
  /**
   * Accounts by name; `kind` is the text before the first `:` (`pool`, `escrow`). Throws
   * PageCursorError.
   */
  accounts(
    filter: { readonly kind?: string | undefined },
    page: PageRequest,
  ): Promise<Page<LedgerAccount>>
  /** The newest posting first; an account without one has an empty statement. Throws PageCursorError. */
  statement(account: string, page: PageRequest): Promise<Page<StatementLine>>
}
