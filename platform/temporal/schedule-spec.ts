/** What a job's Temporal Schedule should be: derived from the registry, pure and comparable. */
import { createHash } from 'node:crypto'

import type { ScheduleDescription, ScheduleOptions } from '@temporalio/client'

import type { Spread } from '../../domain/spread.ts'
import { SECOND_MS } from '../../domain/time.ts'
import type { JobSchedule } from '../../jobs/define-job.ts'
import { DEFAULT_TERMS, type JobTerms } from '../../jobs/job-environments.ts'
import type { AnyJob } from '../../jobs/registry.ts'
import { scheduledRunOptions } from './job-starter.ts'
import { readable } from './payload-codec.ts'
import { runSearchAttributes } from './search-attributes.ts'
import { DAYS, wallSpec } from './wall-spec.ts'

/** Schedules with this mark in their memo are ours: made, changed and deleted by `apply`. */
export const MANAGED_BY = 'groundstop'

/** The server fires no interval below one second reliably. */
const LEAST_INTERVAL_MS = SECOND_MS

/** The server's least catch-up window. */
const LEAST_CATCH_UP_MS = 10 * SECOND_MS

const OVERLAPS = { skip: 'SKIP', 'queue-one': 'BUFFER_ONE', beside: 'ALLOW_ALL' } as const

/** How fast business time runs: virtual seconds per wall second; 0 or 1 leaves schedules as they are. */
export type ScheduleScale = {
  readonly speed: number
  /** Changes of clocks are written out from this year on. Default: this year. */
  readonly year?: number
  /** Whose attempts and time-outs hold. Default DEFAULT_TERMS. */
  readonly terms?: JobTerms
}

/** A schedule as flat fields, the same for what should be and for what the server has. */
export type ScheduleFields = Readonly<Record<string, string | number | boolean | null>>

/** A schedule as the registry wants it. */
export type DesiredSchedule = {
  readonly scheduleId: string
  readonly options: ScheduleOptions
  readonly fields: ScheduleFields
  readonly specHash: string
  /** As declared, not scaled. */
  readonly spread: Spread | null
}

/**
 * The schedule of a job. Intervals and catch-up shrink with a fast clock, calendars do not: they are
 * wall time by definition. Undefined when the job has none.
 */
export function desiredSchedule(job: AnyJob, scale: ScheduleScale): DesiredSchedule | undefined {
  if (job.schedule === undefined) return undefined
  const withoutHash = scheduleOptions(job, scale)
  const fields = fieldsOfOptions(withoutHash)
  const specHash = createHash('sha256').update(canonicalJson(fields)).digest('hex').slice(0, 16)
  const options: ScheduleOptions = {
    ...withoutHash,
    // The schedule's own memo cannot be changed later; its action's can, and every run shows it.
    action: { ...withoutHash.action, memo: { specHash, trigger: 'schedule' } },
  }
  return { scheduleId: job.name, options, fields, specHash, spread: job.schedule.spread ?? null }
}

function scheduleOptions(job: AnyJob, scale: ScheduleScale): ScheduleOptions {
  const { schedule } = job
  if (schedule === undefined) throw new TypeError(`job ${job.name} has no schedule`)
  const scaled = (ms: number, leastMs: number): number => {
    const isWall = schedule.kind === 'interval' && schedule.pace === 'wall'
    const factor = scale.speed > 0 && !isWall ? scale.speed : 1
    return Math.max(leastMs, Math.round(ms / factor / SECOND_MS) * SECOND_MS)
  }
  // `priority` is honoured and encoded but missing from the SDK's type of a schedule's action.
  const action = {
    type: 'startWorkflow',
    workflowType: job.workflow,
    workflowId: job.name,
    args: [schedule.input],
    ...scheduledRunOptions(job, {
      priority: job.priority,
      terms: scale.terms ?? DEFAULT_TERMS,
    }),
    typedSearchAttributes: runSearchAttributes(job, 'schedule', job.priority),
  } as ScheduleOptions['action']
  return {
    scheduleId: job.name,
    spec: {
      ...(schedule.kind === 'interval'
        ? { intervals: [intervalOf(schedule, scaled)] }
        : wallSpec({ dst: 'shift', ...schedule }, scale.year ?? new Date().getUTCFullYear())),
      ...(schedule.jitterMs === undefined ? {} : { jitter: scaled(schedule.jitterMs, 0) }),
    },
    action,
    policies: {
      overlap: OVERLAPS[schedule.overlap],
      catchupWindow: scaled(schedule.catchUpMs, LEAST_CATCH_UP_MS),
      pauseOnFailure: false,
    },
    memo: {
      managedBy: readable(MANAGED_BY),
      owner: readable(job.owner),
      summary: readable(job.summary),
      runbook: readable(job.runbook),
    },
    typedSearchAttributes: runSearchAttributes(job, 'schedule', job.priority),
  }
}

type Interval = Extract<JobSchedule, { readonly kind: 'interval' }>

function intervalOf(
  { everyMs, spread }: Interval,
  scaled: (ms: number, leastMs: number) => number,
): { every: number; offset?: number } {
  const every = scaled(everyMs, LEAST_INTERVAL_MS)
  if (spread === undefined) return { every }
  // Rounded to seconds it might be as long as a shortened interval.
  return { every, offset: scaled(spread.offsetMs, 0) % every }
}

/** The fields of what should be. */
export function fieldsOfOptions(options: ScheduleOptions): ScheduleFields {
  const { spec, policies, action } = options
  const { intervals = [] } = spec
  return {
    ...intervalFields(spec.calendars, intervals),
    calendars: spec.calendars === undefined ? null : calendarText(spec.calendars),
    timezone: spec.timezone ?? null,
    jitterMs: Number(spec.jitter ?? 0),
    overlap: policies?.overlap ?? null,
    catchUpMs: Number(policies?.catchupWindow ?? 0),
    pauseOnFailure: policies?.pauseOnFailure ?? false,
    ...actionFields(action),
  }
}

/** The fields of what the server has. */
export function fieldsOfDescription(description: ScheduleDescription): ScheduleFields {
  const { spec, policies, action } = description
  const { calendars = [], intervals = [], timezone } = spec
  return {
    ...intervalFields(calendars, intervals),
    calendars: calendars.length === 0 ? null : calendarText(calendars),
    timezone: timezone === undefined || timezone === '' ? null : timezone,
    jitterMs: spec.jitter ?? 0,
    // Newer servers may know policies that this SDK does not name.
    overlap: String(policies.overlap),
    catchUpMs: policies.catchupWindow,
    pauseOnFailure: policies.pauseOnFailure,
    ...actionFields(action),
  }
}

type AnyInterval = { readonly every: string | number; readonly offset?: string | number }

/** Beside calendars an interval is a single instant. */
function intervalFields(
  calendars: readonly unknown[] | undefined,
  intervals: readonly AnyInterval[],
): ScheduleFields {
  const [first, ...others] = intervals
  if (first === undefined) return { everyMs: null, offsetMs: null, instants: null }
  if (calendars === undefined || calendars.length === 0) {
    const everyMs = others.length === 0 ? Number(first.every) : null
    return { everyMs, offsetMs: Number(first.offset ?? 0), instants: null }
  }
  const instants = intervals.map(({ every, offset }) => Number(every) + Number(offset ?? 0))
  return {
    everyMs: null,
    offsetMs: null,
    instants: instants
      .toSorted((a, b) => a - b)
      .map((ms) => new Date(ms).toISOString())
      .join(', '),
  }
}

type ActionParts = {
  readonly workflowType: string | (() => unknown)
  readonly workflowId?: string
  readonly taskQueue?: string
  readonly args?: readonly unknown[]
  readonly workflowRunTimeout?: number | string
  readonly retry?: { readonly maximumAttempts?: number }
  readonly priority?: { readonly priorityKey?: number }
  readonly staticSummary?: string
}

function actionFields(action: ActionParts): ScheduleFields {
  return {
    workflowType: String(action.workflowType),
    workflowId: action.workflowId ?? null,
    taskQueue: action.taskQueue ?? null,
    input: canonicalJson(action.args ?? []),
    runTimeoutMs: Number(action.workflowRunTimeout ?? 0),
    attempts: action.retry?.maximumAttempts ?? 1,
    priorityKey: action.priority?.priorityKey ?? 0,
    summary: action.staticSummary ?? null,
  }
}

type AnyCalendar = {
  readonly [
    Field in 'second' | 'minute' | 'hour' | 'dayOfMonth' | 'dayOfWeek' | 'month' | 'year'
  ]?: unknown
}

/** Whole ranges are spelled out by the server and left out by us: both read `*`. */
function calendarText(calendars: readonly AnyCalendar[]): string {
  return calendars
    .map(({ second, minute, hour, dayOfMonth, dayOfWeek, month, year }) => {
      const times = [minute, hour, dayOfMonth, dayOfWeek, month, year].map(rangesText).join(' ')
      const seconds = rangesText(second)
      return seconds === '0' || seconds === '*' ? times : `${times} at second ${seconds}`
    })
    .join('; ')
}

const WHOLE = new Set(['1-31', 'SUNDAY-SATURDAY', '0-6', 'JANUARY-DECEMBER', ''])

function rangesText(ranges: unknown): string {
  if (ranges === undefined) return '*'
  const list: unknown[] = Array.isArray(ranges) ? ranges : [ranges]
  const text = list.map(rangeText).join(',')
  return WHOLE.has(text) || text === DAYS.join(',') ? '*' : text
}

function rangeText(range: unknown): string {
  if (typeof range !== 'object' || range === null) return String(range)
  // The SDK's ranges: numbers or names of days and months.
  const { start, end } = range as { start: number | string; end?: number | string }
  return end === undefined || end === start ? String(start) : `${String(start)}-${String(end)}`
}

/** JSON with sorted keys: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
