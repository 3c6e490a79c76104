/** One request of a person about their own data, from its receipt to its answer. */
import { z } from 'zod'

import { ERASURE_BLOCKS } from '../domain/privacy-request.ts'
import { DAY_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

/** Which request. Who it is about stays in the database. */
export const privacyRequestInput = z.strictObject({
  requestId: z.guid().meta({ description: 'The request, as `groundstop privacy list` shows it.' }),
})

/** How it ended. */
export const privacyRequestResult = z.strictObject({
  requestId: z.guid(),
  outcome: z.enum(['fulfilled', 'refused', 'deferred']).meta({
    description: 'Deferred: the run ended before the request; the daily look starts another.',
  }),
  looks: z.int().min(1),
  bytes: z.int().min(0).optional().meta({ description: 'Of the copy; 0 for an erasure.' }),
  block: z.enum(ERASURE_BLOCKS).optional(),
})

export type PrivacyRequestInput = z.output<typeof privacyRequestInput>
export type PrivacyRequestResult = z.output<typeof privacyRequestResult>

export const privacyRequest = defineJob({
  name: 'privacy-request',
  summary: "Answers a person's request: a copy of their data, or its erasure",
  description:
    'An export writes everything that is kept of the person as a JSON file with a manifest. An erasure ' +
    'takes away what names them, once no cover is live and no payout is open; until then the run waits and ' +
    'looks again every six hours, and at the end of the legal month it refuses with the reason. Ledger, ' +
    'evaluations and audit trail hold tokens alone and stay as they are.',
  input: privacyRequestInput,
  result: privacyRequestResult,
  queue: 'maintenance',
  priority: 'MEDIUM',
  // An erasure may wait for the whole legal month, and one written down late has less.
  timeoutMs: 35 * DAY_MS,
  workflowKey: ({ requestId }) => requestId,
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: {},
  owner: 'operations',
  alerts: ['failed'],
  histories: ['fulfilled', 'deferred', 'refused', 'step-retried'],
})
