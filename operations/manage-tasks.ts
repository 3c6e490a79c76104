/**
 * Tasks that people make, change and call off, one or many. The row with its audit event is written
 * first, then the server is made to follow; what is lost between the two is made up for by the switch.
 */
import type { Clock } from '../domain/ports/clock.ts'
import { PAGE_LIMIT } from '../domain/ports/page.ts'
import type {
  NewTask,
  TaskChange,
  TaskFilter,
  TaskNote,
  TaskSchedules,
  TaskStore,
} from '../domain/ports/task-store.ts'
import { DEFAULT_TENANT } from '../domain/role.ts'
import {
  firstDue,
  nextDue,
  settledTiming,
  TASK_TRANSITIONS,
  TaskTimingError,
  TOLERANCE_DEFAULT_MIN,
  type Task,
  type TaskState,
  type TaskTiming,
} from '../domain/task.ts'
import type { Instant } from '../domain/time.ts'
import type { JobEnvironment, JobPriority } from '../jobs/define-job.ts'
import { checkInput, type FieldProblem } from '../jobs/input.ts'
import { isStartable } from '../jobs/job-environments.ts'
import type { AnyJob } from '../jobs/registry.ts'

/** What managing works over. `wallNow`: times that people set are wall time. */
export type ManageTasksDeps = {
  readonly taskStore: Pick<TaskStore, 'create' | 'find' | 'list' | 'change' | 'applied'>
  readonly taskSchedules: TaskSchedules
  readonly environment: JobEnvironment
  readonly clock: Clock
  readonly wallNow: () => Instant
}

/** Who asks, and why. */
export type TaskAsk = { readonly by: string; readonly reason: string }

/** A task that is wanted. */
export type TaskRequest = TaskAsk & {
  /** Names the request: made once, however often it is asked. */
  readonly taskId: string
  readonly job: AnyJob
  /** Checked against the job's schema. */
  readonly input: unknown
  readonly timing: TaskTiming
  /** Whose it is; who asks when left out. */
  readonly owner?: string | undefined
  readonly tenant?: string | undefined
  readonly priority?: JobPriority | undefined
  readonly toleranceMin?: number | undefined
}

/** Why a task cannot be made or changed as asked. Not retried. */
export class TaskError extends Error {
  override readonly name = 'TaskError'
  readonly code: 'INVALID' | 'CONFLICT' | 'NOT_FOUND'
  readonly problems: readonly FieldProblem[]

  constructor(code: TaskError['code'], problems: readonly FieldProblem[]) {
    super(problems.map(({ field, message }) => `${field}: ${message}`).join('; '))
    this.code = code
    this.problems = problems
  }
}

/** Makes a task and its schedule. A single time that is past is now. Throws TaskError. */
export async function createTask(deps: ManageTasksDeps, request: TaskRequest): Promise<Task> {
  const now = deps.wallNow()
  const { job, by, reason } = request
  if (!isStartable(job, deps.environment)) {
    throw invalid('job', `${job.name} is not enabled in ${deps.environment}`)
  }
  const check = checkInput(job, request.input)
  if (!check.ok) {
    throw new TaskError(
      'INVALID',
      check.problems.map(({ field, message }) => ({
        field: field === 'input' ? 'input' : `input.${field}`,
        message,
      })),
    )
  }
  const { timing, dueAt } = timed(request.timing, now)
  const task: NewTask = {
    taskId: request.taskId,
    tenant: request.tenant ?? DEFAULT_TENANT,
    owner: request.owner ?? by,
    job: job.name,
    input: check.input,
    priority: request.priority ?? job.priority,
    timing,
    toleranceMin: request.toleranceMin ?? TOLERANCE_DEFAULT_MIN,
    dueAt,
    timedAt: now,
  }
  const made = await deps.taskStore.create(task, { by, reason, at: await deps.clock.now() })
  if (made === null) throw conflict('task', 'too many tasks are open: cancel some')
  return follow(deps, made)
}

function timed(wanted: TaskTiming, now: Instant): { timing: TaskTiming; dueAt: Instant } {
  try {
    const timing = settledTiming(wanted, now)
    return { timing, dueAt: firstDue(timing, now) }
  } catch (error) {
    if (!(error instanceof TaskTimingError)) throw error
    throw invalid('when', error.message)
  }
}

/** What people do to a task that exists. */
export type TaskAction =
  | { readonly kind: 'cancel' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | {
      readonly kind: 'reschedule'
      readonly timing: TaskTiming
      readonly toleranceMin?: number | undefined
    }

/** Changes one task. Throws TaskError: NOT_FOUND, CONFLICT in a state that does not allow it. */
export async function changeTask(
  deps: ManageTasksDeps,
  taskId: string,
  action: TaskAction,
  ask: TaskAsk,
): Promise<Task> {
  const task = await deps.taskStore.find(taskId)
  if (task === null)
    throw new TaskError('NOT_FOUND', [{ field: 'taskId', message: 'no such task' }])
  const change = changeOf(task, action, deps.wallNow())
  const changed = await deps.taskStore.change(change, await noteOf(deps, ask))
  if (changed === null) throw conflict('state', 'somebody changed it meanwhile: look again')
  return follow(deps, changed)
}

async function noteOf({ clock }: ManageTasksDeps, { by, reason }: TaskAsk): Promise<TaskNote> {
  return { by, reason, at: await clock.now() }
}

/** The change that an action is for a task as it stands. Throws TaskError. */
function changeOf(task: Task, action: TaskAction, now: Instant): TaskChange {
  const { taskId, state, timing } = task
  const base = { taskId, from: [state] }
  switch (action.kind) {
    case 'cancel':
      return { ...base, to: moved(task, 'CANCELLED'), action: 'task.cancelled' }
    case 'pause':
      return { ...base, to: moved(task, 'PAUSED'), action: 'task.paused' }
    case 'resume': {
      if (state !== 'PAUSED') throw conflict('state', `it is ${state}`)
      const dueAt = timing.kind === 'once' ? timing.at : nextDue(timing, now)
      if (dueAt === null || dueAt <= now) {
        throw conflict('state', `it was due at ${task.dueAt}: give it a new time`)
      }
      return { ...base, to: 'SCHEDULED', action: 'task.resumed', dueAt }
    }
    case 'reschedule': {
      if (state !== 'SCHEDULED') moved(task, 'SCHEDULED')
      const next = timed(action.timing, now)
      const { toleranceMin } = action
      return {
        ...base,
        to: 'SCHEDULED',
        action: 'task.rescheduled',
        dueAt: next.dueAt,
        timing: { timing: next.timing, timedAt: now },
        ...(toleranceMin === undefined ? {} : { toleranceMin }),
      }
    }
  }
}

function moved({ state }: Task, to: TaskState): TaskState {
  const allowed: readonly TaskState[] = TASK_TRANSITIONS[state]
  if (allowed.includes(to)) return to
  throw conflict('state', `it is ${state}`)
}

/** Tasks that one bulk call changes at most: each is a call to the server. */
export const TASKS_PER_CALL = 100

/** What became of one task of a bulk call. */
export type BulkedTask = {
  readonly taskId: string
  readonly outcome: 'done' | 'would-do' | 'refused'
  /** Why it was refused. */
  readonly message: string | null
}

/** What a bulk call did. `isMore`: further tasks fit the filter. */
export type BulkedTasks = { readonly tasks: readonly BulkedTask[]; readonly isMore: boolean }

/**
 * Changes every task that fits a filter, the one that is due first first. Each is judged and audited
 * by itself; one that is refused does not hold the others up. May be repeated.
 */
export async function changeTasks(
  deps: ManageTasksDeps,
  request: TaskAsk & {
    readonly action: TaskAction
    readonly filter: TaskFilter
    readonly limit: number
    readonly isDryRun: boolean
  },
): Promise<BulkedTasks> {
  const { action, filter, isDryRun } = request
  const limit = Math.min(request.limit, TASKS_PER_CALL, PAGE_LIMIT)
  const page = await deps.taskStore.list(filter, { limit })
  const tasks: BulkedTask[] = []
  for (const task of page.items) {
    try {
      if (isDryRun) changeOf(task, action, deps.wallNow())
      else await changeTask(deps, task.taskId, action, request)
      const outcome = isDryRun ? 'would-do' : 'done'
      tasks.push({ taskId: task.taskId, outcome, message: null })
    } catch (error) {
      if (!(error instanceof TaskError)) throw error
      tasks.push({ taskId: task.taskId, outcome: 'refused', message: error.message })
    }
  }
  const isMore = page.nextCursor !== null
  const found = new Set(page.items.map((task) => task.taskId))
  const missing = isMore ? [] : (filter.taskIds ?? []).filter((taskId) => !found.has(taskId))
  for (const taskId of missing) {
    tasks.push({ taskId, outcome: 'refused', message: 'no task of this id fits' })
  }
  return { tasks, isMore }
}

/**
 * Makes the server follow. While it is away the task stands as it is, shows that it is not applied, and
 * is applied by the switch once the server is back.
 */
async function follow(deps: ManageTasksDeps, task: Task): Promise<Task> {
  try {
    await deps.taskSchedules.apply(task)
  } catch {
    return { ...task, isApplied: false }
  }
  await deps.taskStore.applied(task.taskId, task.revision, deps.wallNow())
  return { ...task, isApplied: true }
}

function invalid(field: string, message: string): TaskError {
  return new TaskError('INVALID', [{ field, message }])
}

function conflict(field: string, message: string): TaskError {
  return new TaskError('CONFLICT', [{ field, message }])
}
