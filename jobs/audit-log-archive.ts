/** The weekly move of audit events past their time into verified files. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Nothing to say: how long events are kept is a setting. */
export const auditLogArchiveInput = z.strictObject({})

/** What went from the database into files. */
export const auditLogArchiveResult = z.strictObject({
  archives: count.meta({ description: 'Files whose events were removed.' }),
  events: count,
  bytes: count.meta({ description: 'Of the files, compressed.' }),
  isComplete: z.boolean().meta({ description: 'False: more is due, the next run goes on.' }),
})

export type AuditLogArchiveInput = z.output<typeof auditLogArchiveInput>
export type AuditLogArchiveResult = z.output<typeof auditLogArchiveResult>

export const auditLogArchive = defineJob({
  name: 'audit-log-archive',
  summary: 'Moves audit events past their time into verified archive files',
  description:
    'Writes the oldest events to compressed files of at most 10,000, reads each file back, checks every hash, puts ' +
    'it on record and only then removes its events from the database. The hash chain leads on from the last file: ' +
    '`groundstop audit verify` checks both. A run that is killed anywhere is taken up by the next one.',
  input: auditLogArchiveInput,
  result: auditLogArchiveResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ dayOfWeek: 0, hour: 4 }],
    timezone: 'UTC',
    overlap: 'skip',
    catchUpMs: 24 * HOUR_MS,
    input: {},
  },
  queue: 'maintenance',
  priority: 'LOW',
  retry: { attempts: 2 },
  timeoutMs: 30 * MINUTE_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 15 * MINUTE_MS, freshnessMs: 15 * 24 * HOUR_MS },
  owner: 'platform',
  alerts: ['failed'],
  histories: ['nothing-due', 'two-archives', 'step-retried'],
})
