/**
 * What a job type declares, once: everything about it that is not code. The schedule, the starter,
 * worker queues, validation at every door, documents and alerts follow from it. Plain data and zod.
 */
import type { z } from 'zod'

import { CronError, cronCalendars } from '../domain/cron.ts'
import { DurationError, durationMs } from '../domain/duration.ts'
import { isWithinLimitBounds, type JobLimits } from '../domain/job-limits.ts'
import { spreadOf, type Spread } from '../domain/spread.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/time.ts'
import { isCalendar, type DstRule, type WallCalendar } from '../domain/wall-schedule.ts'
import { isZone } from '../domain/zone.ts'

/** How urgent a run is among those waiting for the same queue's workers. */
export type JobPriority = 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL'

/** All priorities, most urgent first. */
export const JOB_PRIORITIES: readonly JobPriority[] = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']

/** Temporal's priority keys: 1 is dispatched first, 5 last; a run without one has 3. */
export const PRIORITY_KEYS: Readonly<Record<JobPriority, number>> = {
  CRITICAL: 1,
  HIGH: 2,
  MEDIUM: 3,
  LOW: 5,
}

/** One Temporal task queue each, with its own workers, limits and pause. */
export type JobQueue = 'monitoring' | 'payouts' | 'notifications' | 'maintenance' | 'reports'

/** Where jobs may be enabled or not. */
export type JobEnvironment = 'development' | 'staging' | 'production'

/** When a job recurs. A change takes effect at the next fire; runs in flight are not touched. */
export type JobSchedule = ScheduleTimes &
  Omit<ScheduleRules, 'spread'> & {
    /** What `spread` comes to. Calendars are later by the offset already, intervals are counted from it. */
    readonly spread?: Spread
  }

type ScheduleTimes =
  | {
      readonly kind: 'interval'
      /** Milliseconds of business time between fires, whole seconds, at least 1,000. */
      readonly everyMs: number
      /**
       * What the interval is counted in: `business` time, which a fast virtual clock shortens, or `wall`
       * time, for what watches the platform itself. Default `business`.
       */
      readonly pace?: 'business' | 'wall'
    }
  | {
      readonly kind: 'calendar'
      /** Wall-clock moments in `timezone`. "Daily at" is always a calendar: intervals ignore zones. */
      readonly calendars: readonly WallCalendar[]
      /** IANA zone of the calendars. */
      readonly timezone: string
      /**
       * What becomes of times that a change of clocks skips or shows twice. Default `shift`: later by as
       * much as the clocks went, and the first of two, so that a daily job runs once on every day.
       */
      readonly dst?: DstRule
    }

type ScheduleRules = {
  /** What a fire does while the last run is open: drop itself, wait its turn, or run beside. */
  readonly overlap: 'skip' | 'queue-one' | 'beside'
  /** How overdue a missed run may start, milliseconds. The server's least is 10,000. */
  readonly catchUpMs: number
  /** Spread of the start, milliseconds, same for every fire of one nominal time. Default 0. */
  readonly jitterMs?: number
  /**
   * A window, as `10 minutes`: every fire is later than its named time by an offset within it that
   * follows from the job's name and never changes. At most the interval; of calendars, each with a
   * single minute, at most what is left of the hour. Default none.
   */
  readonly spread?: string
  /**
   * Also runs when workers start, beside its times: once for all that start within a minute, not while
   * paused or open. Default false.
   */
  readonly onStartup?: boolean
  /** The fixed input of every scheduled run; it must satisfy the job's own schema. */
  readonly input: Readonly<Record<string, unknown>>
}

/** Of the run as a whole; activities declare their own. Applies to runs started afterwards. */
export type JobRetry = {
  /**
   * Runs in all, the first included: 1-100, everywhere or by environment. 1 never retries. Absent: the
   * installation's, DEFAULT_RETRIES and one.
   */
  readonly attempts?: number | Readonly<Record<JobEnvironment, number>>
  /** Wait before the second run, milliseconds. Default 1,000. The server adds its own jitter. */
  readonly initialMs?: number
  /** Factor from wait to wait, at least 1. Default 2. */
  readonly backoff?: number
  /** The longest wait, milliseconds. Default 60,000. */
  readonly capMs?: number
}

/**
 * What a second start of the same workflow id does. While one is open: `join` returns the open run,
 * `reject` refuses, `beside` gives the second its own id, `queue` has the second wait its turn, in order, and
 * refuses those beyond `waitingAtMost` (1-20). After one has closed: `again` starts anew,
 * `again-after-failure` only if the last one did not succeed, `never` refuses (within retention).
 */
export type JobConflict =
  | {
      readonly whileOpen: 'join' | 'reject' | 'beside'
      readonly afterClose: 'again' | 'again-after-failure' | 'never'
    }
  | { readonly whileOpen: 'queue'; readonly afterClose: 'again'; readonly waitingAtMost: number }

/**
 * What a job is in an environment: `scheduled`; `when-asked`, scheduled where SCHEDULER_ENABLED or
 * SCHEDULER_JOBS asks for it; `by-hand`, not scheduled; `off`, not startable either.
 */
export type JobPresence = 'scheduled' | 'when-asked' | 'by-hand' | 'off'

/** What a job is where. A change removes or makes the schedule at the next start of a worker. */
export type JobEnvironments = Readonly<Record<JobEnvironment, JobPresence>>

/** A job as declared, with what follows from its name. */
export type JobDefinition<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Result extends z.ZodType = z.ZodType,
> = {
  /** Public id, kebab-case, at most 48 characters. Never renamed: run ids and schedules carry it. */
  readonly name: Name
  /** The public constant, `FLIGHT_MONITOR`; follows from the name. */
  readonly type: string
  /** The exported workflow function, `flightMonitor`; follows from the name. */
  readonly workflow: string
  /** One line, for lists. */
  readonly summary: string
  /** A paragraph, for the Web UI, the API and documents. */
  readonly description: string
  /** Strict. Checked at every door. New fields are optional, so that runs in flight stay valid. */
  readonly input: Input
  /** Strict. What a finished run returns. */
  readonly result: Result
  /** Absent: only on demand. */
  readonly schedule?: JobSchedule
  /** Which workers carry it out. A change moves only runs started afterwards. */
  readonly queue: JobQueue
  /** Default of a run; a start may override it. */
  readonly priority: JobPriority
  /** Absent: as the installation has it, DEFAULT_RETRIES. */
  readonly retry?: JobRetry
  /**
   * Longest duration of one attempt, milliseconds, at least 1,000. Null: a run may stay open. Absent: the
   * installation's JOB_TIMEOUT.
   */
  readonly timeoutMs?: number | null
  /** The business key of a run, without the job's name in front: letters, digits, `-_.`. */
  readonly workflowKey: (input: z.output<Input>) => string
  readonly onConflict: JobConflict
  /**
   * Over all workers; the setting `jobs.limits` replaces them. Runs that wait keep to priority and order, and
   * their wait counts into `timeoutMs`. Once declared it stays, if only as `{}`, while runs of it are open.
   */
  readonly limits?: JobLimits
  /**
   * Names of jobs that must have succeeded first for the same nominal time, which is the last time of
   * theirs that is not after this job's. Only scheduled runs wait. None is named more than once.
   */
  readonly after?: readonly string[]
  /** How long a run waits for those, milliseconds, less than `timeoutMs`. Default 10 minutes. */
  readonly afterWaitMs?: number
  /** `fail`: the next fire covers it. `park`: stays open for an operator, since money is owed. */
  readonly onExhausted: 'fail' | 'park'
  readonly environments: JobEnvironments
  /** Target: a run ends within this, or the last success is at most this old. Milliseconds. */
  readonly slo: { readonly durationMs?: number; readonly freshnessMs?: number }
  /** Who answers for it: `operations`, `finance`, `platform`. */
  readonly owner: string
  /** Path of the page that says what to do when it fails. */
  readonly runbook: string
  /** What is told to the owner, beyond the log: closed set. */
  readonly alerts: readonly JobAlert[]
  /** Names of the recorded histories that a change of the workflow must still replay. */
  readonly histories: readonly string[]
}

/** What about a job is told to its owner. */
export type JobAlert = 'failed' | 'late' | 'parked'

type Derived = 'type' | 'workflow' | 'runbook' | 'environments' | 'schedule'

type IntervalTimes = Extract<ScheduleTimes, { readonly kind: 'interval' }>
type CalendarTimes = Extract<ScheduleTimes, { readonly kind: 'calendar' }>

/** A schedule as a job file writes it: also an interval in words, and calendars as a cron expression. */
export type DeclaredSchedule = ScheduleRules &
  (
    | ScheduleTimes
    /** `every`: as `5 seconds` or `15 minutes`. */
    | (Omit<IntervalTimes, 'everyMs'> & { readonly every: string })
    /** `cron`: five fields, as `30 6 * * MON-FRI`. */
    | (Omit<CalendarTimes, 'kind' | 'calendars'> & { readonly kind: 'cron'; readonly cron: string })
  )

/** What a job file writes: the definition without what follows from the name, or has a default. */
export type JobDeclaration<
  Name extends string,
  Input extends z.ZodType,
  Result extends z.ZodType,
> = Omit<JobDefinition<Name, Input, Result>, Derived> & {
  /** Where it differs from the default: `when-asked` in development, else `scheduled`. */
  readonly environments?: Partial<JobEnvironments>
  /** Absent: only on demand. */
  readonly schedule?: DeclaredSchedule
}

const ENVIRONMENTS: JobEnvironments = {
  development: 'when-asked',
  staging: 'scheduled',
  production: 'scheduled',
}

/** How long a scheduled run waits for the jobs that it comes after, unless it says otherwise. */
export const AFTER_WAIT_MS = 10 * MINUTE_MS

/** Longest interval, timeout, catch-up and target: a year is a mistake of unit. */
const GREATEST_MS = 366 * DAY_MS

/**
 * Declares a job. Throws JobDefinitionError, naming job and field, when a value is out of range:
 * at start-up, so that a wrong declaration never reaches the server.
 */
export function defineJob<
  const Name extends string,
  Input extends z.ZodType,
  Result extends z.ZodType,
>(declaration: JobDeclaration<Name, Input, Result>): JobDefinition<Name, Input, Result> {
  const { name, schedule: declared, ...rest } = declaration
  requireField(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= 48, name, 'name')
  checkTimes(declaration)
  for (const [limit, value] of Object.entries(declaration.limits ?? {})) {
    requireField(isWithinLimitBounds(limit, value), name, `limits.${limit}`)
  }
  checkAfter(declaration)
  checkConflict(declaration)
  const schedule = declared === undefined ? undefined : scheduleOf(name, declared)
  if (schedule !== undefined) checkSchedule(name, schedule)
  const definition = {
    ...rest,
    name,
    ...(schedule === undefined ? {} : { schedule }),
    type: name.replaceAll('-', '_').toUpperCase(),
    workflow: name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    runbook: `docs/runbooks/${name}.md`,
    environments: { ...ENVIRONMENTS, ...declaration.environments },
  }
  CHECKED.add(definition)
  return definition
}

/** Definitions that went through `defineJob`. */
const CHECKED = new WeakSet<object>()

/** Whether a value was made by `defineJob`, and so has its derived fields and is within ranges. */
export function isDefinedJob(value: unknown): boolean {
  return typeof value === 'object' && value !== null && CHECKED.has(value)
}

/** A declaration that cannot be carried out. Never retried: it is a mistake in the code. */
export class JobDefinitionError extends Error {
  override readonly name = 'JobDefinitionError'
}

function requireField(isValid: boolean, job: string, field: string): void {
  if (!isValid) throw new JobDefinitionError(`job ${job}: ${field} is out of its documented range`)
}

/** What is written in words, in numbers. */
function scheduleOf(name: string, declared: DeclaredSchedule): JobSchedule {
  try {
    const { spread, ...rest } = declared
    const schedule = timesOf(rest)
    if (spread === undefined) return schedule
    const windowMs = durationMs(spread)
    requireField(canSpread(schedule, windowMs), name, 'schedule.spread')
    return spreadOut(schedule, spreadOf(name, windowMs))
  } catch (error) {
    if (!(error instanceof CronError) && !(error instanceof DurationError)) throw error
    throw new JobDefinitionError(`job ${name}: schedule: ${error.message}`, { cause: error })
  }
}

type Unspread<S> = S extends unknown ? Omit<S, 'spread'> : never

function timesOf(declared: Unspread<DeclaredSchedule>): JobSchedule {
  if (declared.kind === 'cron') {
    const { cron, ...rest } = declared
    return { ...rest, kind: 'calendar', calendars: cronCalendars(cron) }
  }
  if (declared.kind === 'calendar' || !('every' in declared)) return declared
  const { every, ...rest } = declared
  return { ...rest, everyMs: durationMs(every) }
}

function canSpread(schedule: JobSchedule, windowMs: number): boolean {
  if (!isWholeSeconds(windowMs, SECOND_MS)) return false
  if (schedule.kind === 'interval') return windowMs <= schedule.everyMs
  // Within its hour a time stays on its date, and a change of clocks does to it what it did before.
  return schedule.calendars.every(
    ({ minute = 0 }) => typeof minute === 'number' && minute * MINUTE_MS + windowMs <= HOUR_MS,
  )
}

function spreadOut(schedule: JobSchedule, spread: Spread): JobSchedule {
  if (schedule.kind === 'interval') return { ...schedule, spread }
  const calendars = schedule.calendars.map((calendar) => {
    // Checked before: a single minute.
    const minute = typeof calendar.minute === 'number' ? calendar.minute : 0
    const offsetS = spread.offsetMs / SECOND_MS
    return { ...calendar, minute: minute + Math.floor(offsetS / 60), second: offsetS % 60 }
  })
  return { ...schedule, calendars, spread }
}

function isWholeSeconds(ms: number, leastMs: number): boolean {
  return Number.isInteger(ms / SECOND_MS) && ms >= leastMs && ms <= GREATEST_MS
}

type TimesOfJob = Pick<JobDefinition, 'name' | 'retry' | 'timeoutMs' | 'slo'>

function checkTimes({ name, retry = {}, timeoutMs, slo }: TimesOfJob): void {
  const { attempts = [], backoff, initialMs, capMs } = retry
  const counts = typeof attempts === 'number' ? [attempts] : Object.values(attempts)
  const isCount = counts.every((count) => Number.isInteger(count) && count >= 1 && count <= 100)
  requireField(isCount, name, 'retry.attempts')
  requireField(backoff === undefined || backoff >= 1, name, 'retry.backoff')
  const wholeSeconds: [string, number | null | undefined][] = [
    ['timeoutMs', timeoutMs],
    ['retry.initialMs', initialMs],
    ['retry.capMs', capMs],
    ['slo.durationMs', slo.durationMs],
    ['slo.freshnessMs', slo.freshnessMs],
  ]
  for (const [field, ms] of wholeSeconds) {
    requireField(ms === null || ms === undefined || isWholeSeconds(ms, SECOND_MS), name, field)
  }
}

type OrderOfJob = Pick<JobDefinition, 'name' | 'after' | 'afterWaitMs' | 'timeoutMs'>

function checkAfter({ name, after, afterWaitMs = AFTER_WAIT_MS, timeoutMs }: OrderOfJob): void {
  if (after === undefined) return
  const isList = after.length > 0 && new Set(after).size === after.length && !after.includes(name)
  requireField(isList, name, 'after')
  // It is part of the time of one attempt, which must be known for that.
  requireField(timeoutMs !== undefined, name, 'timeoutMs')
  const isWait = isWholeSeconds(afterWaitMs, SECOND_MS) && afterWaitMs < (timeoutMs ?? Infinity)
  requireField(isWait, name, 'afterWaitMs')
}

/** Each that waits looks at all the others: more of them are a mistake. */
const WAITING_AT_MOST = 20

function checkConflict({
  name,
  onConflict,
  timeoutMs,
}: Pick<JobDefinition, 'name' | 'onConflict' | 'timeoutMs'>): void {
  if (onConflict.whileOpen !== 'queue') return
  const { waitingAtMost } = onConflict
  const isCount = Number.isInteger(waitingAtMost) && waitingAtMost >= 1
  requireField(isCount && waitingAtMost <= WAITING_AT_MOST, name, 'onConflict.waitingAtMost')
  // Without it one run could keep the others waiting for ever.
  requireField(typeof timeoutMs === 'number', name, 'timeoutMs')
}

function checkSchedule(name: string, schedule: JobSchedule): void {
  const { catchUpMs, jitterMs } = schedule
  requireField(isWholeSeconds(catchUpMs, 10 * SECOND_MS), name, 'schedule.catchUpMs')
  const isJitter = jitterMs === undefined || (jitterMs >= 0 && jitterMs <= HOUR_MS)
  requireField(isJitter, name, 'schedule.jitterMs')
  if (schedule.kind === 'interval') {
    requireField(isWholeSeconds(schedule.everyMs, SECOND_MS), name, 'schedule.everyMs')
    return
  }
  requireField(isZone(schedule.timezone), name, 'schedule.timezone')
  requireField(schedule.calendars.length > 0, name, 'schedule.calendars')
  for (const calendar of schedule.calendars) {
    requireField(isCalendar(calendar), name, 'schedule.calendars')
  }
}
