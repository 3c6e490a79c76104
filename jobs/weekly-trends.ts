/** Figures of every week, and how they went on. */
import { z } from 'zod'

import { DAY_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'
import { QUEUE_ATTEMPTS } from './job-environments.ts'
import { measuredFields, periodField, writtenReport } from './periods.ts'

/** Which week; all that are missing when none is named. */
export const weeklyTrendsInput = z.strictObject({ period: periodField('week') })

/** What was measured and written. */
export const weeklyTrendsResult = z.strictObject({
  ...measuredFields,
  reports: z.array(writtenReport).meta({
    description: 'The named or last week and those that were corrected, as far as there is a book.',
  }),
})

export type WeeklyTrendsInput = z.output<typeof weeklyTrendsInput>
export type WeeklyTrendsResult = z.output<typeof weeklyTrendsResult>

export const weeklyTrends = defineJob({
  name: 'weekly-trends',
  summary: 'Measures and renders each week, Sunday to Saturday, beside the weeks before',
  description:
    'Measures every week that has ended and is missing, and those about which something was written ' +
    'afterwards. Renders the last one, and corrected ones, as a page with charts and as CSV files beside ' +
    'the twelve before, and tells operators its main figures once.',
  input: weeklyTrendsInput,
  result: weeklyTrendsResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ dayOfWeek: 0, hour: 1 }],
    timezone: 'UTC',
    overlap: 'skip',
    catchUpMs: 2 * DAY_MS,
    input: {},
  },
  queue: 'reports',
  priority: 'LOW',
  retry: { attempts: QUEUE_ATTEMPTS.reports },
  timeoutMs: 30 * MINUTE_MS,
  workflowKey: ({ period }) => period ?? 'all',
  // A week's figures are told when its last day's are known.
  after: ['daily-analytics'],
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  // Nobody reads the reports of a rehearsal.
  environments: { staging: 'by-hand' },
  onExhausted: 'fail',
  slo: { durationMs: 10 * MINUTE_MS, freshnessMs: 9 * DAY_MS },
  owner: 'finance',
  alerts: ['failed'],
  histories: [
    'written',
    'corrected',
    'empty-book',
    'step-retried',
    'scheduled',
    'waited',
    'dependency-failed',
  ],
})
