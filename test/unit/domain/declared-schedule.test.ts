import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { spreadOf } from '../../../domain/spread.ts'
import {
  defineJob,
  JobDefinitionError,
  type DeclaredSchedule,
  type JobSchedule,
} from '../../../jobs/define-job.ts'

const RULES = { overlap: 'skip', catchUpMs: 60_000, input: {} } as const

function declared(schedule: DeclaredSchedule): JobSchedule | undefined {
  return job(schedule).schedule
}

function job(
  schedule: DeclaredSchedule,
  order: { readonly after?: readonly string[]; readonly afterWaitMs?: number } = {},
) {
  return defineJob({
    ...order,
    name: 'example',
    summary: 's',
    description: 'd',
    input: z.strictObject({}),
    result: z.strictObject({}),
    schedule,
    queue: 'reports',
    priority: 'LOW',
    retry: { attempts: 1 },
    timeoutMs: 60_000,
    workflowKey: () => 'all',
    onConflict: { whileOpen: 'join', afterClose: 'again' },
    onExhausted: 'fail',
    slo: {},
    owner: 'platform',
    alerts: [],
    histories: [],
  })
}

describe('a schedule of the registry', () => {
  test('in words is the interval in milliseconds', () => {
    const schedule = declared({ kind: 'interval', every: '5 seconds', ...RULES })
    expect(schedule).toEqual({ kind: 'interval', everyMs: 5_000, ...RULES })
  })

  test('by cron is the calendars of the expression, with zone and rule', () => {
    const zone = { timezone: 'Europe/Berlin', dst: 'skip' } as const
    const schedule = declared({ kind: 'cron', cron: '30 2 * * MON', ...zone, ...RULES })
    const calendars = [{ minute: 30, hour: 2, dayOfWeek: 1 }]
    expect(schedule).toEqual({ kind: 'calendar', calendars, ...zone, ...RULES })
  })

  test('with a spread is later by the offset of its name, within the hour', () => {
    const spread = spreadOf('example', 600_000)
    expect(declared({ kind: 'interval', every: '1 hour', spread: '10 minutes', ...RULES })).toEqual(
      {
        ...{ kind: 'interval', everyMs: 3_600_000, spread, ...RULES },
      },
    )
    const zone = { timezone: 'UTC', ...RULES }
    const offsetS = spread.offsetMs / 1_000
    expect(offsetS).toBeGreaterThan(60)
    const shifted = { hour: 2, minute: 50 + Math.floor(offsetS / 60), second: offsetS % 60 }
    const calendar = { kind: 'cron', cron: '50 2 * * *', spread: '10 minutes', ...zone } as const
    expect(declared(calendar)).toEqual({
      ...{ kind: 'calendar', calendars: [shifted], spread, ...zone },
    })
  })

  const INTERVAL = { kind: 'interval', every: '10 minutes', ...RULES } as const
  const CRON = { kind: 'cron', timezone: 'UTC', ...RULES } as const

  test.each<[string, DeclaredSchedule]>([
    ['longer than its interval', { ...INTERVAL, spread: '601 seconds' }],
    ['of parts of seconds', { ...INTERVAL, spread: '1500 ms' }],
    ['beyond its hour', { ...CRON, cron: '51 2 * * *', spread: '10 minutes' }],
    ['of many minutes', { ...CRON, cron: '0-5 2 * * *', spread: '10 minutes' }],
  ])('with a spread %s is refused', (_what, schedule) => {
    expect(() => declared(schedule)).toThrow(JobDefinitionError)
  })

  test.each([
    ['no duration', { kind: 'interval', every: 'soon', ...RULES }],
    ['parts of seconds', { kind: 'interval', every: '1500 ms', ...RULES }],
    ['no cron expression', { kind: 'cron', cron: '61 * * * *', timezone: 'UTC', ...RULES }],
    ['no zone', { kind: 'cron', cron: '@daily', timezone: 'Mars/Base', ...RULES }],
  ] as const)('with %s is refused', (_what, schedule) => {
    expect(() => declared(schedule)).toThrow(JobDefinitionError)
  })
})

describe('a job after others', () => {
  const schedule = { kind: 'interval', every: '1 hour', ...RULES } as const

  test('waits less than its own time allows', () => {
    expect(() => job(schedule, { after: ['other'], afterWaitMs: 59_000 })).not.toThrow()
    expect(() => job(schedule, { after: ['other'], afterWaitMs: 60_000 })).toThrow(
      JobDefinitionError,
    )
  })

  test.each([[[]], [['other', 'other']], [['example']]])('%j is refused', (after) => {
    expect(() => job(schedule, { after, afterWaitMs: 1_000 })).toThrow(JobDefinitionError)
  })
})
