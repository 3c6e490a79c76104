/** Decided legs are looked at once more: what a source corrects afterwards becomes known. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Nothing to say: it looks at every leg whose look has come. */
export const correctionWatchInput = z.strictObject({})

/** What was found. */
export const correctionWatchResult = z.strictObject({
  looked: count.meta({ description: 'Decided legs whose look had come.' }),
  asked: count.meta({ description: 'Of these, those where a correction could change a payment.' }),
  failed: count.meta({ description: 'Looks without an answer; they are repeated an hour later.' }),
  higher: count.meta({ description: 'Decisions that should have paid more: a review case a leg.' }),
  lower: count.meta({ description: 'Decisions that paid too much: leakage, never taken back.' }),
  isComplete: z.boolean().meta({ description: 'False when more legs were due than a run takes.' }),
})

export type CorrectionWatchInput = z.output<typeof correctionWatchInput>
export type CorrectionWatchResult = z.output<typeof correctionWatchResult>

export const correctionWatch = defineJob({
  name: 'correction-watch',
  summary: 'Looks at decided legs once more and keeps what a source corrected',
  description:
    'Six hours after its decision, asks the flight-data provider once more about each leg where half an ' +
    'hour more or less would change what is paid. A decision that should have paid more opens a review ' +
    'case CORRECTION_HIGHER; one that paid too much is counted as leakage. It moves no money.',
  input: correctionWatchInput,
  result: correctionWatchResult,
  schedule: {
    kind: 'interval',
    everyMs: HOUR_MS,
    overlap: 'skip',
    // One late run does the work of all that were missed.
    spread: '10 minutes',
    catchUpMs: HOUR_MS,
    input: {},
  },
  queue: 'monitoring',
  priority: 'LOW',
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 5 * MINUTE_MS, freshnessMs: 3 * HOUR_MS },
  owner: 'claims',
  alerts: ['failed', 'late'],
  histories: ['nothing-due', 'pages-with-corrections'],
})
