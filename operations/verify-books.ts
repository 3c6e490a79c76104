/** Checks the whole book against its invariants. */
import type { Clock } from '../domain/ports/clock.ts'
import type { BookBreak, LedgerStore } from '../domain/ports/ledger-store.ts'
import { coverageRequest } from './check-coverage.ts'

/** Breaks of each kind that are listed; the first ones say what is wrong. */
export const BREAKS_LISTED = 100

/**
 * Reads everything in one snapshot, so payouts under way are no breaks. An empty list: all holds. With
 * a clock it is also checked that every watched leg is answered for in time, or has an incident.
 */
export async function verifyBooks(
  deps: { readonly ledgerStore: Pick<LedgerStore, 'findBreaks'>; readonly clock?: Clock },
  input: { readonly limit?: number } = {},
): Promise<{ breaks: BookBreak[] }> {
  const coverage = deps.clock === undefined ? undefined : coverageRequest(await deps.clock.now())
  return { breaks: await deps.ledgerStore.findBreaks(input.limit ?? BREAKS_LISTED, coverage) }
}
