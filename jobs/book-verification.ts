/** The whole book against its invariants, every day. */
import { z } from 'zod'

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Nothing to say: checks everything, and replays every decision. */
export const bookVerificationInput = z.strictObject({
  replay: z.boolean().optional().meta({
    description: 'False leaves out the replay of all decisions. Absent: they are replayed.',
  }),
})

/** What was checked, and what does not hold. */
export const bookVerificationResult = z.strictObject({
  breaks: z.array(z.strictObject({ invariant: z.string(), count })).meta({
    description: 'By invariant; empty is a sound book. At most 100 of a check are counted.',
  }),
  legsReplayed: count,
  evaluationsReplayed: count,
  evaluationsOfOtherRules: count.optional().meta({
    description: 'Decisions that another state of the rules made: not replayed.',
  }),
  casesOpened: count.meta({ description: 'Review cases of breaks that were not told before.' }),
  casesClosed: count.meta({ description: 'Cases of breaks that are mended.' }),
  isComplete: z.boolean().meta({ description: 'False: more legs than one run replays.' }),
})

export type BookVerificationInput = z.output<typeof bookVerificationInput>
export type BookVerificationResult = z.output<typeof bookVerificationResult>

export const bookVerification = defineJob({
  name: 'book-verification',
  summary: 'Checks the whole book against its invariants and replays every decision',
  description:
    'Checks policies, payouts, reservations, ledger, watched legs and the guards of append-only tables in one ' +
    'snapshot, then makes every decision of the rules again from the stored observations and compares. Each ' +
    'break becomes a review case; the cases of what is mended close themselves. Changes nothing else.',
  input: bookVerificationInput,
  result: bookVerificationResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ hour: 5 }],
    timezone: 'UTC',
    overlap: 'skip',
    spread: '10 minutes',
    catchUpMs: 12 * HOUR_MS,
    input: {},
  },
  queue: 'reports',
  priority: 'LOW',
  retry: { attempts: 3, initialMs: MINUTE_MS, capMs: 10 * MINUTE_MS },
  timeoutMs: 2 * HOUR_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 30 * MINUTE_MS, freshnessMs: DAY_MS + 2 * HOUR_MS },
  owner: 'finance',
  alerts: ['failed', 'late'],
  histories: ['sound', 'breaks-over-two-steps', 'without-replay'],
})
