/** Removes what has had its time, class by class, in bounded batches; or says what it would remove. */
import type { Amount, AgedThings } from '../domain/ports/aged-things.ts'
import type { Clock } from '../domain/ports/clock.ts'
import {
  CLEANUP_BATCH_SIZE,
  RETENTION_DAYS,
  type SettingStore,
} from '../domain/ports/setting-store.ts'
import {
  batchSizeOf,
  planCuts,
  type CleanupPart,
  type RetentionClass,
  type RetentionCut,
} from '../domain/retention.ts'

/** What a cleanup works over. */
export type CleanUpDeps = {
  readonly aged: Readonly<Record<RetentionClass, AgedThings>>
  readonly settingStore: Pick<SettingStore, 'read'>
  /** Of what happened in the book. */
  readonly clock: Clock
  /** Of what the platform wrote. */
  readonly wallClock: Clock
}

/** What a run goes through: the moments stay the same for all of its steps. */
export type CleanupPlan = { readonly batchSize: number; readonly cuts: readonly RetentionCut[] }

/** What was asked for; absent: everything, by each class's own age. */
export type CleanupRequest = {
  readonly what?: readonly CleanupPart[] | undefined
  readonly olderThanDays?: number | undefined
}

/** What one step did of a class. */
export type CleanedUp = Amount & {
  /** False when more is left. */
  readonly isComplete: boolean
}

/** Reads settings and clocks once. */
export async function planCleanup(
  { settingStore, clock, wallClock }: Omit<CleanUpDeps, 'aged'>,
  request: CleanupRequest,
): Promise<CleanupPlan> {
  const now = { business: await clock.now(), wall: await wallClock.now() }
  return {
    batchSize: batchSizeOf(await settingStore.read(CLEANUP_BATCH_SIZE)),
    cuts: planCuts(request, await settingStore.read(RETENTION_DAYS), now),
  }
}

/** What of a class would go. */
export async function countAged(
  { aged }: Pick<CleanUpDeps, 'aged'>,
  { class: name, before }: RetentionCut,
): Promise<CleanedUp> {
  return { ...(await aged[name].count(before)), isComplete: true }
}

/**
 * Removes at most `maxBatches` batches of a class. Safe to repeat and to interrupt anywhere: each batch
 * is whole or not at all, and what is gone is not counted again.
 */
export async function cleanUp(
  { aged }: Pick<CleanUpDeps, 'aged'>,
  { class: name, before, batchSize }: RetentionCut & { readonly batchSize: number },
  options: {
    readonly maxBatches: number
    /** Checked between batches; what was removed stays removed. */
    readonly signal?: AbortSignal
    readonly onProgress?: (items: number) => void
  },
): Promise<CleanedUp> {
  let items = 0
  let bytes = 0
  for (let batch = 0; batch < options.maxBatches; batch += 1) {
    options.signal?.throwIfAborted()
    const removed = await aged[name].removeBatch(before, batchSize)
    items += removed.items
    bytes += removed.bytes
    options.onProgress?.(items)
    const hasMore = removed.hasMore ?? removed.items === batchSize
    if (!hasMore) return { items, bytes, isComplete: true }
  }
  return { items, bytes, isComplete: false }
}
