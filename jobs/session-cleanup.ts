/** The daily removal of what signing in leaves behind: sessions, codes, accounts nobody took up. */
import { z } from 'zod'

import { USER_NAME } from '../domain/role.ts'
import { SESSION_CLASSES } from '../domain/session-retention.ts'
import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Whose, and whether in earnest. */
export const sessionCleanupInput = z.strictObject({
  userName: z.string().regex(USER_NAME, 'a name without blanks and @').optional().meta({
    description: "Ends all sessions of this user and nothing else. Absent: everybody's aged ones.",
  }),
  isDryRun: z.boolean().optional().meta({
    description: 'Only counts what would go. Absent: no.',
  }),
})

/** What went, class by class. */
export const sessionCleanupResult = z.strictObject({
  isDryRun: z.boolean(),
  classes: z.array(
    z.strictObject({
      class: z.enum(SESSION_CLASSES),
      before: z.string().meta({ description: 'What was older than this moment went.' }),
      items: count.meta({ description: 'Rows that went; in a dry run, would go.' }),
      bytes: count.meta({ description: 'Their bytes, without indexes.' }),
      isComplete: z.boolean().meta({ description: 'False: time was up, the next run goes on.' }),
    }),
  ),
  items: count,
  bytes: count,
})

export type SessionCleanupInput = z.output<typeof sessionCleanupInput>
export type SessionCleanupResult = z.output<typeof sessionCleanupResult>

export const sessionCleanup = defineJob({
  name: 'session-cleanup',
  summary: 'Removes sessions, codes of mails and unconfirmed accounts that have had their time',
  description:
    'Sessions that nobody renewed for 7 days, codes of invitations and resets after 24 hours, accounts ' +
    'whose address was not confirmed within 30 days, each of these on record in the audit trail; in ' +
    'batches with short locks. With the name of a user: all sessions of that user, and nothing else.',
  input: sessionCleanupInput,
  result: sessionCleanupResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ hour: 3 }],
    timezone: 'UTC',
    overlap: 'skip',
    catchUpMs: 6 * HOUR_MS,
    input: {},
  },
  queue: 'maintenance',
  priority: 'LOW',
  retry: { attempts: 1 },
  timeoutMs: 30 * MINUTE_MS,
  workflowKey: ({ userName, isDryRun }) =>
    `${userName === undefined ? 'all' : `user-${userName}`}${isDryRun === true ? '-dry-run' : ''}`,
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 15 * MINUTE_MS, freshnessMs: 50 * HOUR_MS },
  owner: 'platform',
  alerts: ['failed'],
  histories: ['all-classes', 'one-user', 'dry-run', 'two-steps', 'step-retried'],
})
