/** Where the payment rail's transfers are laid beside the ledger. */
import type { ControlTotals, ReconciliationBreak } from '../reconciliation.ts'
import type { Instant } from '../time.ts'
import type { Transfer } from './payment-provider.ts'

/** One comparison. */
export type ReconciliationWindow = {
  /** Whose listing it is: a uuid, other for each attempt of a run. */
  readonly runId: string
  readonly provider: string
  /** Attempts begun from here on must be found at the rail. */
  readonly since: Instant
  /** The business clock before the first page was listed. */
  readonly asOf: Instant
}

/** What the comparison found. */
export type Reconciled = {
  readonly listed: number
  readonly matched: number
  /** Transfers that came back, as their payouts know. */
  readonly returned: number
  /** Transfers whose answer the ledger still waits for. */
  readonly inFlight: number
  readonly breaks: Readonly<Record<ReconciliationBreak, number>>
  /** Review cases opened now; a break that was told before opens none. */
  readonly casesOpened: number
  readonly totals: readonly ControlTotals[]
}

/** Lists, compares and remembers how far was compared. */
export interface ReconciliationStore {
  /** From where attempts are to be compared; clears what runs that never ended left behind. */
  findStart(provider: string, now: Instant): Promise<Instant>
  /** Keeps a page of the rail's list. Safe to repeat. */
  saveTransfers(runId: string, transfers: readonly Transfer[]): Promise<void>
  /** How many transfers of a run are kept. */
  countListed(runId: string): Promise<number>
  /**
   * Compares in one statement and opens a review case for each break that has none, at most
   * `casesLimit`, the gravest first. Safe to repeat: a case is opened once for ever.
   */
  compare(window: ReconciliationWindow, casesLimit: number): Promise<Reconciled>
  /** Forgets the listing; the next run begins from `asOf`. Safe to repeat. */
  finish(window: ReconciliationWindow): Promise<void>
}
