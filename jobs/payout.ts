/** Pays one batch of payouts, or one payout that was left over from a batch. */
import { z } from 'zod'

import { MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Exactly one of `batchId` and `payoutId`. */
export const payoutInput = z
  .strictObject({
    batchId: z.uuid().optional().meta({ description: 'A batch of at most 500 payouts.' }),
    payoutId: z
      .uuid()
      .optional()
      .meta({ description: 'One payout whose transfer did not settle with its batch.' }),
    // Absent in runs started from outside; set when a long run goes on in a new history.
    resume: z
      .strictObject({ rounds: count, cancelled: count })
      .optional()
      .meta({ description: 'Progress carried over from an earlier history of the same run.' }),
  })
  .refine(({ batchId, payoutId }) => (batchId === undefined) !== (payoutId === undefined), {
    message: 'exactly one of batchId and payoutId is needed',
    path: ['batchId'],
  })

/** How the payouts of the run ended. */
export const payoutResult = z.strictObject({
  settled: count.meta({ description: 'Paid: the rail confirmed the transfer.' }),
  rejected: count.meta({ description: 'Refused for good by the rail; a review case is open.' }),
  cancelled: count.meta({ description: 'Cancelled by an operator before any money moved.' }),
  stragglers: count.meta({ description: 'Left the batch; each continues as its own run.' }),
  rounds: count.meta({ description: 'How often transfers were submitted.' }),
  // Absent in runs whose rail confirms at once.
  inTransit: count
    .optional()
    .meta({ description: 'Accepted by the rail, which confirms them later: `payment-events`.' }),
})

export type PayoutInput = z.output<typeof payoutInput>
export type PayoutResult = z.output<typeof payoutResult>

export const payout = defineJob({
  name: 'payout',
  summary: 'Pays a batch of decided policies, each exactly once',
  description:
    'Approves the payouts of one batch, submits each transfer with a deterministic idempotency key, ' +
    'and settles them in the ledger. While the rail is out the batch waits and tries again; a few ' +
    'transfers that do not settle leave the batch and continue alone. Updates: approve, retry, ' +
    'cancel. Query: progress. It stays open for an operator when money is owed and nothing helps.',
  input: payoutInput,
  result: payoutResult,
  queue: 'payouts',
  priority: 'CRITICAL',
  // The run itself never fails for a rail's sake, so there is nothing to retry from the start.
  retry: { attempts: 1 },
  timeoutMs: null,
  workflowKey: ({ batchId, payoutId }) => batchId ?? payoutId ?? 'none',
  // A cancelled or terminated run may be started again: the database and the rail know what was paid.
  onConflict: { whileOpen: 'join', afterClose: 'again-after-failure' },
  onExhausted: 'park',
  slo: { durationMs: 5 * MINUTE_MS },
  owner: 'finance',
  alerts: ['failed', 'parked'],
  histories: [
    'batch-settled',
    'rail-outage',
    'stragglers',
    'held-then-approved',
    'parked',
    'one-payout',
    'in-transit',
  ],
})
