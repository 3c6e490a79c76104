/** The daily removal of what has had its time: messages, files, logs, expired rows. */
import { z } from 'zod'

import { CLEANUP_PARTS, RETENTION_CLASSES } from '../domain/retention.ts'
import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** What to clean up, and from which age on. */
export const cleanupInput = z.strictObject({
  what: z.array(z.enum(CLEANUP_PARTS)).min(1).max(CLEANUP_PARTS.length).optional().meta({
    description: 'Parts to clean up. Absent: all of them.',
  }),
  olderThanDays: z.int().min(1).max(36_500).optional().meta({
    description: "Days to keep, never below a class's least. Absent: each class's own.",
  }),
  isDryRun: z.boolean().optional().meta({
    description: 'Only counts what would go. Absent: no.',
  }),
})

/** What went, class by class. */
export const cleanupResult = z.strictObject({
  isDryRun: z.boolean(),
  classes: z.array(
    z.strictObject({
      class: z.enum(RETENTION_CLASSES),
      before: z.string().meta({ description: 'What was older than this moment went.' }),
      items: count.meta({ description: 'Rows or files that went; in a dry run, would go.' }),
      bytes: count.meta({ description: 'Their bytes, rows without their indexes.' }),
      isComplete: z.boolean().meta({ description: 'False: time was up, the next run goes on.' }),
    }),
  ),
  items: count,
  bytes: count,
})

export type CleanupInput = z.output<typeof cleanupInput>
export type CleanupResult = z.output<typeof cleanupResult>

export const cleanup = defineJob({
  name: 'cleanup',
  summary: 'Removes messages, files, rotated logs and expired rows that have had their time',
  description:
    'Goes through the classes of things that age, in batches with short locks: messages and notices, ' +
    'files and rotated logs of the home folder, log lines of runs, answers kept for repeated requests, lapsed quotes, ' +
    'leftovers of reconciliation, rail holds, applied rail events, ended tasks, observations of long settled legs. What a decision rests on stays. ' +
    'A class that fails does not keep the others from being done.',
  input: cleanupInput,
  result: cleanupResult,
  schedule: {
    kind: 'cron',
    cron: '0 2 * * *',
    timezone: 'UTC',
    overlap: 'skip',
    catchUpMs: 6 * HOUR_MS,
    input: {},
  },
  queue: 'maintenance',
  priority: 'LOW',
  retry: { attempts: 1 },
  timeoutMs: 30 * MINUTE_MS,
  workflowKey: ({ isDryRun }) => (isDryRun === true ? 'dry-run' : 'all'),
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 15 * MINUTE_MS, freshnessMs: 50 * HOUR_MS },
  owner: 'platform',
  alerts: ['failed'],
  histories: ['all-classes', 'dry-run', 'two-steps', 'step-retried'],
})
