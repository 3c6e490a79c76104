/** One move of answered requests of persons to the archive, some batches a step. */
import { proxyActivities } from '@temporalio/workflow'

import type { PrivacyRequestCleanupActivities } from '../activities/privacy-request-cleanup.ts'
import type {
  PrivacyRequestCleanupInput,
  PrivacyRequestCleanupResult,
} from '../jobs/privacy-request-cleanup.ts'
import { cleanUpByPlan, PRIVACY_CLEANUP_STEP } from './shared/privacy-cleanup.ts'
import { SHORT_STEP } from './shared/steps.ts'

const { planRequestCleanup } = proxyActivities<PrivacyRequestCleanupActivities>(SHORT_STEP)
const { archiveRequests, countRequests } =
  proxyActivities<PrivacyRequestCleanupActivities>(PRIVACY_CLEANUP_STEP)

/** Cleans up. A step that fails ends the run: another try begins where it ended. */
export async function privacyRequestCleanup({
  isDryRun = false,
}: PrivacyRequestCleanupInput): Promise<PrivacyRequestCleanupResult> {
  return await cleanUpByPlan(isDryRun, {
    plan: planRequestCleanup,
    count: countRequests,
    remove: archiveRequests,
  })
}
