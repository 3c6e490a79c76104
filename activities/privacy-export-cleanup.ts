/** The steps of `privacy-export-cleanup`, as Temporal calls them. Thin: what they do is in operations/. */
import { EXPORT_KEPT_MS } from '../domain/privacy-request.ts'
import type { PrivacyCleanupDeps } from '../operations/clean-up-privacy.ts'
import {
  tendPrivacyRequests,
  type TendedRequests,
  type TendPrivacyDeps,
} from '../operations/tend-privacy-requests.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'
import { privacyCleanupSteps } from './privacy-cleanup.ts'

/** The activities of `privacy-export-cleanup`: files of copies go, open requests are looked after. */
export function createPrivacyExportCleanupActivities(deps: PrivacyCleanupDeps & TendPrivacyDeps) {
  const { plan, remove, count } = privacyCleanupSteps(deps, EXPORT_KEPT_MS)
  return mapFailures({
    planExportCleanup: plan,
    removeExports: remove,
    countExports: count,
    /** Starts runs that are missing, and tells what is due. */
    async tendRequests(): Promise<TendedRequests> {
      using heartbeats = startHeartbeats()
      return await tendPrivacyRequests(deps, heartbeats.signal)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type PrivacyExportCleanupActivities = ReturnType<typeof createPrivacyExportCleanupActivities>
