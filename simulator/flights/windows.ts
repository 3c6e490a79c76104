/** Which dates AeroAPI v4 lets each endpoint ask for, relative to now. */
import { DAY_MS } from '../../domain/time.ts'
import type { Answer } from '../http-server.ts'
import { badArgument } from './pages.ts'

const STATUS_PAST_MS = 10 * DAY_MS
const STATUS_FUTURE_MS = 2 * DAY_MS
const SCHEDULES_PAST_MS = 92 * DAY_MS
const SCHEDULES_FUTURE_MS = 366 * DAY_MS
const SCHEDULES_SPAN_MS = 21 * DAY_MS
const HISTORY_FROM_MS = Date.UTC(2011, 0, 1)
const HISTORY_SPAN_MS = 7 * DAY_MS

/** Scheduled departures in [fromMs, toMs). */
export type Window = { readonly fromMs: number; readonly toMs: number }

/** A window, not the refusal in its place. */
export function isWindow(value: Window | Answer): value is Window {
  return 'fromMs' in value
}

/** `/flights/{ident}`: both ends within 10 days back and 2 days ahead; the default is all of it. */
export function statusWindow(query: URLSearchParams, nowMs: number): Window | Answer {
  const earliest = nowMs - STATUS_PAST_MS
  const latest = nowMs + STATUS_FUTURE_MS
  const fromMs = readTime(query.get('start')) ?? earliest
  const toMs = readTime(query.get('end')) ?? latest
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) return badArgument('start or end is not a date')
  for (const [name, value] of Object.entries({ start: fromMs, end: toMs })) {
    if (value < earliest || value > latest) {
      return badArgument(`${name} must be within 10 days in the past and 2 days in the future`)
    }
  }
  return ordered({ fromMs, toMs })
}

/** `/history/flights/{ident}`: from 2011 on, not in the future, 7 days at most. */
export function historyWindow(query: URLSearchParams, nowMs: number): Window | Answer {
  const toMs = readTime(query.get('end')) ?? nowMs
  const fromMs = readTime(query.get('start')) ?? toMs - HISTORY_SPAN_MS
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) return badArgument('start or end is not a date')
  if (fromMs < HISTORY_FROM_MS || fromMs > nowMs || toMs > nowMs) {
    return badArgument('start and end must be from 2011 on and not in the future')
  }
  if (toMs - fromMs > HISTORY_SPAN_MS)
    return badArgument('start and end are more than 7 days apart')
  return ordered({ fromMs, toMs })
}

/** `/schedules/{start}/{end}`: 3 months back to 1 year ahead, 3 weeks at most. */
export function scheduleWindow(
  dates: { start: string; end: string },
  nowMs: number,
): Window | Answer {
  const fromMs = readTime(dates.start) ?? Number.NaN
  const toMs = readTime(dates.end) ?? Number.NaN
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) return badArgument('dates are not ISO 8601')
  if (fromMs < nowMs - SCHEDULES_PAST_MS) return badArgument('date_start is over 3 months ago')
  if (toMs > nowMs + SCHEDULES_FUTURE_MS) return badArgument('date_end is over a year ahead')
  if (toMs - fromMs > SCHEDULES_SPAN_MS) return badArgument('dates are more than 3 weeks apart')
  return ordered({ fromMs, toMs })
}

function ordered(window: Window): Window | Answer {
  return window.fromMs <= window.toMs ? window : badArgument('the end is before the start')
}

/** Epoch milliseconds of a date (00:00Z) or a date-time; NaN when it is neither, null when absent. */
function readTime(text: string | null): number | null {
  if (text === null) return null
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text)
  const isDateTime = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:?\d{2})$/.test(text)
  return isDate || isDateTime ? Date.parse(text) : Number.NaN
}
