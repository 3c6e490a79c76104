/** The daily end of copies of persons' data, and the daily look at requests that are open. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Whether in earnest. */
export const privacyExportCleanupInput = z.strictObject({
  isDryRun: z.boolean().optional().meta({
    description: 'Only counts what would go, and looks after nothing. Absent: no.',
  }),
})

/** What went, and what is open. */
export const privacyExportCleanupResult = z.strictObject({
  isDryRun: z.boolean(),
  before: z.string().meta({ description: 'Files last written before this moment went.' }),
  items: count.meta({ description: 'Files that went; in a dry run, would go.' }),
  bytes: count,
  isComplete: z.boolean().meta({ description: 'False: time was up, the next run goes on.' }),
  open: count.meta({ description: 'Requests that are not answered.' }),
  dueSoon: count.meta({ description: 'Those of them due within a week.' }),
  overdue: count.meta({ description: 'Those of them past their month.' }),
})

export type PrivacyExportCleanupInput = z.output<typeof privacyExportCleanupInput>
export type PrivacyExportCleanupResult = z.output<typeof privacyExportCleanupResult>

export const privacyExportCleanup = defineJob({
  name: 'privacy-export-cleanup',
  summary: "Removes copies of persons' data after 7 days, and looks after open requests",
  description:
    'Files of the exports folder that were written more than 7 days ago go, links to them open nothing any ' +
    'more. Every open request gets its run if it has none; what is due within a week or overdue is told to ' +
    'operators.',
  input: privacyExportCleanupInput,
  result: privacyExportCleanupResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ hour: 2 }],
    timezone: 'UTC',
    overlap: 'skip',
    catchUpMs: 6 * HOUR_MS,
    input: {},
  },
  queue: 'maintenance',
  priority: 'LOW',
  retry: { attempts: 3 },
  timeoutMs: 10 * MINUTE_MS,
  workflowKey: ({ isDryRun }) => (isDryRun === true ? 'dry-run' : 'all'),
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 5 * MINUTE_MS, freshnessMs: 50 * HOUR_MS },
  owner: 'operations',
  alerts: ['failed', 'late'],
  histories: ['some-aged', 'dry-run', 'two-steps', 'step-retried'],
})
