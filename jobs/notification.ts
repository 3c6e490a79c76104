/** Sends one batch of notifications. */
import { z } from 'zod'

import { MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** What a person sends by hand at once: the ids make up the run's own id. */
const IDS_LIMIT = 20

/** Exactly one of `batchId` and `notificationIds`. */
export const notificationInput = z
  .strictObject({
    batchId: z.uuid().optional().meta({ description: 'A batch that the relay claimed.' }),
    notificationIds: z
      .array(z.uuid())
      .min(1)
      .max(IDS_LIMIT)
      .optional()
      .meta({ description: 'Queued notifications to be sent now, before their turn.' }),
  })
  .refine(
    ({ batchId, notificationIds }) => (batchId === undefined) !== (notificationIds === undefined),
    { message: 'exactly one of batchId and notificationIds is needed', path: ['batchId'] },
  )

/** What became of the batch's messages. */
export const notificationResult = z.strictObject({
  sent: count.meta({ description: 'Taken by the provider of their channel.' }),
  suppressed: count.meta({
    description: 'Not to be sent: no channel, no address, or not true any more.',
  }),
  failed: count.meta({ description: 'Refused for good, or given up.' }),
  retried: count.meta({ description: 'Tries that failed for the moment.' }),
  released: count.meta({ description: 'Given back to the queue, for a later batch.' }),
})

export type NotificationInput = z.output<typeof notificationInput>
export type NotificationResult = z.output<typeof notificationResult>

export const notification = defineJob({
  name: 'notification',
  summary: 'Sends a batch of messages by e-mail, text message, push, Slack and webhook',
  description:
    'Composes each message from the book as it is now, hands it to its channel, and writes down what ' +
    'the provider said. Each try carries the same id, so that a repeat after a crash is known to its ' +
    'receiver. What a provider refuses for good fails at once; what it does not take now is tried again ' +
    'from a second on, and goes back to the queue while a channel is away.',
  input: notificationInput,
  result: notificationResult,
  queue: 'notifications',
  priority: 'LOW',
  timeoutMs: 30 * MINUTE_MS,
  workflowKey: ({ batchId, notificationIds = [] }) => batchId ?? notificationIds.join('.'),
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 5 * MINUTE_MS },
  owner: 'operations',
  alerts: ['failed'],
  histories: ['all-sent', 'channel-away', 'tried-again', 'by-hand'],
})
