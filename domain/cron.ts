/**
 * Cron expressions as calendars: five fields, minute to day of the week, with names of months and days,
 * lists, ranges and steps, and `@hourly` and the like. Pure.
 */
import type { CalendarNumber, WallCalendar } from './wall-schedule.ts'

/** Not a cron expression that can be kept. */
export class CronError extends Error {
  override readonly name = 'CronError'
}

type Range = { readonly start: number; readonly end: number }
type Field = { readonly name: string; readonly range: Range; readonly words: readonly string[] }

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

const MINUTE: Field = { name: 'minute', range: { start: 0, end: 59 }, words: [] }
const HOUR: Field = { name: 'hour', range: { start: 0, end: 23 }, words: [] }
const DAY_OF_MONTH: Field = { name: 'day of the month', range: { start: 1, end: 31 }, words: [] }
/** Words count from the least number. */
const MONTH: Field = { name: 'month', range: { start: 1, end: 12 }, words: MONTHS }
/** Both 0 and 7 are Sunday. */
const DAY_OF_WEEK: Field = { name: 'day of the week', range: { start: 0, end: 7 }, words: DAYS }

const NAMED: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** A schedule of more calendars is meant to be an interval. */
const CALENDARS_AT_MOST = 60

const TEXT_LIMIT = 200

/**
 * The calendars of an expression, as `30 6 * * MON-FRI`. As in every cron, a day fits when either of day
 * of the month and day of the week does, where both are given. Throws CronError, naming the field.
 */
export function cronCalendars(text: string): WallCalendar[] {
  if (text.length > TEXT_LIMIT) throw new CronError(`more than ${TEXT_LIMIT} characters`)
  const trimmed = text.trim()
  const fields = (NAMED[trimmed.toLowerCase()] ?? trimmed).split(/\s+/)
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = ''] = fields
  if (fields.length !== 5) throw new CronError('five fields, as 30 6 * * MON-FRI')
  const days = daysOf(dayOfMonth, dayOfWeek)
  const calendars = days.flatMap((day) =>
    rangesOf(month, MONTH).flatMap((inMonth) =>
      rangesOf(hour, HOUR).flatMap((atHour) =>
        rangesOf(minute, MINUTE).map((atMinute) => ({
          minute: numberOf(atMinute),
          hour: numberOf(atHour),
          ...day,
          ...(isWhole(inMonth, MONTH) ? {} : { month: numberOf(inMonth) }),
        })),
      ),
    ),
  )
  if (calendars.length > CALENDARS_AT_MOST) {
    throw new CronError(`${calendars.length} different times: take an interval instead`)
  }
  return calendars
}

type Day = Pick<WallCalendar, 'dayOfMonth' | 'dayOfWeek'>

function daysOf(dayOfMonth: string, dayOfWeek: string): Day[] {
  const ofMonth = rangesOf(dayOfMonth, DAY_OF_MONTH).map((range) => ({
    dayOfMonth: numberOf(range),
  }))
  const ofWeek = weekdaysOf(dayOfWeek).map((range) => ({ dayOfWeek: numberOf(range) }))
  if (dayOfMonth.startsWith('*') && dayOfWeek.startsWith('*')) {
    // A step of one field holds beside the whole of the other.
    if (dayOfWeek !== '*' && dayOfMonth !== '*') {
      return ofMonth.flatMap((day) => ofWeek.map((weekday) => ({ ...day, ...weekday })))
    }
    if (dayOfWeek !== '*') return ofWeek
    return dayOfMonth === '*' ? [{}] : ofMonth
  }
  if (dayOfWeek.startsWith('*')) return ofMonth
  if (dayOfMonth.startsWith('*')) return ofWeek
  return [...ofMonth, ...ofWeek]
}

/** Seven is Sunday again. */
function weekdaysOf(text: string): Range[] {
  const days = new Set(numbersOf(text, DAY_OF_WEEK).map((day) => day % DAYS.length))
  return runsOf([...days])
}

function rangesOf(text: string, field: Field): Range[] {
  return runsOf(numbersOf(text, field))
}

function numbersOf(text: string, field: Field): number[] {
  return text.split(',').flatMap((part) => numbersOfPart(part, field))
}

function numbersOfPart(part: string, field: Field): number[] {
  const match = /^(?<from>\*|\w+)(?:-(?<to>\w+))?(?:\/(?<step>\d{1,2}))?$/.exec(part)
  const { from, to, step } = match?.groups ?? {}
  if (from === undefined || (from === '*' && to !== undefined)) throw wrong(field, part)
  const stepBy = step === undefined ? 1 : Number(step)
  const start = from === '*' ? field.range.start : valueOf(from, field, part)
  // `5/10` is from 5 to the end, as `5-59/10`.
  const last = step !== undefined || from === '*' ? greatestOf(field) : start
  const end = to === undefined ? last : valueOf(to, field, part)
  if (stepBy === 0 || start > end) throw wrong(field, part)
  const count = Math.floor((end - start) / stepBy) + 1
  return Array.from({ length: count }, (_, i) => start + i * stepBy)
}

function greatestOf({ range, words }: Field): number {
  return words === DAYS ? DAYS.length - 1 : range.end
}

function valueOf(text: string, field: Field, part: string): number {
  const word = field.words.indexOf(text.toUpperCase())
  const value = word >= 0 ? field.range.start + word : Number(text)
  const { start, end } = field.range
  if (!Number.isInteger(value) || value < start || value > end) throw wrong(field, part)
  return value
}

function wrong({ name, range }: Field, part: string): CronError {
  return new CronError(`${name}: ${JSON.stringify(part)} is not of ${range.start} to ${range.end}`)
}

/** Numbers as ranges of those that follow each other. */
function runsOf(numbers: readonly number[]): Range[] {
  const runs: Range[] = []
  for (const value of [...new Set(numbers)].toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last !== undefined && last.end === value - 1)
      runs[runs.length - 1] = { ...last, end: value }
    else runs.push({ start: value, end: value })
  }
  return runs
}

function isWhole({ start, end }: Range, { range }: Field): boolean {
  return start === range.start && end === range.end
}

function numberOf({ start, end }: Range): CalendarNumber {
  return start === end ? start : { start, end }
}
