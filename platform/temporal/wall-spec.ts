/**
 * A schedule in wall time as the server understands it. Around a change of clocks the server does not
 * do what a calendar says: besides never firing a skipped time and firing a repeated one twice, it fires
 * 01:30 twice in Berlin, where 01:30 is not repeated (server 1.32). So the hours around a change are
 * taken out of the calendars, and their fires written down as single instants.
 */
import type { CalendarSpec, CalendarSpecDescription, IntervalSpec } from '@temporalio/client'

import { DAY_MS, HOUR_MS } from '../../domain/time.ts'
import {
  clockChanges,
  fallsOn,
  firesOn,
  numbersOf,
  type CalendarNumber,
  type ClockChange,
  type WallCalendar,
  type WallDate,
  type WallSchedule,
} from '../../domain/wall-schedule.ts'

type Month = CalendarSpecDescription['month'][number]['start']
type Range = { readonly start: number; readonly end: number }
type MonthRange = { readonly start: Month; readonly end: Month }

/** The part of a spec that says when. */
export type WallSpec = {
  readonly calendars: CalendarSpec[]
  readonly intervals: IntervalSpec[]
  readonly timezone: string
}

/** Changes of clocks are written out for this year and so many more; every start renews them. */
const YEARS_AHEAD = 4

/** The last year that the server's calendars know. */
const LAST_YEAR = 2100

/**
 * The server has no single instants. An interval of twenty thousand days is one: it fires at the
 * instant and 54 years before and after it. Intervals know no zone.
 */
const ONCE_EVERY_MS = 20_000 * DAY_MS

/** The hours on either side of a change in which the server is not trusted. */
const NEAR_CHANGE_MS = 2 * HOUR_MS

/** Fires written out for one date; a schedule with more is meant to be an interval. */
const FIRES_PER_DATE_LIMIT = 50

/** A rule that would have to write out more fires than a spec should hold. A mistake in the registry. */
export class DstRuleError extends Error {
  override readonly name = 'DstRuleError'
}

/** Hours on the wall of one date that are near a change of clocks. */
type NearHours = WallDate & { readonly hours: Range }

/** The spec, with the changes of clocks of `year` and the four after it written out. */
export function wallSpec(schedule: WallSchedule, year: number): WallSpec {
  const { calendars, timezone } = schedule
  const near = nearHours(schedule, year)
  const fires = near.flatMap((hours) => firesNear(schedule, hours))
  return {
    calendars: calendars.flatMap((calendar) => withoutHours(calendar, near)),
    intervals: [...new Set(fires)].map((fireMs) => ({
      every: ONCE_EVERY_MS,
      offset: fireMs % ONCE_EVERY_MS,
    })),
    timezone,
  }
}

/** The hours near a change in which the schedule has something to fire, in order. */
function nearHours(schedule: WallSchedule, year: number): NearHours[] {
  const from = Date.UTC(year, 0, 1)
  const until = Date.UTC(year + YEARS_AHEAD + 1, 0, 1)
  const near = clockChanges(schedule.timezone, from, until).flatMap(hoursNear)
  return near.filter((hours) => calendarsIn(schedule, hours).length > 0)
}

function hoursNear({ atMs, beforeMs, afterMs }: ClockChange): NearHours[] {
  const firstMs = atMs + Math.min(beforeMs, afterMs) - NEAR_CHANGE_MS
  const lastMs = atMs + Math.max(beforeMs, afterMs) + NEAR_CHANGE_MS - 1
  const near: NearHours[] = []
  for (let dayMs = Math.floor(firstMs / DAY_MS) * DAY_MS; dayMs <= lastMs; dayMs += DAY_MS) {
    const start = Math.max(0, Math.floor((firstMs - dayMs) / HOUR_MS))
    const end = Math.min(23, Math.floor((lastMs - dayMs) / HOUR_MS))
    const date = new Date(dayMs)
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
    near.push({ year, month, day, hours: { start, end } })
  }
  return near
}

/** The schedule's calendars on that date, cut to those hours. */
function calendarsIn({ calendars }: WallSchedule, { hours, ...date }: NearHours): WallCalendar[] {
  return calendars.flatMap((calendar) => {
    const { start, end } = toRange(calendar.hour)
    const hour = { start: Math.max(start, hours.start), end: Math.min(end, hours.end) }
    return hour.start <= hour.end && fallsOn(calendar, date) ? [{ ...calendar, hour }] : []
  })
}

function firesNear(schedule: WallSchedule, hours: NearHours): number[] {
  const fires = firesOn({ ...schedule, calendars: calendarsIn(schedule, hours) }, hours)
  if (fires.length > FIRES_PER_DATE_LIMIT) {
    throw new DstRuleError(
      `${schedule.timezone}: ${fires.length} fires around a change of clocks; ` +
        'declare so frequent a schedule as an interval',
    )
  }
  return fires
}

/** The calendar at every hour but these. */
function withoutHours(calendar: WallCalendar, near: readonly NearHours[]): CalendarSpec[] {
  const base = toCalendarSpec(calendar)
  const [first] = near
  if (first === undefined) return [base]
  const years = [...new Set(near.map(({ year }) => year))]
  // A past year never fires again, so the years before the first need no calendar.
  const otherYears = rangesWithout({ start: first.year, end: LAST_YEAR }, years)
  return [
    { ...base, year: otherYears },
    ...years.flatMap((year) =>
      calendarsOfYear(
        calendar,
        year,
        near.filter((date) => date.year === year),
      ),
    ),
  ]
}

function calendarsOfYear(
  calendar: WallCalendar,
  year: number,
  near: readonly NearHours[],
): CalendarSpec[] {
  const base = toCalendarSpec(calendar)
  const months = [...new Set(near.map(({ month }) => month))].filter((month) =>
    numbersOf(calendar.month ?? WHOLE_YEAR).includes(month),
  )
  const otherMonths = rangesWithout(toRange(calendar.month ?? WHOLE_YEAR), months)
  const otherDays = months.map((month) => {
    const days = near.filter((date) => date.month === month).map(({ day }) => day)
    const { dayOfMonth = { start: 1, end: 31 } } = calendar
    return { month, dayOfMonth: rangesWithout(toRange(dayOfMonth), days) }
  })
  const otherHours = near
    .filter((date) => fallsOn(calendar, date))
    .map(({ month, day, hours }) => {
      const taken = numbersOf(hours)
      return { month, dayOfMonth: day, hour: rangesWithout(toRange(calendar.hour), taken) }
    })
  const inMonth = (month: number) => monthRange({ start: month, end: month })
  // An empty list would mean every day, or every hour: then there is nothing to say.
  return [
    ...(otherMonths.length === 0 ? [] : [{ ...base, year, month: otherMonths.map(monthRange) }]),
    ...otherDays
      .filter(({ dayOfMonth }) => dayOfMonth.length > 0)
      .map(({ month, dayOfMonth }) => ({ ...base, year, month: inMonth(month), dayOfMonth })),
    ...otherHours
      .filter(({ hour }) => hour.length > 0)
      .map(({ month, ...rest }) => ({ ...base, year, month: inMonth(month), ...rest })),
  ]
}

function rangesWithout(range: Range, numbers: readonly number[]): Range[] {
  const ranges: Range[] = []
  let start: number | null = null
  for (const value of [...numbersOf(range), range.end + 1]) {
    const isIn = value <= range.end && !numbers.includes(value)
    if (isIn) start ??= value
    if (!isIn && start !== null) {
      ranges.push({ start, end: value - 1 })
      start = null
    }
  }
  return ranges
}

const WHOLE_YEAR: Range = { start: 1, end: 12 }

function toCalendarSpec(calendar: WallCalendar): CalendarSpec {
  const { second = 0, minute, hour, dayOfMonth, dayOfWeek, month } = calendar
  return {
    second,
    minute: toRange(minute ?? 0),
    hour: toRange(hour),
    ...(dayOfMonth === undefined ? {} : { dayOfMonth: toRange(dayOfMonth) }),
    ...(dayOfWeek === undefined
      ? {}
      : { dayOfWeek: numbersOf(dayOfWeek).map((day) => DAYS[day] ?? 'SUNDAY') }),
    ...(month === undefined ? {} : { month: monthRange(toRange(month)) }),
  }
}

/** Days of the week by number. */
export const DAYS = [
  'SUNDAY',
  'MONDAY',
  'TUESDAY',
  'WEDNESDAY',
  'THURSDAY',
  'FRIDAY',
  'SATURDAY',
] as const

/** Months in order. */
export const MONTHS: readonly Month[] = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
]

function monthRange({ start, end }: Range): MonthRange {
  return { start: MONTHS[start - 1] ?? 'JANUARY', end: MONTHS[end - 1] ?? 'DECEMBER' }
}

/** Always with both ends: a range without an end means something else to the SDK. */
function toRange(value: CalendarNumber): Range {
  return typeof value === 'number' ? { start: value, end: value } : value
}
