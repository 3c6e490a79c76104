/** Removes aged things of one class in batches that are bounded in number and in time. */
import { DEFAULT_BATCH_SIZE, nextBatchSize } from '../domain/retention.ts'
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
  /** Milliseconds since any moment, for how long batches take. */
  readonly monotonicMs?: () => number
}

/**
 * Removes at most `maxBatches` batches of at most `batchSize`; smaller ones where they take long. Safe to repeat and to interrupt anywhere: each batch is whole or
 * not at all, and what is gone is not counted again.
 */
export async function removeAged(
  things: AgedThings,
  { before, batchSize }: { readonly before: Instant; readonly batchSize: number },
  { maxBatches, signal, onProgress, monotonicMs = () => performance.now() }: RemovalOptions,
): Promise<CleanedUp> {
  let items = 0
  let bytes = 0
  let size = Math.min(batchSize, DEFAULT_BATCH_SIZE)
  for (let batch = 0; batch < maxBatches; batch += 1) {
    signal?.throwIfAborted()
    const startedAtMs = monotonicMs()
    const removed = await things.removeBatch(before, size)
    items += removed.items
    bytes += removed.bytes
    onProgress?.(items)
    const hasMore = removed.hasMore ?? removed.items === size
    if (!hasMore) return { items, bytes, isComplete: true }
    size = nextBatchSize(size, monotonicMs() - startedAtMs, batchSize)
  }
  return { items, bytes, isComplete: false }
}
