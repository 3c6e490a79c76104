/** The order of steps of `hourly-metrics`. */
import { proxyActivities } from '@temporalio/workflow'

import type { HourlyMetricsActivities } from '../activities/hourly-metrics.ts'
import type { HourlyMetricsInput, HourlyMetricsResult } from '../jobs/hourly-metrics.ts'
import { measureAll } from './shared/measuring.ts'
import { LONG_STEP } from './shared/steps.ts'

const { measureHours } = proxyActivities<HourlyMetricsActivities>(LONG_STEP)

/** Returns what was measured. */
export async function hourlyMetrics(input: HourlyMetricsInput): Promise<HourlyMetricsResult> {
  return measureAll(measureHours, input)
}
