/** Every quarter of an hour: what polls leave old or do not look at yet, weather, airports; what expired goes. */
import { z } from 'zod'

import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** The parts of a refresh, each of which fails alone. */
export const CACHE_PARTS = ['flights', 'weather', 'airports', 'expired', 'timetable'] as const

/** Without parts: all of them. */
export const cacheRefreshInput = z.strictObject({
  parts: z
    .array(z.enum(CACHE_PARTS))
    .min(1)
    .max(CACHE_PARTS.length)
    .optional()
    .meta({ description: 'Only these parts. Absent: all.' }),
})

/** What came of each part. */
export const cacheRefreshResult = z.strictObject({
  parts: z
    .array(
      z.strictObject({
        part: z.enum(CACHE_PARTS),
        state: z.enum(['done', 'partly', 'failed']),
        wanted: count,
        refreshed: count,
        failed: count,
        error: z.string().nullable(),
      }),
    )
    .meta({
      description:
        'Each part: what was stale and what was refreshed, or of `expired` removed; its first failure.',
    }),
})

export type CachePart = (typeof CACHE_PARTS)[number]
export type CacheRefreshInput = z.output<typeof cacheRefreshInput>
export type CacheRefreshResult = z.output<typeof cacheRefreshResult>

export const cacheRefresh = defineJob({
  name: 'cache-refresh',
  summary: 'Refreshes flights that got old between polls, weather and airports in use',
  description:
    'Five parts that fail alone. Flights: insured legs that the poll plan leaves alone for longer than 2 ' +
    'hours en route or after a reported cancellation, and of which no poll is due within a quarter of ' +
    'an hour. Weather: the METAR of airports with insured departures in the next 6 hours, every half hour. ' +
    'Airports in use, weekly. Expired entries are removed. Timetable: insured ' +
    'legs that leave in more than 46 hours, each once a week; a retime is endorsed. Each leg and airport once, however many policies. ' +
    'Fails only when every part does. Decides nothing.',
  input: cacheRefreshInput,
  result: cacheRefreshResult,
  schedule: {
    kind: 'interval',
    everyMs: 15 * MINUTE_MS,
    overlap: 'skip',
    // The next run does the work of a missed one.
    catchUpMs: 5 * MINUTE_MS,
    input: {},
  },
  queue: 'monitoring',
  priority: 'LOW',
  retry: { attempts: 1 },
  timeoutMs: 10 * MINUTE_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  // It spends paid calls, for cover that nobody bought.
  environments: { staging: 'by-hand' },
  onExhausted: 'fail',
  slo: { durationMs: 5 * MINUTE_MS, freshnessMs: HOUR_MS },
  owner: 'operations',
  alerts: ['failed'],
  histories: ['all-done', 'one-part-failed', 'only-weather', 'step-retried', 'with-timetable'],
})
