/** The steps of `privacy-request-cleanup`, as Temporal calls them. Thin: what they do is in operations/. */
import { PRIVACY_ARCHIVE_AFTER_MS } from '../domain/privacy-request.ts'
import {
  cleanUpPrivacy,
  countPrivacy,
  planPrivacyCleanup,
  type PrivacyCleanupDeps,
  type PrivacyCleanupPlan,
} from '../operations/clean-up-privacy.ts'
import type { CleanedUp } from '../operations/remove-aged.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Batches of one step: some seconds of work, so that a lost worker costs little. */
const BATCHES_PER_STEP = 20

/** The activities of `privacy-request-cleanup`. May be repeated: what is archived is archived. */
export function createPrivacyRequestCleanupActivities(deps: PrivacyCleanupDeps) {
  return mapFailures({
    /** Before which moment answered requests go. */
    planRequestCleanup: (): Promise<PrivacyCleanupPlan> =>
      planPrivacyCleanup(deps, PRIVACY_ARCHIVE_AFTER_MS),
    /** Archives the next batches. Repeated, it counts only what was left to do. */
    async archiveRequests(plan: PrivacyCleanupPlan): Promise<CleanedUp> {
      using heartbeats = startHeartbeats()
      return await cleanUpPrivacy(deps, plan, {
        maxBatches: BATCHES_PER_STEP,
        signal: heartbeats.signal,
        onProgress: (items) => heartbeats.onProgress(items, items),
      })
    },
    /** Counts what would go. */
    countRequests: (plan: PrivacyCleanupPlan): Promise<CleanedUp> => countPrivacy(deps, plan),
  })
}

/** Types of the activities, for `proxyActivities`. */
export type PrivacyRequestCleanupActivities = ReturnType<
  typeof createPrivacyRequestCleanupActivities
>
