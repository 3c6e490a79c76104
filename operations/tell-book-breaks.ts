/** Turns what a verification found into review cases, and closes those of what is mended. */
import type { BookBreakCases } from '../domain/ports/book-break-cases.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { BookBreak } from '../domain/ports/ledger-store.ts'

/** New cases, and those that ended. */
export type ToldBreaks = { readonly casesOpened: number; readonly casesClosed: number }

/**
 * Opens a case for each subject that breaks and has none; closes the open ones of `checked`, the
 * invariants that were looked at to the end, whose subject no longer does. Repeatable.
 */
export async function tellBookBreaks(
  { bookBreakCases, clock }: { readonly bookBreakCases: BookBreakCases; readonly clock: Clock },
  {
    breaks,
    checked,
  }: { readonly breaks: readonly BookBreak[]; readonly checked: readonly string[] },
): Promise<ToldBreaks> {
  const at = await clock.now()
  const casesOpened = breaks.length === 0 ? 0 : await bookBreakCases.open(breaks, at)
  const casesClosed = await bookBreakCases.closeMended(breaks, checked, at)
  return { casesOpened, casesClosed }
}
