/** Cover of a product off sale, or on sale again, now or at a set time. */
import { z } from 'zod'

import { MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const TEXT_LIMIT = 200

const text = z.string().trim().min(1).max(TEXT_LIMIT)

/** Which product, which way, who and why. */
export const coverageArmingInput = z.strictObject({
  product: z.string().regex(/^[A-Z][A-Z0-9_-]{1,31}$/, 'a product code, as FD45'),
  action: z.enum(['arm', 'disarm']),
  by: text.meta({ description: 'Who asks, for the audit trail.' }),
  reason: text.meta({ description: 'Why, for the audit trail.' }),
  dueAt: z.iso.datetime({ offset: true }).optional().meta({
    description:
      'When it is meant for, wall time. Absent: when its task is due, else whenever it runs.',
  }),
  toleranceMin: z.int().min(1).max(1_440).optional().meta({
    description: 'Minutes; more overdue than this it is missed. Absent: as its task says, else 5.',
  }),
})

/** What became of it. */
export const coverageArmingResult = z.strictObject({
  product: z.string(),
  isArmed: z.boolean().meta({ description: 'As asked; it does not stand so when missed.' }),
  outcome: z.enum(['switched', 'unchanged', 'missed']),
  businessNow: z.string(),
})

export type CoverageArmingInput = z.output<typeof coverageArmingInput>
export type CoverageArmingResult = z.output<typeof coverageArmingResult>

export const coverageArming = defineJob({
  name: 'coverage-arming',
  summary: 'Takes the cover of a product off sale, or puts it on sale again',
  description:
    'A disarmed product is neither quoted nor bound until it is armed again; an open quote of it is declined ' +
    'when somebody binds it. Policies that are bound stay covered, and books that were sold elsewhere can ' +
    'be imported. Meant to be started for a time: by a task, or with `executeAt`.',
  input: coverageArmingInput,
  result: coverageArmingResult,
  queue: 'maintenance',
  priority: 'HIGH',
  // The step is repeated until the time is up; an input that cannot be carried out fails at once.
  retry: { attempts: 1 },
  timeoutMs: 5 * MINUTE_MS,
  workflowKey: ({ product, action }) => `${product}-${action}`,
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: MINUTE_MS },
  owner: 'operations',
  alerts: ['failed'],
  histories: ['disarmed', 'missed', 'step-retried', 'task-missed', 'task-carried-out'],
})
