/** Figures of every hour. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'
import { measuredFields, periodField } from './periods.ts'

/** Which hour; all that are missing when none is named. */
export const hourlyMetricsInput = z.strictObject({ period: periodField('hour') })

/** What was measured. */
export const hourlyMetricsResult = z.strictObject(measuredFields)

export type HourlyMetricsInput = z.output<typeof hourlyMetricsInput>
export type HourlyMetricsResult = z.output<typeof hourlyMetricsResult>

export const hourlyMetrics = defineJob({
  name: 'hourly-metrics',
  summary: 'Measures what each hour brought: losses, exposure, delays, jobs, calls',
  description:
    'Measures every hour that has ended and is missing, newest first, and those about which something was ' +
    'written afterwards: losses against premiums and expectation, delays, payouts, exposure, coverage, ' +
    "latencies and cases in the book's time; runs of jobs, dead letters and calls of services in wall " +
    'time. The same figures again change nothing; other ones replace the kept ones and are told.',
  input: hourlyMetricsInput,
  result: hourlyMetricsResult,
  schedule: {
    kind: 'interval',
    everyMs: HOUR_MS,
    catchUpMs: 30 * MINUTE_MS,
    overlap: 'skip',
    input: {},
  },
  queue: 'reports',
  priority: 'LOW',
  retry: { attempts: 2 },
  timeoutMs: 15 * MINUTE_MS,
  workflowKey: ({ period }) => period ?? 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 5 * MINUTE_MS, freshnessMs: 3 * HOUR_MS },
  owner: 'finance',
  alerts: ['failed'],
  histories: ['caught-up', 'two-steps', 'step-retried'],
})
