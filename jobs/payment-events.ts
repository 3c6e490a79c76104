/** What the payment rail tells after it accepted a payment: confirmed, or given back. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Nothing to say: it takes everything that is open. */
export const paymentEventsInput = z.strictObject({})

/** What was told, and what it came to. */
export const paymentEventsResult = z.strictObject({
  missed: count.meta({ description: 'Events in the rail’s list that no webhook had brought.' }),
  confirmed: count.meta({ description: 'Payouts in transit that are paid now.' }),
  returned: count.meta({ description: 'Payouts whose money came back; each has a review case.' }),
  unchanged: count.meta({ description: 'Events that told nothing new.' }),
  unrelated: count.meta({ description: 'Events of payments that no payout made.' }),
  waiting: count.meta({ description: 'Events of payments whose own answer is still awaited.' }),
  checked: count.meta({ description: 'Payments looked up because their time had come.' }),
  stale: count.meta({ description: 'In transit for a week: a review case was opened.' }),
})

export type PaymentEventsInput = z.output<typeof paymentEventsInput>
export type PaymentEventsResult = z.output<typeof paymentEventsResult>

export const paymentEvents = defineJob({
  name: 'payment-events',
  summary: 'Applies what the payment rail tells: payments confirmed and payments that came back',
  description:
    'Lists the events of the payment rail since the last run, so that a webhook that never came is made ' +
    'up for, then looks every open event’s object up at the rail and moves the payout to what the rail ' +
    'says now: paid, or returned with a review case. Payments in transit are looked up every hour, paid ' +
    'ones that may still come back every day. A webhook starts it at once. No money is moved.',
  input: paymentEventsInput,
  result: paymentEventsResult,
  schedule: {
    kind: 'interval',
    everyMs: HOUR_MS,
    overlap: 'skip',
    spread: '10 minutes',
    catchUpMs: 30 * MINUTE_MS,
    input: {},
  },
  queue: 'payouts',
  priority: 'HIGH',
  timeoutMs: HOUR_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 10 * MINUTE_MS, freshnessMs: 3 * HOUR_MS },
  owner: 'finance',
  alerts: ['failed', 'late'],
  histories: ['nothing-new', 'returned-and-confirmed', 'rail-away'],
})
