import { Temporal } from 'temporal-polyfill'
import { describe, expect, it } from 'vitest'

import { DAY_MS } from '../../../domain/time.ts'
import {
  clockChanges,
  DST_RULES,
  firesOn,
  wallFires,
  type ClockChange,
  type DstRule,
  type WallCalendar,
} from '../../../domain/wall-schedule.ts'

const NEW_YORK = 'America/New_York'
const SPRING = { year: 2027, month: 3, day: 14 }
const AUTUMN = { year: 2027, month: 11, day: 7 }

function fires(dst: DstRule, calendar: WallCalendar, date: typeof SPRING, timezone = NEW_YORK) {
  return firesOn({ calendars: [calendar], timezone, dst }, date).map((ms) =>
    new Date(ms).toISOString().slice(0, 16),
  )
}

describe('02:30 in spring, which the clocks skip', () => {
  it.each<[DstRule, string[]]>([
    ['shift', ['2027-03-14T07:30']],
    ['skip', []],
    ['first', []],
    ['last', []],
    ['both', []],
  ])('under the rule %s fires at %j', (rule, expected) => {
    expect(fires(rule, { hour: 2, minute: 30 }, SPRING)).toEqual(expected)
  })
})

describe('01:30 in autumn, which the clocks show twice', () => {
  it.each<[DstRule, string[]]>([
    ['shift', ['2027-11-07T05:30']],
    ['skip', []],
    ['first', ['2027-11-07T05:30']],
    ['last', ['2027-11-07T06:30']],
    ['both', ['2027-11-07T05:30', '2027-11-07T06:30']],
  ])('under the rule %s fires at %j', (rule, expected) => {
    expect(fires(rule, { hour: 1, minute: 30 }, AUTUMN)).toEqual(expected)
  })
})

describe('a minute outside the change', () => {
  it.each(DST_RULES)('fires once under the rule %s', (rule) => {
    expect(fires(rule, { hour: 1, minute: 59 }, SPRING)).toEqual(['2027-03-14T06:59'])
    expect(fires(rule, { hour: 3, minute: 0 }, SPRING)).toEqual(['2027-03-14T07:00'])
    expect(fires(rule, { hour: 0, minute: 59 }, AUTUMN)).toEqual(['2027-11-07T04:59'])
    expect(fires(rule, { hour: 2, minute: 0 }, AUTUMN)).toEqual(['2027-11-07T07:00'])
  })
})

it('a shifted fire that meets another is one fire', () => {
  const hourly = { hour: { start: 0, end: 23 }, minute: 30 }
  expect(fires('shift', hourly, SPRING)).toHaveLength(23)
  expect(fires('both', hourly, AUTUMN)).toHaveLength(25)
})

it('a midnight that the clocks skip fires an hour later, on its date', () => {
  const date = { year: 2027, month: 9, day: 5 }
  expect(fires('shift', { hour: 0 }, date, 'America/Santiago')).toEqual(['2027-09-05T04:00'])
})

it('a change of half an hour shifts by half an hour', () => {
  const date = { year: 2027, month: 10, day: 3 }
  const at = { hour: 2, minute: 15 }
  expect(fires('shift', at, date, 'Australia/Lord_Howe')).toEqual(['2027-10-02T15:45'])
})

it('days of the week and of the month both have to hold', () => {
  const schedule = {
    calendars: [{ hour: 9, dayOfWeek: { start: 1, end: 5 }, dayOfMonth: { start: 1, end: 7 } }],
    timezone: 'UTC',
    dst: 'shift',
  } as const
  const fromMs = Date.UTC(2027, 4, 1)
  const days = wallFires(schedule, { fromMs, untilMs: Date.UTC(2027, 5, 1), limit: 99 })
  expect(days.map((ms) => new Date(ms).getUTCDate())).toEqual([3, 4, 5, 6, 7])
})

it('the range includes its beginning and not its end', () => {
  const schedule = { calendars: [{ hour: 9 }], timezone: 'UTC', dst: 'shift' } as const
  const fromMs = Date.UTC(2027, 4, 1, 9)
  expect(wallFires(schedule, { fromMs, untilMs: fromMs + 86_400_000, limit: 9 })).toEqual([fromMs])
  expect(wallFires(schedule, { fromMs: fromMs + 1, limit: 1 })).toEqual([fromMs + 86_400_000])
})

/** What the standard's own calendar library says of a wall time in a zone. */
const STANDARD: Readonly<Record<Exclude<DstRule, 'skip' | 'both'>, 'earlier' | 'later'>> = {
  shift: 'earlier',
  first: 'earlier',
  last: 'later',
}

/** By the standard's library: the instants at which a wall time is shown, after the rule. */
function standardFires(wall: Temporal.PlainDateTime, timezone: string, rule: DstRule): number[] {
  const earlier = wall.toZonedDateTime(timezone, { disambiguation: 'earlier' })
  const later = wall.toZonedDateTime(timezone, { disambiguation: 'later' })
  const isSkipped = !earlier.toPlainDateTime().equals(wall)
  if (isSkipped) {
    const shifted = wall.toZonedDateTime(timezone, { disambiguation: 'compatible' })
    return rule === 'shift' ? [shifted.epochMilliseconds] : []
  }
  if (earlier.equals(later)) return [earlier.epochMilliseconds]
  if (rule === 'skip') return []
  if (rule === 'both') return [earlier.epochMilliseconds, later.epochMilliseconds]
  return [(STANDARD[rule] === 'earlier' ? earlier : later).epochMilliseconds]
}

/** The dates on the wall just before and just after a change. */
function datesAround({ atMs, beforeMs, afterMs }: ClockChange) {
  const days = new Set([atMs + beforeMs - 1, atMs + afterMs].map((ms) => Math.floor(ms / DAY_MS)))
  return [...days].map((day) => {
    const date = new Date(day * DAY_MS)
    return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
  })
}

it('three minutes of every hour of both changes of 2027, in every zone, fires as the standard’s calendar says', () => {
  const quarters = { hour: { start: 0, end: 23 }, minute: 0 } as const
  let checked = 0
  for (const timezone of Intl.supportedValuesOf('timeZone')) {
    const changes = clockChanges(timezone, Date.UTC(2027, 0, 1), Date.UTC(2028, 0, 1))
    for (const date of changes.flatMap(datesAround)) {
      for (const rule of DST_RULES) {
        for (const minute of [0, 15, 45]) {
          const schedule = { calendars: [{ ...quarters, minute }], timezone, dst: rule }
          const midnight = Temporal.PlainDateTime.from(date)
          const expected = Array.from({ length: 24 }, (_, hour) =>
            standardFires(midnight.with({ hour, minute }), timezone, rule),
          )
          expect(firesOn(schedule, date), `${timezone} ${rule}`).toEqual(
            [...new Set(expected.flat())].toSorted((a, b) => a - b),
          )
          checked += 24
        }
      }
    }
  }
  // Some 130 zones change their clocks, mostly twice.
  expect(checked).toBeGreaterThan(90_000)
})
