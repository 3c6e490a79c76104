/** Figures of every month, for those who answer for them. */
import { z } from 'zod'

import { DAY_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'
import { QUEUE_ATTEMPTS } from './job-environments.ts'
import { measuredFields, periodField, writtenReport } from './periods.ts'

/** Which month; all that are missing when none is named. */
export const executiveSummaryInput = z.strictObject({ period: periodField('month') })

/** What was measured and written. */
export const executiveSummaryResult = z.strictObject({
  ...measuredFields,
  reports: z.array(writtenReport).meta({
    description:
      'The named or last month and those that were corrected, as far as there is a book.',
  }),
})

export type ExecutiveSummaryInput = z.output<typeof executiveSummaryInput>
export type ExecutiveSummaryResult = z.output<typeof executiveSummaryResult>

export const executiveSummary = defineJob({
  name: 'executive-summary',
  summary: 'Measures and renders each month: losses, exposure, payouts, services, jobs',
  description:
    'Measures every month that has ended and is missing, and those about which something was written ' +
    'afterwards. Renders the last one, and corrected ones, as a page with charts and as CSV files beside ' +
    'the twelve before, and tells operators its main figures once.',
  input: executiveSummaryInput,
  result: executiveSummaryResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ dayOfMonth: 1, hour: 2 }],
    timezone: 'UTC',
    overlap: 'skip',
    spread: '10 minutes',
    catchUpMs: 5 * DAY_MS,
    input: {},
  },
  queue: 'reports',
  priority: 'LOW',
  retry: { attempts: QUEUE_ATTEMPTS.reports },
  timeoutMs: 30 * MINUTE_MS,
  workflowKey: ({ period }) => period ?? 'all',
  // A month's figures are told when its last day's are known.
  after: ['daily-analytics'],
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  // Nobody reads the reports of a rehearsal.
  environments: { staging: 'by-hand' },
  onExhausted: 'fail',
  slo: { durationMs: 10 * MINUTE_MS, freshnessMs: 33 * DAY_MS },
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
