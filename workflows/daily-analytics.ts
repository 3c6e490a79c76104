/** The order of steps of `daily-analytics`. */
import { proxyActivities } from '@temporalio/workflow'

import type { DailyAnalyticsActivities } from '../activities/daily-analytics.ts'
import type { DailyAnalyticsInput, DailyAnalyticsResult } from '../jobs/daily-analytics.ts'
import { measureAll } from './shared/measuring.ts'
import { LONG_STEP } from './shared/steps.ts'

const { measureDays } = proxyActivities<DailyAnalyticsActivities>(LONG_STEP)

/** Returns what was measured. */
export async function dailyAnalytics(input: DailyAnalyticsInput): Promise<DailyAnalyticsResult> {
  return measureAll(measureDays, input)
}
