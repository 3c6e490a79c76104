/** Removes what has had its time of requests of persons: files of copies, answered requests. */
import type { AgedThings } from '../domain/ports/aged-things.ts'
import { CLEANUP_BATCH_SIZE, type SettingStore } from '../domain/ports/setting-store.ts'
import { batchSizeOf } from '../domain/retention.ts'
import { addMs, type Instant } from '../domain/time.ts'
import { removeAged, type CleanedUp, type RemovalOptions } from './remove-aged.ts'

/** What a cleanup works over. */
export type PrivacyCleanupDeps = {
  readonly aged: AgedThings
  readonly settingStore: Pick<SettingStore, 'read'>
  readonly wallNow: () => Instant
}

/** What a run goes by: the moment stays the same for all of its steps. */
export type PrivacyCleanupPlan = { readonly before: Instant; readonly batchSize: number }

/** Reads setting and clock once. */
export async function planPrivacyCleanup(
  { settingStore, wallNow }: Pick<PrivacyCleanupDeps, 'settingStore' | 'wallNow'>,
  keptMs: number,
): Promise<PrivacyCleanupPlan> {
  return {
    before: addMs(wallNow(), -keptMs),
    batchSize: batchSizeOf(await settingStore.read(CLEANUP_BATCH_SIZE)),
  }
}

/** What would go. */
export async function countPrivacy(
  { aged }: Pick<PrivacyCleanupDeps, 'aged'>,
  { before }: PrivacyCleanupPlan,
): Promise<CleanedUp> {
  return { ...(await aged.count(before)), isComplete: true }
}

/** Removes the next batches. Safe to repeat and to interrupt anywhere. */
export function cleanUpPrivacy(
  { aged }: Pick<PrivacyCleanupDeps, 'aged'>,
  plan: PrivacyCleanupPlan,
  options: RemovalOptions,
): Promise<CleanedUp> {
  return removeAged(aged, plan, options)
}
