/** The jobs of this pack. */
import { defineJob, HOUR_MS, MINUTE_MS } from 'groundstop/pack'
import { z } from 'zod'

/** Which day, and how long a list. */
export const delayedAirportsInput = z.strictObject({
  date: z.iso.date().optional().meta({ description: 'Of departure. Absent: yesterday.' }),
  top: z.int().min(1).max(50).optional().meta({ description: 'Airports listed. Absent: 10.' }),
})

/** What was written. */
export const delayedAirportsResult = z.strictObject({
  date: z.iso.date(),
  legs: z.int().min(0),
  airports: z.int().min(0),
  file: z.string(),
})

export type DelayedAirportsInput = z.output<typeof delayedAirportsInput>
export type DelayedAirportsResult = z.output<typeof delayedAirportsResult>

/** All jobs of the pack. */
export const JOBS = [
  defineJob({
    name: 'delayed-airports',
    summary: 'Lists the airports where insured flights of a day arrived the latest',
    description: 'Writes a file of airports by the mean delay of the insured legs that arrived.',
    input: delayedAirportsInput,
    result: delayedAirportsResult,
    schedule: {
      kind: 'cron',
      cron: '30 5 * * *',
      timezone: 'UTC',
      overlap: 'skip',
      catchUpMs: HOUR_MS,
      input: {},
    },
    queue: 'reports',
    priority: 'LOW',
    retry: { attempts: 2 },
    timeoutMs: 30 * MINUTE_MS,
    workflowKey: ({ date = 'yesterday', top = 10 }) => `${date}-${top}`,
    onConflict: { whileOpen: 'join', afterClose: 'again' },
    onExhausted: 'fail',
    slo: {},
    owner: 'operations',
    alerts: ['failed', 'late'],
    histories: ['one-day'],
  }),
]
