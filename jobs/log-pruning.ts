/** The daily care of the product's own log files. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Nothing to say: sizes and ages are settings. */
export const logPruningInput = z.strictObject({})

/** What was rotated, compressed and removed. */
export const logPruningResult = z.strictObject({
  rotated: count.meta({ description: 'Logs that had come to their size.' }),
  compressed: count.meta({ description: 'Rotated files that were compressed.' }),
  bytesBefore: count.meta({ description: 'Of the compressed ones.' }),
  bytesAfter: count,
  removed: count.meta({ description: 'Rotated files beyond the number or the age kept.' }),
  bytesRemoved: count,
})

export type LogPruningInput = z.output<typeof logPruningInput>
export type LogPruningResult = z.output<typeof logPruningResult>

export const logPruning = defineJob({
  name: 'log-pruning',
  summary: 'Rotates, compresses and removes log files of the product and of its servers',
  description:
    'Gives logs of 100 MB another name, at which their writers begin new files within a second of their ' +
    'next line; compresses rotated files once nobody writes them; keeps 10 of each log, none older than 30 ' +
    'days. A file that is being written is never compressed or removed, and no line is lost. Logs of ' +
    'embedded servers and local providers, which their writers hold open, are copied and emptied in their ' +
    'place. Files of the machine whose worker takes the run.',
  input: logPruningInput,
  result: logPruningResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ hour: 4 }],
    timezone: 'UTC',
    overlap: 'skip',
    catchUpMs: 6 * HOUR_MS,
    input: {},
  },
  queue: 'maintenance',
  priority: 'LOW',
  retry: { attempts: 2 },
  timeoutMs: 30 * MINUTE_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 5 * MINUTE_MS, freshnessMs: 50 * HOUR_MS },
  owner: 'platform',
  alerts: ['failed'],
  histories: ['nothing-due', 'rotated', 'step-retried'],
})
