/** The steps that both cleanups of requests of persons have: of copies that are old, of requests long answered. */
import {
  cleanUpPrivacy,
  countPrivacy,
  planPrivacyCleanup,
  type PrivacyCleanupDeps,
  type PrivacyCleanupPlan,
} from '../operations/clean-up-privacy.ts'
import type { CleanedUp } from '../operations/remove-aged.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Batches of one step: some seconds of work, so that a lost worker costs little. */
const BATCHES_PER_STEP = 20

/** The steps over what is kept for `keptMs`. May be repeated: what is gone is gone. */
export function privacyCleanupSteps(deps: PrivacyCleanupDeps, keptMs: number) {
  return {
    /** Before which moment things go. */
    plan: (): Promise<PrivacyCleanupPlan> => planPrivacyCleanup(deps, keptMs),
    /** Removes the next batches. Repeated, it counts only what was left to do. */
    remove: async (plan: PrivacyCleanupPlan): Promise<CleanedUp> => {
      using heartbeats = startHeartbeats()
      return await cleanUpPrivacy(deps, plan, {
        maxBatches: BATCHES_PER_STEP,
        signal: heartbeats.signal,
        onProgress: (items) => heartbeats.onProgress(items, items),
      })
    },
    /** Counts what would go. */
    count: (plan: PrivacyCleanupPlan): Promise<CleanedUp> => countPrivacy(deps, plan),
  }
}
