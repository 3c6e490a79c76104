/** Hours, days, weeks and months in UTC: where one begins and ends, and how people name it. Pure. */
import { addMs, DAY_MS, HOUR_MS, instantFromMs, toMs, type Instant } from '../time.ts'

/** The kinds of periods that figures are kept of, the shortest first. */
export const PERIOD_KINDS = ['hour', 'day', 'week', 'month'] as const
export type PeriodKind = (typeof PERIOD_KINDS)[number]

/** Whose time: what happened in the book, or what the platform did. On wall time both are one. */
export const PERIOD_CLOCKS = ['business', 'wall'] as const
export type PeriodClock = (typeof PERIOD_CLOCKS)[number]

/** From `startsAt` up to, and without, `endsAt`. */
export type Period = {
  readonly kind: PeriodKind
  readonly startsAt: Instant
  readonly endsAt: Instant
}

/** Names of periods as people and inputs write them. A week has the date of its Sunday. */
export const PERIOD_LABELS: Readonly<Record<PeriodKind, RegExp>> = {
  hour: /^\d{4}-\d{2}-\d{2}T\d{2}$/,
  day: /^\d{4}-\d{2}-\d{2}$/,
  week: /^\d{4}-\d{2}-\d{2}$/,
  month: /^\d{4}-\d{2}$/,
}

/** The period that an instant is in. */
export function periodAt(kind: PeriodKind, at: Instant): Period {
  const startMs = startOf(kind, toMs(at))
  return { kind, startsAt: instantFromMs(startMs), endsAt: instantFromMs(endOf(kind, startMs)) }
}

/** The period before. */
export function periodBefore({ kind, startsAt }: Period): Period {
  return periodAt(kind, addMs(startsAt, -1))
}

/** How people name it: `2013-02-08T17`, `2013-02-08`, the Sunday `2013-02-03` of a week, `2013-02`. */
export function labelOf({ kind, startsAt }: Pick<Period, 'kind' | 'startsAt'>): string {
  return startsAt.slice(0, LABEL_LENGTH[kind])
}

/** The period of a name; null when there is none: a date that is not, a week that begins otherwise. */
export function periodOf(kind: PeriodKind, label: string): Period | null {
  if (!PERIOD_LABELS[kind].test(label)) return null
  const startMs = Date.parse(`${label}${COMPLETED[kind]}`)
  if (Number.isNaN(startMs)) return null
  const period = periodAt(kind, instantFromMs(startMs))
  return labelOf(period) === label ? period : null
}

const LABEL_LENGTH: Readonly<Record<PeriodKind, number>> = { hour: 13, day: 10, week: 10, month: 7 }

const COMPLETED: Readonly<Record<PeriodKind, string>> = {
  hour: ':00:00.000Z',
  day: 'T00:00:00.000Z',
  week: 'T00:00:00.000Z',
  month: '-01T00:00:00.000Z',
}

/** 1970-01-04 was the first Sunday. */
const FIRST_SUNDAY_MS = 3 * DAY_MS
const WEEK_MS = 7 * DAY_MS

function startOf(kind: PeriodKind, ms: number): number {
  switch (kind) {
    case 'hour':
      return Math.floor(ms / HOUR_MS) * HOUR_MS
    case 'day':
      return Math.floor(ms / DAY_MS) * DAY_MS
    case 'week':
      return Math.floor((ms - FIRST_SUNDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_SUNDAY_MS
    case 'month': {
      const date = new Date(ms)
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
    }
  }
}

function endOf(kind: PeriodKind, startMs: number): number {
  switch (kind) {
    case 'hour':
      return startMs + HOUR_MS
    case 'day':
      return startMs + DAY_MS
    case 'week':
      return startMs + WEEK_MS
    case 'month': {
      const date = new Date(startMs)
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
    }
  }
}
