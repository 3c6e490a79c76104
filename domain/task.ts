/**
 * A task: a run of a job that a person timed, once or recurring. Which states it goes through, what its
 * times may be, and when it is due. Pure; times are wall time.
 */
import { expectedFires, type FireSpec } from './expected-fires.ts'
import { addMs, DAY_MS, instantFromMs, MINUTE_MS, SECOND_MS, toMs, type Instant } from './time.ts'
import type { WallSchedule } from './wall-schedule.ts'

/**
 * Where each state may go. That a run is under way is said by the run. `MISSED` and `FAILED` are once
 * tasks that did not do what was wanted: a new time makes them `SCHEDULED` again.
 */
export const TASK_TRANSITIONS = {
  SCHEDULED: ['PAUSED', 'CANCELLED', 'DONE', 'FAILED', 'MISSED'],
  PAUSED: ['SCHEDULED', 'CANCELLED'],
  DONE: [],
  FAILED: ['SCHEDULED'],
  MISSED: ['SCHEDULED'],
  CANCELLED: [],
} as const

/** A state of a task. A recurring task stays `SCHEDULED` until somebody cancels it. */
export type TaskState = keyof typeof TASK_TRANSITIONS

/** Every state. */
export const TASK_STATES = Object.keys(TASK_TRANSITIONS) as [TaskState, ...TaskState[]] // not empty

/** When a task runs. */
export type TaskTiming =
  | { readonly kind: 'once'; readonly at: Instant }
  /** Whole seconds between fires, counted from 1970. */
  | { readonly kind: 'interval'; readonly everyMs: number }
  /** `cron`: as it was written, when it was. */
  | (WallSchedule & { readonly kind: 'wall'; readonly cron: string | null })

/** A task. */
export type Task = {
  readonly taskId: string
  readonly tenant: string
  /** Whose it is: a person or a program. */
  readonly owner: string
  /** The job's name. */
  readonly job: string
  readonly input: Readonly<Record<string, unknown>>
  readonly priority: string
  readonly timing: TaskTiming
  /** Minutes; what could not start by then is missed. */
  readonly toleranceMin: number
  readonly state: TaskState
  /** When it is due next; the last time once it has ended. */
  readonly dueAt: Instant
  /** Since when it has this timing. */
  readonly timedAt: Instant
  /** Why it was made, or changed last. */
  readonly reason: string
  /** Counts changes. */
  readonly revision: number
  /** Fires that were missed, and the last of them. */
  readonly missed: number
  readonly missedUntil: Instant | null
  /** Whether the server follows the task as it is. */
  readonly isApplied: boolean
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** Minutes that a fire may be overdue unless the task says otherwise, and at most. */
export const TOLERANCE_DEFAULT_MIN = 5
/** A day: later than that somebody should decide anew. */
export const TOLERANCE_AT_MOST_MIN = 1_440

/** Further ahead a time is a mistake of unit. */
export const AHEAD_AT_MOST_MS = 366 * DAY_MS

/** More often than this is a job of the registry, not a task. */
export const EVERY_AT_LEAST_MS = MINUTE_MS

/** Tasks that may be scheduled or paused at once: each is a schedule on the server. */
export const OPEN_TASKS_AT_MOST = 10_000

/** A task cannot have this time. Not retried. */
export class TaskTimingError extends Error {
  override readonly name = 'TaskTimingError'
}

/** The schedule of a task on the server; its runs carry it in front of their nominal time. */
export function taskScheduleId(taskId: string): string {
  return `task-${taskId}`
}

/**
 * The timing as it can be kept: a time that is past is now, whole seconds, never earlier than asked.
 * Throws TaskTimingError.
 */
export function settledTiming(timing: TaskTiming, now: Instant): TaskTiming {
  switch (timing.kind) {
    case 'once': {
      if (toMs(timing.at) - toMs(now) > AHEAD_AT_MOST_MS) {
        throw new TaskTimingError('executeAt is more than 366 days ahead')
      }
      const atMs = Math.max(toMs(timing.at), toMs(now))
      return { kind: 'once', at: instantFromMs(Math.ceil(atMs / SECOND_MS) * SECOND_MS) }
    }
    case 'interval':
      if (
        !Number.isInteger(timing.everyMs / SECOND_MS) ||
        timing.everyMs < EVERY_AT_LEAST_MS ||
        timing.everyMs > AHEAD_AT_MOST_MS
      ) {
        throw new TaskTimingError('every must be whole seconds from a minute to 366 days')
      }
      return timing
    case 'wall':
      return timing
  }
}

/** When it fires, for whoever computes it. */
export function fireSpecOf(timing: TaskTiming): FireSpec {
  switch (timing.kind) {
    case 'once':
      return { everyMs: null, wall: null, onceAt: timing.at }
    case 'interval':
      return { everyMs: timing.everyMs, wall: null }
    case 'wall': {
      const { calendars, timezone, dst } = timing
      return { everyMs: null, wall: { calendars, timezone, dst } }
    }
  }
}

/** The times at which a scheduled task will fire, at most `limit`. */
export function nextTimes({ state, timing }: Task, after: Instant, limit: number): Instant[] {
  if (state !== 'SCHEDULED') return []
  const until = addMs(after, 5 * AHEAD_AT_MOST_MS)
  return expectedFires(fireSpecOf(timing), { after, until }, limit)
}

/** The first time after `after`; null when it never fires again within five years. */
export function nextDue(timing: TaskTiming, after: Instant): Instant | null {
  const until = addMs(after, 5 * AHEAD_AT_MOST_MS)
  return expectedFires(fireSpecOf(timing), { after, until }, 1)[0] ?? null
}

/**
 * When a task with this timing is due first. Throws TaskTimingError when it never is. `timing` must be
 * settled.
 */
export function firstDue(timing: TaskTiming, now: Instant): Instant {
  if (timing.kind === 'once') return timing.at
  const due = nextDue(timing, now)
  if (due === null) throw new TaskTimingError('it would not fire within five years')
  return due
}
