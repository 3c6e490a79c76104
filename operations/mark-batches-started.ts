/** Remembers that batches have their payout runs. */
import type { PayoutStore } from '../domain/ports/payout-store.ts'

/**
 * Marks the batches, so that `batchPayouts` no longer returns them. Call it after the runs were
 * started: a crash in between starts them again, which the run's id makes harmless. Repeatable.
 */
export async function markBatchesStarted(
  deps: { readonly payoutStore: PayoutStore },
  input: { readonly batchIds: readonly string[] },
): Promise<{ marked: number }> {
  if (input.batchIds.length === 0) return { marked: 0 }
  return { marked: await deps.payoutStore.markBatchesStarted(input.batchIds) }
}
