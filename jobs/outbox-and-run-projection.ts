/** Keeps runs of jobs for lists and totals, every five seconds. */
import { z } from 'zod'

import { MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Nothing to choose. */
export const outboxAndRunProjectionInput = z.strictObject({})

/** What the passes of one minute did. */
export const outboxAndRunProjectionResult = z.strictObject({
  passes: count.meta({ description: 'Passes, five seconds apart.' }),
  failedPasses: count.meta({ description: 'Passes given up; the next covers them.' }),
  listed: count.meta({ description: 'Runs that the server listed, overlaps included.' }),
  changed: count.meta({ description: 'Runs that were new or had moved.' }),
  endsRead: count.meta({ description: 'Reasons read of runs that ended without success.' }),
  pruned: count.meta({ description: 'Runs removed because they ended too long ago.' }),
  isCurrent: z.boolean().meta({ description: 'Everything that had moved was seen.' }),
})

export type OutboxAndRunProjectionInput = z.output<typeof outboxAndRunProjectionInput>
export type OutboxAndRunProjectionResult = z.output<typeof outboxAndRunProjectionResult>

export const outboxAndRunProjection = defineJob({
  name: 'outbox-and-run-projection',
  summary: 'Keeps runs of jobs for lists and totals, every five seconds',
  description:
    'Reads from the Temporal server which runs started, moved or ended, also those that timed out or were ' +
    'terminated without a worker seeing it, and keeps them in the database for lists, totals and alarms. ' +
    'One run is a minute of passes, five seconds apart; a run that is lost is made up for by the next. ' +
    'What is kept can be made anew from the server at any time: `groundstop runs rebuild`.',
  input: outboxAndRunProjectionInput,
  result: outboxAndRunProjectionResult,
  schedule: {
    kind: 'interval',
    everyMs: MINUTE_MS,
    pace: 'wall',
    overlap: 'skip',
    // One late minute sees all that was missed.
    catchUpMs: MINUTE_MS,
    input: {},
  },
  queue: 'monitoring',
  priority: 'MEDIUM',
  retry: { attempts: 1 },
  timeoutMs: 3 * MINUTE_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  // Lists of runs live off it, also of runs started by hand.
  environments: { development: 'scheduled' },
  onExhausted: 'fail',
  slo: { durationMs: MINUTE_MS, freshnessMs: 3 * MINUTE_MS },
  owner: 'platform',
  alerts: ['failed', 'late'],
  histories: ['quiet-minute', 'failed-pass'],
})
