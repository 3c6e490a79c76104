/** Figures of every day. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'
import { QUEUE_ATTEMPTS } from './job-environments.ts'
import { measuredFields, periodField } from './periods.ts'

/** Which day; all that are missing when none is named. */
export const dailyAnalyticsInput = z.strictObject({ period: periodField('day') })

/** What was measured. */
export const dailyAnalyticsResult = z.strictObject(measuredFields)

export type DailyAnalyticsInput = z.output<typeof dailyAnalyticsInput>
export type DailyAnalyticsResult = z.output<typeof dailyAnalyticsResult>

export const dailyAnalytics = defineJob({
  name: 'daily-analytics',
  summary: 'Measures what each day brought, by product, carrier, airport and job',
  description:
    'Measures every day that has ended and is missing, newest first, and those about which something was ' +
    'written afterwards: losses against premiums and expectation, delays, payouts, exposure, coverage, ' +
    "latencies and cases in the book's time; runs of jobs, dead letters and calls of services in wall " +
    'time. The same figures again change nothing; other ones replace the kept ones and are told.',
  input: dailyAnalyticsInput,
  result: dailyAnalyticsResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ hour: 0 }],
    timezone: 'UTC',
    catchUpMs: 12 * HOUR_MS,
    overlap: 'skip',
    input: {},
  },
  queue: 'reports',
  priority: 'LOW',
  retry: { attempts: QUEUE_ATTEMPTS.reports },
  timeoutMs: 15 * MINUTE_MS,
  workflowKey: ({ period }) => period ?? 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 5 * MINUTE_MS, freshnessMs: 26 * HOUR_MS },
  owner: 'finance',
  alerts: ['failed'],
  histories: ['caught-up', 'two-steps', 'step-retried'],
})
