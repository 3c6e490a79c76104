/** One cleanup of copies of persons' data: files first, then the look at open requests. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { PrivacyExportCleanupActivities } from '../activities/privacy-export-cleanup.ts'
import type {
  PrivacyExportCleanupInput,
  PrivacyExportCleanupResult,
} from '../jobs/privacy-export-cleanup.ts'
import { cleanUpByPlan, PRIVACY_CLEANUP_STEP } from './shared/privacy-cleanup.ts'
import { SHORT_STEP } from './shared/steps.ts'

const { planExportCleanup } = proxyActivities<PrivacyExportCleanupActivities>(SHORT_STEP)
const { removeExports, countExports, tendRequests } =
  proxyActivities<PrivacyExportCleanupActivities>(PRIVACY_CLEANUP_STEP)

/** Cleans up, and in earnest looks after what is open. */
export async function privacyExportCleanup({
  isDryRun = false,
}: PrivacyExportCleanupInput): Promise<PrivacyExportCleanupResult> {
  const cleaned = await cleanUpByPlan(isDryRun, {
    plan: planExportCleanup,
    count: countExports,
    remove: removeExports,
  })
  if (isDryRun) return { ...cleaned, open: 0, dueSoon: 0, overdue: 0 }
  const tended = await tendRequests()
  const { open, dueSoon, overdue } = tended
  setCurrentDetails(
    [
      `- ${cleaned.items} files, ${cleaned.bytes} bytes`,
      `- ${open} open, ${dueSoon} due within a week, **${overdue} overdue**`,
    ].join('\n'),
  )
  return { ...cleaned, ...tended }
}
