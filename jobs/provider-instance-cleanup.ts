/** Every five minutes: what processes and keys that are gone left in the account of outside services goes. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Nothing to say: all that is stale goes. */
export const providerInstanceCleanupInput = z.strictObject({})

/** What went, and what is open. */
export const providerInstanceCleanupResult = z.strictObject({
  processes: count.meta({ description: 'Reports on providers by processes that have ended.' }),
  keyHolders: count.meta({ description: 'Processes that have ended, with the keys they had.' }),
  allowances: count.meta({
    description: 'Accounts of keys that were not used this month: they count as none.',
  }),
  plans: count.meta({ description: 'Plans of keys that nobody has asked about for 30 days.' }),
  states: count.meta({ description: 'States of providers that are no longer looked after.' }),
  isComplete: z.boolean().meta({ description: 'False: more is left, the next run goes on.' }),
  open: z
    .array(z.strictObject({ provider: z.string(), processes: count, connections: count }))
    .meta({ description: 'What processes that are alive hold to each provider.' }),
})

export type ProviderInstanceCleanupInput = z.output<typeof providerInstanceCleanupInput>
export type ProviderInstanceCleanupResult = z.output<typeof providerInstanceCleanupResult>

export const providerInstanceCleanup = defineJob({
  name: 'provider-instance-cleanup',
  summary: 'Forgets processes and keys of providers that are gone',
  description:
    'Removes what processes that have ended reported of providers and of their keys, accounts of keys ' +
    'that were not used this month, plans of keys that are out of use, and states of providers that are ' +
    'no longer configured; says how many connections the live ones hold. Idle connections are closed by ' +
    'the processes themselves, within seconds. Runs by wall time, however fast the virtual clock is.',
  input: providerInstanceCleanupInput,
  result: providerInstanceCleanupResult,
  schedule: {
    kind: 'interval',
    everyMs: 5 * MINUTE_MS,
    // Processes end by wall time.
    pace: 'wall',
    overlap: 'skip',
    catchUpMs: MINUTE_MS,
    input: {},
  },
  queue: 'maintenance',
  priority: 'LOW',
  // The next run is the second attempt.
  retry: { attempts: 1 },
  timeoutMs: 2 * MINUTE_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 15 * SECOND_MS, freshnessMs: 3 * HOUR_MS },
  owner: 'platform',
  alerts: ['late'],
  histories: ['some-stale', 'step-retried'],
})
