/** The end of cover: settled no-pays expire and free their escrow, unsettled ones go to people. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Nothing to say: it goes through every policy whose cover has ended. */
export const policyExpirationInput = z.strictObject({})

/** The account of one sweep. */
export const policyExpirationResult = z.strictObject({
  businessNow: z.string().meta({ description: 'The business clock when the sweep began.' }),
  expired: count.meta({ description: 'Settled no-pays that expired.' }),
  released: z
    .array(z.strictObject({ currency: z.string(), amountMinor: z.string() }))
    .meta({ description: 'Escrow returned to the pool, minor units as decimal text.' }),
  policiesPaid: count.meta({ description: 'Late evidence was there: decided to be paid.' }),
  policiesNotPaid: count.meta({ description: 'Decided not to be paid; they expire next time.' }),
  policiesInReview: count.meta({ description: 'Without a settled fact: a person must decide.' }),
  payoutsCreated: count,
  held: count.meta({ description: 'Settled, but a review or a payout is open.' }),
  waiting: count.meta({ description: 'Evidence is still being confirmed.' }),
  // Runs from before policies were closed have none.
  closed: count
    .optional()
    .meta({ description: 'Paid or expired, 30 days after cover, and nothing open.' }),
  isComplete: z.boolean().meta({ description: 'False: time was up, the next run goes on.' }),
})

export type PolicyExpirationInput = z.output<typeof policyExpirationInput>
export type PolicyExpirationResult = z.output<typeof policyExpirationResult>

export const policyExpiration = defineJob({
  name: 'policy-expiration',
  summary: 'Expires settled policies whose cover has ended and frees their escrow',
  description:
    'Goes through the policies whose cover has ended. A settled no-pay without an open review or payout ' +
    'becomes EXPIRED, its reservation returns to the pool and the ledger says so, all in one transaction. ' +
    'A policy without a settled fact is decided by the evidence there is, or handed to people with one ' +
    'review case a leg: it never expires by the clock alone. Paid and expired policies are closed 30 days after ' +
    'their cover, when no case, payment or message about them is open.',
  input: policyExpirationInput,
  result: policyExpirationResult,
  schedule: {
    kind: 'interval',
    everyMs: HOUR_MS,
    overlap: 'skip',
    catchUpMs: 10 * MINUTE_MS,
    input: {},
  },
  queue: 'maintenance',
  priority: 'MEDIUM',
  retry: { attempts: 2 },
  timeoutMs: 5 * MINUTE_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: MINUTE_MS, freshnessMs: 3 * HOUR_MS },
  owner: 'operations',
  alerts: ['failed', 'late'],
  histories: ['nothing-due', 'two-steps', 'step-retried'],
})
