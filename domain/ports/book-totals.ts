/** Totals of the whole book, for gauges. */
import type { Instant } from '../time.ts'

/** Counts and sums over the whole book at one moment. */
export type BookTotals = {
  readonly policiesByState: Readonly<Record<string, number>>
  readonly payoutsByState: Readonly<Record<string, number>>
  /** Legs with undecided policies. */
  readonly legsUndecided: number
  /** Those of them that leave before `windowUntil`, or have left. */
  readonly legsInWindow: number
  readonly coverageIncidentsOpen: number
  /** Open review cases by what they are about: leg, policy, payout. */
  readonly reviewCasesBySubject: Readonly<Record<string, number>>
  readonly balances: readonly {
    readonly account: string
    readonly currency: string
    /** As text: a pool may hold more than a safe integer. */
    readonly balanceMinor: string
  }[]
}

/** Totals of the book for metrics. */
export interface BookTotalsStore {
  /** Counted now: a full pass over the policies, so not to be asked more often than a scrape. */
  read(windowUntil: Instant): Promise<BookTotals>
}
