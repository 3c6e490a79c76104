/** Removes what has had its time, class by class, in bounded batches; or says what it would remove. */
import type { AgedThings } from '../domain/ports/aged-things.ts'
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
import { removeAged, type CleanedUp, type RemovalOptions } from './remove-aged.ts'

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

/** Removes the next batches of a class. Safe to repeat and to interrupt anywhere. */
export function cleanUp(
  { aged }: Pick<CleanUpDeps, 'aged'>,
  cut: RetentionCut & { readonly batchSize: number },
  options: RemovalOptions,
): Promise<CleanedUp> {
  return removeAged(aged[cut.class], cut, options)
}
