/** Removes what signing in leaves behind, in bounded batches; or says what it would remove. */
import type { AgedThings } from '../domain/ports/aged-things.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { CLEANUP_BATCH_SIZE, type SettingStore } from '../domain/ports/setting-store.ts'
import { batchSizeOf } from '../domain/retention.ts'
import { sessionCuts, type SessionClass, type SessionCut } from '../domain/session-retention.ts'
import { removeAged, type CleanedUp, type RemovalOptions } from './remove-aged.ts'

/** What the cleanup works over. */
export type SessionCleanupDeps = {
  readonly aged: Readonly<Record<SessionClass, AgedThings>>
  /** The sessions of one user. */
  readonly agedOfUser: (userName: string) => AgedThings
  readonly settingStore: Pick<SettingStore, 'read'>
  readonly wallClock: Clock
}

/** What a run goes through: the moments stay the same for all of its steps. */
export type SessionCleanupPlan = {
  readonly batchSize: number
  readonly cuts: readonly SessionCut[]
}

/** Reads setting and clock once. */
export async function planSessionCleanup(
  { settingStore, wallClock }: Pick<SessionCleanupDeps, 'settingStore' | 'wallClock'>,
  userName: string | undefined,
): Promise<SessionCleanupPlan> {
  return {
    batchSize: batchSizeOf(await settingStore.read(CLEANUP_BATCH_SIZE)),
    cuts: sessionCuts(userName, await wallClock.now()),
  }
}

/** What of a class would go. */
export async function countSessions(
  deps: Pick<SessionCleanupDeps, 'aged' | 'agedOfUser'>,
  cut: SessionCut,
): Promise<CleanedUp> {
  return { ...(await thingsOf(deps, cut).count(cut.before)), isComplete: true }
}

/** Removes the next batches of a class. Safe to repeat and to interrupt anywhere. */
export function cleanUpSessions(
  deps: Pick<SessionCleanupDeps, 'aged' | 'agedOfUser'>,
  cut: SessionCut & { readonly batchSize: number },
  options: RemovalOptions,
): Promise<CleanedUp> {
  return removeAged(thingsOf(deps, cut), cut, options)
}

function thingsOf(
  { aged, agedOfUser }: Pick<SessionCleanupDeps, 'aged' | 'agedOfUser'>,
  { class: name, userName }: SessionCut,
): AgedThings {
  return userName === undefined ? aged[name] : agedOfUser(userName)
}
