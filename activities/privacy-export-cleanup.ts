/** The steps of `privacy-export-cleanup`, as Temporal calls them. Thin: what they do is in operations/. */
import { EXPORT_KEPT_MS } from '../domain/privacy-request.ts'
import {
  cleanUpPrivacy,
  countPrivacy,
  planPrivacyCleanup,
  type PrivacyCleanupDeps,
  type PrivacyCleanupPlan,
} from '../operations/clean-up-privacy.ts'
import type { CleanedUp } from '../operations/remove-aged.ts'
import {
  tendPrivacyRequests,
  type TendedRequests,
  type TendPrivacyDeps,
} from '../operations/tend-privacy-requests.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Batches of one step: some seconds of work, so that a lost worker costs little. */
const BATCHES_PER_STEP = 20

/** The activities of `privacy-export-cleanup`. May be repeated: what is gone is gone. */
export function createPrivacyExportCleanupActivities(deps: PrivacyCleanupDeps & TendPrivacyDeps) {
  return mapFailures({
    /** Before which moment files go. */
    planExportCleanup: (): Promise<PrivacyCleanupPlan> => planPrivacyCleanup(deps, EXPORT_KEPT_MS),
    /** Removes the next batches of files. Repeated, it counts only what was left to do. */
    async removeExports(plan: PrivacyCleanupPlan): Promise<CleanedUp> {
      using heartbeats = startHeartbeats()
      return await cleanUpPrivacy(deps, plan, {
        maxBatches: BATCHES_PER_STEP,
        signal: heartbeats.signal,
        onProgress: (items) => heartbeats.onProgress(items, items),
      })
    },
    /** Counts what would go. */
    countExports: (plan: PrivacyCleanupPlan): Promise<CleanedUp> => countPrivacy(deps, plan),
    /** Starts runs that are missing, and tells what is due. */
    async tendRequests(): Promise<TendedRequests> {
      using heartbeats = startHeartbeats()
      return await tendPrivacyRequests(deps, heartbeats.signal)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type PrivacyExportCleanupActivities = ReturnType<typeof createPrivacyExportCleanupActivities>
