/** The order of steps of `executive-summary`. */
import { proxyActivities } from '@temporalio/workflow'

import type { ExecutiveSummaryActivities } from '../activities/executive-summary.ts'
import type { ExecutiveSummaryInput, ExecutiveSummaryResult } from '../jobs/executive-summary.ts'
import { measureAndReport } from './shared/measuring.ts'
import { LONG_STEP } from './shared/steps.ts'

const { measureMonths, writeMonth } = proxyActivities<ExecutiveSummaryActivities>(LONG_STEP)

/** Returns what was measured and which reports were written. */
export async function executiveSummary(
  input: ExecutiveSummaryInput,
): Promise<ExecutiveSummaryResult> {
  return measureAndReport({ measure: measureMonths, write: writeMonth }, input)
}
