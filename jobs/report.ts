/** Files about a month: what was used, who did what, how well it went. */
import { z } from 'zod'

import { NAMED_REPORTS } from '../domain/reports/reports.ts'
import { DAY_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'
import { QUEUE_ATTEMPTS } from './job-environments.ts'
import { periodField, writtenReport } from './periods.ts'

/** Which reports, of which month. */
export const reportInput = z.strictObject({
  what: z.array(z.enum(NAMED_REPORTS)).min(1).max(NAMED_REPORTS.length).optional().meta({
    description: 'Reports to write. Absent: all of them.',
  }),
  period: periodField('month').meta({
    description: 'The month, as 2013-02. Absent: the last one that has ended in business time.',
  }),
})

/** What was written. */
export const reportResult = z.strictObject({
  period: z.string(),
  reports: z.array(writtenReport),
})

export type ReportInput = z.output<typeof reportInput>
export type ReportResult = z.output<typeof reportResult>

export const report = defineJob({
  name: 'report',
  summary: 'Writes usage, audit and performance of a month as files to download',
  description:
    'Usage: policies, quotes, losses, payouts, messages, calls and runs. Audit: who changed what, every ' +
    'event with its place in the chain. Performance: how long decisions and payouts took, coverage, runs, ' +
    'dead letters. A page with charts, a CSV file for each section and a manifest with checksums. The same ' +
    'month again is the same files; a report that fails does not keep the others from being written.',
  input: reportInput,
  result: reportResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ dayOfMonth: 1, hour: 0 }],
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
  workflowKey: ({ period }) => period ?? 'last',
  // Joined, a start for other reports of the month would be none.
  onConflict: { whileOpen: 'queue', afterClose: 'again', waitingAtMost: 10 },
  // Each reads a month of the book: somebody who asks for years of them leaves room for others.
  limits: { concurrent: 2, perMinute: 30 },
  // Nobody reads the reports of a rehearsal.
  environments: { staging: 'by-hand' },
  onExhausted: 'fail',
  slo: { durationMs: 10 * MINUTE_MS, freshnessMs: 33 * DAY_MS },
  owner: 'finance',
  alerts: ['failed'],
  histories: ['all-three', 'one-of-a-month', 'step-retried', 'waited-its-turn'],
})
