import { describe, expect, test } from 'vitest'

import { cronCalendars, CronError } from '../../../domain/cron.ts'
import { parseInstant, toMs } from '../../../domain/time.ts'
import { wallFires } from '../../../domain/wall-schedule.ts'
import { instantFromMs } from '../../../domain/time.ts'

/** The first fires from Wednesday, 1 July 2026 on, UTC. */
function fires(cron: string, limit: number): string[] {
  const schedule = { calendars: cronCalendars(cron), timezone: 'UTC', dst: 'shift' as const }
  const fromMs = toMs(parseInstant('2026-07-01T00:00:00Z'))
  return wallFires(schedule, { fromMs, limit }).map((ms) => instantFromMs(ms).slice(0, 16))
}

describe('a cron expression', () => {
  test.each([
    ['30 6 * * *', ['2026-07-01T06:30', '2026-07-02T06:30']],
    ['@daily', ['2026-07-01T00:00', '2026-07-02T00:00']],
    ['@monthly', ['2026-07-01T00:00', '2026-08-01T00:00']],
    ['0 3 * * SUN', ['2026-07-05T03:00', '2026-07-12T03:00']],
    ['0 3 * * 7', ['2026-07-05T03:00', '2026-07-12T03:00']],
    ['0 3 * * FRI-SUN', []],
    ['*/20 8 * * *', ['2026-07-01T08:00', '2026-07-01T08:20', '2026-07-01T08:40']],
    ['5/30 8 * * *', ['2026-07-01T08:05', '2026-07-01T08:35']],
    ['0 8,20 * * *', ['2026-07-01T08:00', '2026-07-01T20:00']],
    ['0 0 1 JAN,sep *', ['2026-09-01T00:00', '2027-01-01T00:00']],
    ['0 0 31 * *', ['2026-07-31T00:00', '2026-08-31T00:00', '2026-10-31T00:00']],
    // Either day fits where both are given.
    ['0 0 3 * SAT', ['2026-07-03T00:00', '2026-07-04T00:00', '2026-07-11T00:00']],
    // A day that begins with a star is no condition beside the other.
    ['0 0 */10 * *', ['2026-07-01T00:00', '2026-07-11T00:00', '2026-07-21T00:00']],
  ])('%s fires at %j', (cron, expected) => {
    if (expected.length === 0) expect(() => cronCalendars(cron)).toThrow(CronError)
    else expect(fires(cron, expected.length)).toEqual(expected)
  })

  test.each([
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    '*-5 * * * *',
    'a * * * *',
    '@reboot',
    '*/2 */2 * * *',
  ])('%j is refused', (cron) => {
    expect(() => cronCalendars(cron)).toThrow(CronError)
  })
})
