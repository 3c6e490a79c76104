/** The order of steps of `weekly-trends`. */
import { proxyActivities } from '@temporalio/workflow'

import type { WeeklyTrendsActivities } from '../activities/weekly-trends.ts'
import type { WeeklyTrendsInput, WeeklyTrendsResult } from '../jobs/weekly-trends.ts'
import { measureAndReport } from './shared/measuring.ts'
import { LONG_STEP } from './shared/steps.ts'

const { measureWeeks, writeWeek } = proxyActivities<WeeklyTrendsActivities>(LONG_STEP)

/** Returns what was measured and which reports were written. */
export async function weeklyTrends(input: WeeklyTrendsInput): Promise<WeeklyTrendsResult> {
  return measureAndReport({ measure: measureWeeks, write: writeWeek }, input)
}
