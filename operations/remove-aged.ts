/** Removes aged things of one class in bounded batches. */
import type { AgedThings, Amount } from '../domain/ports/aged-things.ts'
import type { Instant } from '../domain/time.ts'

/** What one step did of a class. */
export type CleanedUp = Amount & {
  /** False when more is left. */
  readonly isComplete: boolean
}

/** How far one step goes. */
export type RemovalOptions = {
  readonly maxBatches: number
  /** Checked between batches; what was removed stays removed. */
  readonly signal?: AbortSignal
  readonly onProgress?: (items: number) => void
}

/**
 * Removes at most `maxBatches` batches. Safe to repeat and to interrupt anywhere: each batch is whole or
 * not at all, and what is gone is not counted again.
 */
export async function removeAged(
  things: AgedThings,
  { before, batchSize }: { readonly before: Instant; readonly batchSize: number },
  { maxBatches, signal, onProgress }: RemovalOptions,
): Promise<CleanedUp> {
  let items = 0
  let bytes = 0
  for (let batch = 0; batch < maxBatches; batch += 1) {
    signal?.throwIfAborted()
    const removed = await things.removeBatch(before, batchSize)
    items += removed.items
    bytes += removed.bytes
    onProgress?.(items)
    const hasMore = removed.hasMore ?? removed.items === batchSize
    if (!hasMore) return { items, bytes, isComplete: true }
  }
  return { items, bytes, isComplete: false }
}
