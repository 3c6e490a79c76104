/** Care of this product's Postgres, on demand. */
import { z } from 'zod'

import { HOUR_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'
import { QUEUE_ATTEMPTS } from './job-environments.ts'

const TABLE = /^[a-z_][a-z0-9_]{0,62}$/

/** What to do, and to which tables. */
export const maintenanceInput = z.strictObject({
  task: z.enum(['vacuum', 'reindex', 'analyze']).meta({
    description: 'vacuum frees dead rows, reindex rebuilds indexes, analyze refreshes statistics.',
  }),
  tables: z
    .array(z.string().regex(TABLE, 'a table name'))
    .min(1)
    .max(50)
    .optional()
    .meta({ description: 'Tables of this product. Absent: all of them.' }),
})

/** Which tables were done and which were left alone. */
export const maintenanceResult = z.strictObject({
  task: z.enum(['vacuum', 'reindex', 'analyze']),
  done: z.array(z.string()).meta({ description: 'Tables done.' }),
  skipped: z
    .array(z.strictObject({ table: z.string(), reason: z.string() }))
    .meta({ description: 'Tables left alone: their lock was not to be had in time.' }),
  bytesBefore: z.int().min(0),
  bytesAfter: z.int().min(0),
})

export type MaintenanceInput = z.output<typeof maintenanceInput>
export type MaintenanceResult = z.output<typeof maintenanceResult>

export const maintenance = defineJob({
  name: 'maintenance',
  summary: 'Vacuums, reindexes or analyzes the tables of this database',
  description:
    'Runs one maintenance task over the tables of this product, one at a time. A table whose lock is ' +
    'not to be had within seconds is skipped and named, so that it never blocks payouts.',
  input: maintenanceInput,
  result: maintenanceResult,
  queue: 'maintenance',
  priority: 'LOW',
  retry: { attempts: QUEUE_ATTEMPTS.maintenance },
  timeoutMs: 2 * HOUR_MS,
  workflowKey: ({ task }) => task,
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  // Whoever starts it, and under whatever id: two tasks would wait for each other's locks.
  limits: { concurrent: 1 },
  onExhausted: 'fail',
  slo: { durationMs: HOUR_MS },
  owner: 'platform',
  alerts: ['failed'],
  histories: ['analyze', 'lock-not-had', 'place-had-at-once', 'place-waited-for'],
})
