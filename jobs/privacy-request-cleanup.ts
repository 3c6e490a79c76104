/** The weekly move of answered requests of persons from the list to the archive. */
import { z } from 'zod'

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Whether in earnest. */
export const privacyRequestCleanupInput = z.strictObject({
  isDryRun: z.boolean().optional().meta({
    description: 'Only counts what would go. Absent: no.',
  }),
})

/** What went. */
export const privacyRequestCleanupResult = z.strictObject({
  isDryRun: z.boolean(),
  before: z.string().meta({ description: 'Requests answered before this moment went.' }),
  items: count.meta({ description: 'Requests that were archived; in a dry run, would be.' }),
  bytes: count,
  isComplete: z.boolean().meta({ description: 'False: time was up, the next run goes on.' }),
})

export type PrivacyRequestCleanupInput = z.output<typeof privacyRequestCleanupInput>
export type PrivacyRequestCleanupResult = z.output<typeof privacyRequestCleanupResult>

export const privacyRequestCleanup = defineJob({
  name: 'privacy-request-cleanup',
  summary: 'Archives requests of persons that were answered more than 90 days ago',
  description:
    'What is left of an answered request is the proof of when it arrived, when it was answered, how, and the ' +
    'checksum of what was given. Open requests stay in the list, however old. In batches with short locks.',
  input: privacyRequestCleanupInput,
  result: privacyRequestCleanupResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ dayOfWeek: 0, hour: 3 }],
    timezone: 'UTC',
    overlap: 'skip',
    catchUpMs: DAY_MS,
    input: {},
  },
  queue: 'maintenance',
  priority: 'LOW',
  retry: { attempts: 3 },
  timeoutMs: 10 * MINUTE_MS,
  workflowKey: ({ isDryRun }) => (isDryRun === true ? 'dry-run' : 'all'),
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 5 * MINUTE_MS, freshnessMs: 9 * DAY_MS + HOUR_MS },
  owner: 'operations',
  alerts: ['failed'],
  histories: ['some-aged', 'dry-run', 'two-steps', 'step-retried'],
})
