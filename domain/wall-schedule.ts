/**
 * When a schedule in wall time fires, whatever the clocks of its zone do. Pure: knows no server and no
 * job.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './time.ts'
import { utcOffsetMsAt } from './zone.ts'

/** A number of a calendar field, or a range of them with both ends named. */
export type CalendarNumber = number | { readonly start: number; readonly end: number }

/** Wall-clock moments in a zone. */
export type WallCalendar = {
  /** 0-59. Default 0. */
  readonly second?: number | undefined
  /** 0-59. Default 0. */
  readonly minute?: CalendarNumber | undefined
  /** 0-23. */
  readonly hour: CalendarNumber
  /** 1-31. Default every day. */
  readonly dayOfMonth?: CalendarNumber | undefined
  /** 0-6, Sunday is 0. Default every day. */
  readonly dayOfWeek?: CalendarNumber | undefined
  /** 1-12. Default every month. */
  readonly month?: CalendarNumber | undefined
}

/**
 * What becomes of a wall time that the clocks skip (02:30 in spring), or show twice (01:30 in autumn).
 *
 * | rule  | skipped                              | shown twice  |
 * | ----- | ------------------------------------ | ------------ |
 * | shift | later, by as much as the clocks went | the first    |
 * | skip  | does not fire                        | not at all   |
 * | first | does not fire                        | the first    |
 * | last  | does not fire                        | the second   |
 * | both  | does not fire                        | both         |
 */
export type DstRule = 'skip' | 'first' | 'last' | 'both' | 'shift'

/** All rules, the default first: a daily job then runs exactly once on every day. */
export const DST_RULES: readonly DstRule[] = ['shift', 'skip', 'first', 'last', 'both']

/** Calendars, the wall that they stand on, and what a change of clocks does to them. */
export type WallSchedule = {
  readonly calendars: readonly WallCalendar[]
  /** IANA. */
  readonly timezone: string
  readonly dst: DstRule
}

/** A change of clocks: from `atMs` on the wall is `afterMs` ahead of UTC. */
export type ClockChange = {
  readonly atMs: number
  readonly beforeMs: number
  readonly afterMs: number
}

/** A date of the calendar: months and days from 1. */
export type WallDate = { readonly year: number; readonly month: number; readonly day: number }

/** A schedule that fires seldom is searched for this long. */
const SEARCH_DAYS = 5 * 366

/** The fires of one date on the wall, epoch milliseconds, in order, each once. */
export function firesOn({ calendars, timezone, dst }: WallSchedule, date: WallDate): number[] {
  const midnightMs = Date.UTC(date.year, date.month - 1, date.day)
  const fires = new Set<number>()
  for (const calendar of calendars) {
    if (!fallsOn(calendar, date)) continue
    const { second = 0, minute = 0, hour } = calendar
    for (const h of numbersOf(hour)) {
      for (const m of numbersOf(minute)) {
        const wallMs = midnightMs + h * HOUR_MS + m * MINUTE_MS + second * SECOND_MS
        for (const fireMs of instantsOf(wallMs, timezone, dst)) fires.add(fireMs)
      }
    }
  }
  return [...fires].toSorted((a, b) => a - b)
}

/** Whether the calendar's days hold on a date. */
export function fallsOn({ dayOfMonth, dayOfWeek, month }: WallCalendar, date: WallDate): boolean {
  const weekday = new Date(Date.UTC(date.year, date.month - 1, date.day)).getUTCDay()
  return holds(month, date.month) && holds(dayOfMonth, date.day) && holds(dayOfWeek, weekday)
}

/** The fires from `fromMs` on, before `untilMs`, at most `limit` of them, in order. */
export function wallFires(
  schedule: WallSchedule,
  range: { readonly fromMs: number; readonly untilMs?: number; readonly limit: number },
): number[] {
  const { fromMs, untilMs = fromMs + SEARCH_DAYS * DAY_MS, limit } = range
  const fires = new Set<number>()
  // A shifted fire may belong to the wall's date before.
  for (let dayMs = fromMs - 2 * DAY_MS; dayMs < untilMs + 2 * DAY_MS; dayMs += DAY_MS) {
    for (const fireMs of firesOn(schedule, dateOf(dayMs))) {
      if (fireMs >= fromMs && fireMs < untilMs) fires.add(fireMs)
    }
    // Dates are two days ahead of what may still come.
    if (fires.size >= limit && Math.max(...fires) < dayMs - 2 * DAY_MS) break
  }
  return [...fires].toSorted((a, b) => a - b).slice(0, limit)
}

/** The changes of a zone's clocks from `fromMs` on, before `untilMs`. */
export function clockChanges(timezone: string, fromMs: number, untilMs: number): ClockChange[] {
  const changes: ClockChange[] = []
  let earlierMs = fromMs
  let beforeMs = utcOffsetMsAt(earlierMs, timezone)
  while (earlierMs < untilMs) {
    const laterMs = Math.min(earlierMs + DAY_MS, untilMs)
    const afterMs = utcOffsetMsAt(laterMs, timezone)
    if (afterMs !== beforeMs) {
      changes.push({ atMs: changeBetween(timezone, earlierMs, laterMs), beforeMs, afterMs })
    }
    earlierMs = laterMs
    beforeMs = afterMs
  }
  return changes
}

/** The numbers of a field, in order. */
export function numbersOf(field: CalendarNumber): number[] {
  const { start, end } = typeof field === 'number' ? { start: field, end: field } : field
  return Array.from({ length: end - start + 1 }, (_, i) => start + i)
}

/** Whether every field of a calendar is a number, or a range, of its own. */
export function isCalendar(calendar: WallCalendar): boolean {
  const { second, minute, hour, dayOfMonth, dayOfWeek, month } = calendar
  return (
    isWithin(second, 0, 59) &&
    isWithin(minute, 0, 59) &&
    isWithin(hour, 0, 23) &&
    isWithin(dayOfMonth, 1, 31) &&
    isWithin(dayOfWeek, 0, 6) &&
    isWithin(month, 1, 12)
  )
}

function isWithin(value: CalendarNumber | undefined, least: number, greatest: number): boolean {
  if (value === undefined) return true
  const { start, end } = typeof value === 'number' ? { start: value, end: value } : value
  const isRange = Number.isInteger(start) && Number.isInteger(end) && start <= end
  return isRange && start >= least && end <= greatest
}

function holds(field: CalendarNumber | undefined, value: number): boolean {
  if (field === undefined) return true
  const { start, end } = typeof field === 'number' ? { start: field, end: field } : field
  return start <= value && value <= end
}

/** When the wall shows the time, after the rule. `wallMs` is the wall's time as if it were UTC. */
function instantsOf(wallMs: number, timezone: string, dst: DstRule): number[] {
  // No zone changes twice within the two days around a wall time.
  const before = wallMs - utcOffsetMsAt(wallMs - DAY_MS, timezone)
  const after = wallMs - utcOffsetMsAt(wallMs + DAY_MS, timezone)
  const shown = [...new Set([before, after])]
    .filter((candidate) => candidate + utcOffsetMsAt(candidate, timezone) === wallMs)
    .toSorted((a, b) => a - b)
  const [first, second] = shown
  // Read with the clocks as they were, it lies later by as much as they went.
  if (first === undefined) return dst === 'shift' ? [before] : []
  if (second === undefined) return shown
  switch (dst) {
    case 'skip':
      return []
    case 'shift':
    case 'first':
      return [first]
    case 'last':
      return [second]
    case 'both':
      return shown
  }
}

function changeBetween(timezone: string, earlierMs: number, laterMs: number): number {
  const beforeMs = utcOffsetMsAt(earlierMs, timezone)
  let low = Math.floor(earlierMs / SECOND_MS)
  let high = Math.ceil(laterMs / SECOND_MS)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (utcOffsetMsAt(middle * SECOND_MS, timezone) === beforeMs) low = middle
    else high = middle
  }
  return high * SECOND_MS
}

function dateOf(epochMs: number): WallDate {
  const date = new Date(epochMs)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}
