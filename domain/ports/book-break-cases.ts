/** Breaks of the book's invariants as review cases. */
import type { Instant } from '../time.ts'
import type { BookBreak } from './ledger-store.ts'

/** Tells people of breaks, and stops telling when they are mended. */
export interface BookBreakCases {
  /** Opens a case `BOOK_BREAK` for each subject that has none open. Returns how many are new. */
  open(breaks: readonly BookBreak[], at: Instant): Promise<number>
  /**
   * Closes the open cases whose subject is not among those that break now. `invariants`: those that
   * were checked to the end, and only their cases. Returns how many.
   */
  closeMended(
    breaks: readonly BookBreak[],
    invariants: readonly string[],
    at: Instant,
  ): Promise<number>
}
