/** Forgets proofs of possession that have expired, in bounded batches. */
import type { ProofStore } from '../domain/ports/proof-store.ts'

/** Some milliseconds of locks. */
const BATCH_SIZE = 1_000
/** 100,000 a minute are 1,600 requests a second; what is over is left to the next run. */
const MAX_BATCHES = 100

/** Removes them. Safe to repeat and to interrupt anywhere. */
export async function forgetProofs(
  { proofs }: { readonly proofs: Pick<ProofStore, 'removeExpired'> },
  options: { readonly signal?: AbortSignal; readonly onProgress?: (removed: number) => void } = {},
): Promise<{ readonly removed: number; readonly isComplete: boolean }> {
  let removed = 0
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    options.signal?.throwIfAborted()
    const gone = await proofs.removeExpired(BATCH_SIZE)
    removed += gone
    options.onProgress?.(removed)
    if (gone < BATCH_SIZE) return { removed, isComplete: true }
  }
  return { removed, isComplete: false }
}
