/** Empties the outbox of notifications, every ten seconds. */
import { z } from 'zod'

import { MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** A pass takes what there is. */
export const notificationRelayInput = z.strictObject({
  passes: z.int().min(1).max(6).optional().meta({
    description: 'Passes, ten seconds apart. Absent: the six of a minute.',
  }),
})

/** What the passes of one minute did. */
export const notificationRelayResult = z.strictObject({
  passes: count,
  queued: count.meta({ description: 'Notifications made of facts.' }),
  suppressed: count.meta({ description: 'Of those: nobody is to be reached.' }),
  batchesStarted: count,
  delivered: count.meta({ description: 'Heard to have arrived.' }),
  bounced: count.meta({ description: 'Heard not to have arrived.' }),
  backlog: count.meta({ description: 'Queued and not sent, at the end.' }),
})

export type NotificationRelayInput = z.output<typeof notificationRelayInput>
export type NotificationRelayResult = z.output<typeof notificationRelayResult>

export const notificationRelay = defineJob({
  name: 'notification-relay',
  summary: 'Turns facts of the outbox into messages and starts their batches',
  description:
    'Six passes a minute, on wall time whatever the business clock does: facts written with what caused ' +
    'them become notifications, due ones are claimed in batches of 100 with a run each, providers are ' +
    'asked what arrived, and operators are told when the queue does not move.',
  input: notificationRelayInput,
  result: notificationRelayResult,
  schedule: {
    kind: 'interval',
    everyMs: MINUTE_MS,
    pace: 'wall',
    overlap: 'skip',
    catchUpMs: MINUTE_MS,
    input: {},
  },
  queue: 'notifications',
  priority: 'MEDIUM',
  retry: { attempts: 1 },
  timeoutMs: 3 * MINUTE_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { freshnessMs: 5 * MINUTE_MS },
  owner: 'operations',
  alerts: ['failed', 'late'],
  histories: ['quiet-minute', 'storm-minute', 'database-away'],
})
