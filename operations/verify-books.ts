/** Checks the whole book against its invariants. */
import type { BookBreak, LedgerStore } from '../domain/ports/ledger-store.ts'

/** Breaks of each kind that are listed; the first ones say what is wrong. */
const BREAKS_LISTED = 100

/** Reads everything in one snapshot, so payouts under way are no breaks. An empty list: all holds. */
export async function verifyBooks(
  deps: { readonly ledgerStore: LedgerStore },
  input: { readonly limit?: number } = {},
): Promise<{ breaks: BookBreak[] }> {
  return { breaks: await deps.ledgerStore.findBreaks(input.limit ?? BREAKS_LISTED) }
}
