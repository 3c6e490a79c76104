/** One move of answered requests of persons to the archive, some batches a step. */
import { proxyActivities } from '@temporalio/workflow'

import type { PrivacyRequestCleanupActivities } from '../activities/privacy-request-cleanup.ts'
import type {
  PrivacyRequestCleanupInput,
  PrivacyRequestCleanupResult,
} from '../jobs/privacy-request-cleanup.ts'
import { cleanInSteps } from './shared/clean-in-steps.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

const { planRequestCleanup } = proxyActivities<PrivacyRequestCleanupActivities>(SHORT_STEP)
const { archiveRequests, countRequests } = proxyActivities<PrivacyRequestCleanupActivities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 2 },
})

/** Cleans up. A step that fails ends the run: another try begins where it ended. */
export async function privacyRequestCleanup({
  isDryRun = false,
}: PrivacyRequestCleanupInput): Promise<PrivacyRequestCleanupResult> {
  const startedMs = Date.now()
  const plan = await planRequestCleanup()
  const { before } = plan
  const done = isDryRun
    ? await countRequests(plan)
    : await cleanInSteps(startedMs, () => archiveRequests(plan))
  return { isDryRun, before, ...done }
}
