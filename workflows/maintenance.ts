/** One maintenance task over this product's tables: a single long step. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { MaintenanceActivities } from '../activities/maintenance.ts'
import type { MaintenanceInput, MaintenanceResult } from '../jobs/maintenance.ts'
import { STEP_RETRY } from './shared/steps.ts'

const { maintainDatabase } = proxyActivities<MaintenanceActivities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '30 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 3 },
})

/** Runs the task and says which tables were done and which were left alone. */
export async function maintenance(input: MaintenanceInput): Promise<MaintenanceResult> {
  setCurrentDetails(`${input.task} runs`)
  const report = await maintainDatabase(input)
  setCurrentDetails(`${input.task}: ${report.done.length} done, ${report.skipped.length} skipped`)
  return report
}
