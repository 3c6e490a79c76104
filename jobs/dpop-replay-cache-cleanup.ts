/** Every minute: ids of proofs that could not be shown again anyway are forgotten. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

/** Nothing to say: all that have expired go. */
export const dpopReplayCacheCleanupInput = z.strictObject({})

/** What went. */
export const dpopReplayCacheCleanupResult = z.strictObject({
  removed: z.int().min(0),
  isComplete: z.boolean().meta({ description: 'False: more is left, the next run goes on.' }),
})

export type DpopReplayCacheCleanupInput = z.output<typeof dpopReplayCacheCleanupInput>
export type DpopReplayCacheCleanupResult = z.output<typeof dpopReplayCacheCleanupResult>

export const dpopReplayCacheCleanup = defineJob({
  name: 'dpop-replay-cache-cleanup',
  summary: 'Forgets the ids of DPoP proofs that have expired',
  description:
    'Removes the ids of proofs of possession a minute after they expired, in batches with short locks. ' +
    'Until then a proof that comes again is known as a replay. Runs by wall time, however fast the ' +
    'virtual clock is.',
  input: dpopReplayCacheCleanupInput,
  result: dpopReplayCacheCleanupResult,
  schedule: {
    kind: 'interval',
    everyMs: MINUTE_MS,
    // Proofs expire by wall time.
    pace: 'wall',
    overlap: 'skip',
    catchUpMs: 30 * SECOND_MS,
    input: {},
  },
  queue: 'maintenance',
  priority: 'LOW',
  // The next minute is the second attempt.
  retry: { attempts: 1 },
  timeoutMs: 50 * SECOND_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 15 * SECOND_MS, freshnessMs: 3 * HOUR_MS },
  owner: 'platform',
  alerts: ['late'],
  histories: ['some-expired', 'step-retried'],
})
