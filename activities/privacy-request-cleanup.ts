/** The steps of `privacy-request-cleanup`, as Temporal calls them. Thin: what they do is in operations/. */
import { PRIVACY_ARCHIVE_AFTER_MS } from '../domain/privacy-request.ts'
import type { PrivacyCleanupDeps } from '../operations/clean-up-privacy.ts'
import { mapFailures } from './errors.ts'
import { privacyCleanupSteps } from './privacy-cleanup.ts'

/** The activities of `privacy-request-cleanup`: requests answered long ago go to the archive. */
export function createPrivacyRequestCleanupActivities(deps: PrivacyCleanupDeps) {
  const { plan, remove, count } = privacyCleanupSteps(deps, PRIVACY_ARCHIVE_AFTER_MS)
  return mapFailures({
    planRequestCleanup: plan,
    archiveRequests: remove,
    countRequests: count,
  })
}

/** Types of the activities, for `proxyActivities`. */
export type PrivacyRequestCleanupActivities = ReturnType<
  typeof createPrivacyRequestCleanupActivities
>
