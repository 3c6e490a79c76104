/** Looks after review cases: one run a case, and a sweep that starts and ends these runs. */
import { z } from 'zod'

import { MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** With a case: its run. Without: one sweep over all of them. */
export const reviewOrchestrationInput = z.strictObject({
  caseId: z.guid().optional().meta({ description: 'The case to look after. Absent: a sweep.' }),
  // Absent in runs started from outside; set when a long run goes on in a new history.
  resume: z
    .strictObject({ looks: count })
    .optional()
    .meta({ description: 'Progress carried over from an earlier history of the same run.' }),
})

/** How the case ended, or what the sweep did. */
export const reviewOrchestrationResult = z.strictObject({
  resolution: z.string().nullable().meta({ description: 'How the case ended; null of a sweep.' }),
  looks: count.meta({ description: 'How often the case was looked at.' }),
  closed: count.meta({ description: 'Cases that the sweep closed: their reason is gone.' }),
  started: count.meta({ description: 'Runs of cases that the sweep started.' }),
  ended: count.meta({ description: 'Runs that the sweep told that their case is closed.' }),
  open: count.meta({ description: 'Open cases with a run.' }),
  waiting: count.meta({
    description: 'Open cases that wait for a run: as many are open as may be.',
  }),
})

export type ReviewOrchestrationInput = z.output<typeof reviewOrchestrationInput>
export type ReviewOrchestrationResult = z.output<typeof reviewOrchestrationResult>

export const reviewOrchestration = defineJob({
  name: 'review-orchestration',
  summary: 'Looks after review cases until people or late data decide them',
  description:
    'Every five minutes a sweep closes the cases whose reason is gone and gives open cases a run each, at ' +
    'most 100 at a time. The run of a case waits for a decision (update: decide) or for late data, releases ' +
    'claims that lie idle, reminds, and hands up what is overdue: 24 hours, less for some reasons. ' +
    'Query: progress.',
  input: reviewOrchestrationInput,
  result: reviewOrchestrationResult,
  schedule: {
    kind: 'interval',
    everyMs: 5 * MINUTE_MS,
    overlap: 'skip',
    catchUpMs: 10 * MINUTE_MS,
    input: {},
  },
  queue: 'notifications',
  priority: 'MEDIUM',
  // A case stays open for as long as nobody decides it.
  timeoutMs: null,
  workflowKey: ({ caseId }) => caseId ?? 'sweep',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { freshnessMs: 30 * MINUTE_MS },
  owner: 'operations',
  alerts: ['failed', 'late'],
  histories: ['sweep', 'decided-by-person', 'decided-by-data', 'handed-up', 'woken'],
})
