/** Every minute: are the outside services there, and how do they do. */
import { z } from 'zod'

import { MINUTE_MS, SECOND_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Nothing to say: every configured provider is checked. */
export const providerHealthCheckInput = z.strictObject({})

/** What was found. */
export const providerHealthCheckResult = z.strictObject({
  up: count,
  degraded: count.meta({
    description: 'They answer, but a breaker is open, calls fail, a budget is spent.',
  }),
  down: count.meta({
    description: 'They do not answer, refuse the key, or its plan includes no flights.',
  }),
  changes: count.meta({
    description: 'Providers that came into another state, each told as an event.',
  }),
  providers: z
    .array(z.strictObject({ provider: z.string(), state: z.string(), reason: z.string() }))
    .meta({ description: 'Each provider with its state and why.' }),
})

export type ProviderHealthCheckInput = z.output<typeof providerHealthCheckInput>
export type ProviderHealthCheckResult = z.output<typeof providerHealthCheckResult>

export const providerHealthCheck = defineJob({
  name: 'provider-health-check',
  summary: 'Checks that outside services answer, and how calls to them fare',
  description:
    'For each configured provider: whether it answered a call in the last minute or answers one now that ' +
    'costs nothing, the share of calls that failed in the last quarter of an hour, breakers that are ' +
    'open in some process, and what of its budgets is used. Once a week, what the plan of the second ' +
    'source includes, by three requests. Stores the result, and tells a change of state as an event. Runs by wall time, however fast the virtual clock is.',
  input: providerHealthCheckInput,
  result: providerHealthCheckResult,
  schedule: {
    kind: 'interval',
    everyMs: MINUTE_MS,
    // Outside services know no virtual clock.
    pace: 'wall',
    overlap: 'skip',
    catchUpMs: 30 * SECOND_MS,
    // What is shown from before the platform stopped may be long untrue.
    onStartup: true,
    input: {},
  },
  queue: 'monitoring',
  priority: 'MEDIUM',
  // The next minute is the second attempt.
  retry: { attempts: 1 },
  timeoutMs: 30 * SECOND_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 15 * SECOND_MS, freshnessMs: 5 * MINUTE_MS },
  owner: 'operations',
  alerts: ['late'],
  histories: ['all-up', 'one-down', 'database-away-for-a-moment'],
})
