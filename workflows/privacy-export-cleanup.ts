/** One cleanup of copies of persons' data: files first, then the look at open requests. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { PrivacyExportCleanupActivities } from '../activities/privacy-export-cleanup.ts'
import type {
  PrivacyExportCleanupInput,
  PrivacyExportCleanupResult,
} from '../jobs/privacy-export-cleanup.ts'
import { cleanInSteps } from './shared/clean-in-steps.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

const { planExportCleanup } = proxyActivities<PrivacyExportCleanupActivities>(SHORT_STEP)
const { removeExports, countExports, tendRequests } =
  proxyActivities<PrivacyExportCleanupActivities>({
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '10 seconds',
    retry: { ...STEP_RETRY, maximumAttempts: 2 },
  })

/** Cleans up. A step that fails ends the run: another try begins where it ended. */
export async function privacyExportCleanup({
  isDryRun = false,
}: PrivacyExportCleanupInput): Promise<PrivacyExportCleanupResult> {
  const startedMs = Date.now()
  const plan = await planExportCleanup()
  const { before } = plan
  if (isDryRun) {
    return { isDryRun, before, ...(await countExports(plan)), open: 0, dueSoon: 0, overdue: 0 }
  }
  const removed = await cleanInSteps(startedMs, () => removeExports(plan))
  const tended = await tendRequests()
  const { open, dueSoon, overdue } = tended
  setCurrentDetails(
    [
      `- ${removed.items} files, ${removed.bytes} bytes`,
      `- ${open} open, ${dueSoon} due within a week, **${overdue} overdue**`,
    ].join('\n'),
  )
  return { isDryRun, before, ...removed, ...tended }
}
