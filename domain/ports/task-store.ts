/** Tasks that people timed, and the schedules on the server that follow them. */
import type { RunState } from '../run.ts'
import type { Task, TaskState, TaskTiming } from '../task.ts'
import type { Instant } from '../time.ts'
import type { ControlEntry } from './job-control.ts'
import type { Page, PageRequest } from './page.ts'

/** Who changes a task, why, and when on the business clock. */
export type TaskNote = Pick<ControlEntry, 'by' | 'reason' | 'at'>

/** A task as it is made. */
export type NewTask = Pick<
  Task,
  | 'taskId'
  | 'tenant'
  | 'owner'
  | 'job'
  | 'input'
  | 'priority'
  | 'timing'
  | 'toleranceMin'
  | 'dueAt'
  | 'timedAt'
>

/** Which tasks; what is left out does not matter. */
export type TaskFilter = {
  readonly taskIds?: readonly string[] | undefined
  readonly tenant?: string | undefined
  readonly owner?: string | undefined
  readonly job?: string | undefined
  readonly state?: TaskState | undefined
  /** Due at or after. */
  readonly since?: Instant | undefined
  /** Due before. */
  readonly until?: Instant | undefined
}

/** What is changed, from which states. */
export type TaskChange = {
  readonly taskId: string
  readonly from: readonly TaskState[]
  readonly to: TaskState
  /** `task.paused`. */
  readonly action: string
  readonly dueAt?: Instant
  /** A new timing holds from `timedAt` on. */
  readonly timing?: { readonly timing: TaskTiming; readonly timedAt: Instant }
  readonly toleranceMin?: number
}

/** The last run that a task's schedule started. */
export type TaskRun = {
  readonly runId: string
  readonly workflowId: string
  readonly nominalAt: Instant
  readonly startedAt: Instant
  readonly closedAt: Instant | null
  readonly status: RunState
  readonly errorType: string | null
}

/** How tasks do. Lateness is of the last day, milliseconds from due to start. */
export type TaskStatistics = {
  readonly byState: Readonly<Record<TaskState, number>>
  readonly dueWithinHour: number
  /** Scheduled, and past their time by more than their tolerance. */
  readonly overdue: number
  readonly missedWithinDay: number
  readonly latenessP50Ms: number | null
  readonly latenessP99Ms: number | null
  /** Changes that the server does not have yet. */
  readonly unapplied: number
}

/** What the switch knows of a task's fires up to `checkedUntil`. */
export type TaskFires = {
  readonly taskId: string
  readonly checkedUntil: Instant
  /** Missing, not made up for, and not told yet; the oldest first. */
  readonly missing: readonly Instant[]
  /** The run of the time that the task is due at, an attempt that no other went on for. */
  readonly dueRun: Pick<TaskRun, 'status' | 'errorType'> | null
}

/** What a look at a task concluded. */
export type TaskLook = {
  readonly taskId: string
  /** Nothing is done when somebody changed the task meanwhile. */
  readonly revision: number
  readonly state: TaskState
  readonly dueAt: Instant
  readonly lookAt: Instant
  /** Newly missed fires, in order. */
  readonly missed: readonly Instant[]
}

/** The tasks. */
export interface TaskStore {
  /** Keeps a task and its audit row; one that is kept already is returned as it is. Null: too many are open. */
  create(task: NewTask, note: TaskNote): Promise<Task | null>
  find(taskId: string): Promise<Task | null>
  findMany(taskIds: readonly string[]): Promise<Task[]>
  /** The one that is due first first. Throws PageCursorError. */
  list(filter: TaskFilter, page: PageRequest): Promise<Page<Task>>
  runs(taskId: string, limit: number): Promise<TaskRun[]>
  statistics(): Promise<TaskStatistics>
  /** Changes a task and writes its audit row, both or neither; null when it is in none of `from`. */
  change(change: TaskChange, note: TaskNote): Promise<Task | null>
  /** Tasks that the server does not follow since `before`, the oldest change first. */
  listUnapplied(before: Instant, limit: number): Promise<Task[]>
  /** The server follows this revision. */
  applied(taskId: string, revision: number, at: Instant): Promise<void>
  /** The server has lost the schedule: it is to be made again. */
  unapply(taskId: string): Promise<void>
  /** Scheduled tasks to be looked at by now, the longest due first. */
  listDue(now: Instant, limit: number): Promise<Task[]>
  fires(taskIds: readonly string[]): Promise<TaskFires[]>
  settle(look: TaskLook, at: Instant): Promise<void>
}

/** Schedules of tasks on the server. Errors are the server's and may be retried. */
export interface TaskSchedules {
  /**
   * Makes the server follow the task as it is. Repeating changes nothing. A single time that has come
   * is started, never twice.
   */
  apply(task: Task): Promise<void>
}
