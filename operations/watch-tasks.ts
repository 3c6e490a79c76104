/**
 * Tasks under the dead-man's switch: the server is made to follow rows that it does not follow yet, and
 * every time that has come is accounted for: run, made up for, or missed, which is recorded and told.
 */
import type { ScheduleWatchStore, WatchedSchedules } from '../domain/ports/schedule-watch.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { TaskFires, TaskLook, TaskSchedules, TaskStore } from '../domain/ports/task-store.ts'
import { nextDue, taskScheduleId, type Task, type TaskState } from '../domain/task.ts'
import { addMs, MINUTE_MS, SECOND_MS, type Instant } from '../domain/time.ts'
import type { Events } from '../platform/events.ts'
import { notifyOperators, type NotifyOperatorsDeps } from './notify-operators.ts'
import { watchSchedules, type WatchDeps } from './watch-schedules.ts'

/** What the watch works over. */
export type WatchTasksDeps = NotifyOperatorsDeps & {
  readonly taskStore: Pick<
    TaskStore,
    'listUnapplied' | 'applied' | 'listDue' | 'findMany' | 'fires' | 'settle'
  >
  readonly taskSchedules: TaskSchedules
  /** The tasks' schedules. */
  readonly watched: WatchedSchedules
  readonly watchStore: ScheduleWatchStore
  readonly clock: Clock
  readonly events: WatchDeps['events'] & Pick<Events, 'taskMissed' | 'taskNotApplied'>
}

/** Whoever changes a task applies it himself within this. */
const LEFT_ALONE_MS = 15 * SECOND_MS

/** A time is judged this long after it came, as the switch does. */
const LOOKED_AT_AFTER_MS = 20 * SECOND_MS

/** Tasks applied, and looked at, in one pass: more go on at the next, a minute later. */
const APPLIED_PER_PASS = 100
const LOOKED_AT_PER_PASS = 500

/** The server may still start a run this long after the tolerance is over. */
const MISSED_AFTER_MS = 30 * SECOND_MS

/** Why a run that came too late ended. */
const MISSED_ERROR = 'Missed'

/** How one pass went. */
export type WatchedTasks = {
  readonly applied: number
  readonly lookedAt: number
  readonly missed: number
}

/** One pass. May be repeated; one that is lost is made up for by the next. */
export async function watchTasks(
  deps: WatchTasksDeps,
  { until, now }: { readonly until: Instant; readonly now: Instant },
): Promise<WatchedTasks> {
  const applied = await applyTasks(deps, now)
  const due = await deps.taskStore.listDue(addMs(now, -LOOKED_AT_AFTER_MS), LOOKED_AT_PER_PASS)
  if (due.length === 0) return { applied, lookedAt: 0, missed: 0 }
  await watchSchedules(
    deps,
    due.map(({ taskId }) => taskScheduleId(taskId)),
    { until, now },
  )
  const fires = await deps.taskStore.fires(due.map(({ taskId }) => taskId))
  let missed = 0
  for (const task of due) {
    const known = fires.find((one) => one.taskId === task.taskId)
    if (known === undefined) continue
    const look = conclude(task, known, now)
    missed += look.missed.length
    // Told before it is written down: told twice within an hour is told once.
    if (look.missed.length > 0) await tell(deps, task, look)
    await deps.taskStore.settle(look, await deps.clock.now())
  }
  return { applied, lookedAt: due.length, missed }
}

/** One that cannot be applied does not hold the others up: it is told, and tried again. */
async function applyTasks(deps: WatchTasksDeps, now: Instant): Promise<number> {
  const tasks = await deps.taskStore.listUnapplied(addMs(now, -LEFT_ALONE_MS), APPLIED_PER_PASS)
  let applied = 0
  for (const task of tasks) {
    try {
      await deps.taskSchedules.apply(task)
      await deps.taskStore.applied(task.taskId, task.revision, now)
      applied += 1
    } catch (error) {
      deps.events.taskNotApplied({ taskId: task.taskId, job: task.job, error })
    }
  }
  return applied
}

/** What is to be made of what is known. Pure. */
function conclude(task: Task, fires: TaskFires, now: Instant): TaskLook {
  const { taskId, revision, timing, toleranceMin, dueAt } = task
  const givenUp = addMs(now, -toleranceMin * MINUTE_MS - MISSED_AFTER_MS)
  const missed = fires.missing.filter((nominalAt) => nominalAt <= givenUp)
  const isWaiting = fires.missing.length > missed.length
  const base = { taskId, revision, missed }
  if (timing.kind === 'once') {
    const ended = missed.length > 0 ? ('MISSED' as const) : endOf(fires.dueRun)
    return { ...base, state: ended ?? 'SCHEDULED', dueAt, lookAt: dueAt }
  }
  const next = nextDue(timing, fires.checkedUntil)
  // What is past is looked at again at the next pass.
  const lookAt = isWaiting ? dueAt : (next ?? dueAt)
  return { ...base, state: 'SCHEDULED', dueAt: next ?? dueAt, lookAt }
}

/** How the run of a single time ended; null while that is not known. */
function endOf(run: TaskFires['dueRun']): TaskState | null {
  switch (run?.status) {
    case 'success':
      return 'DONE'
    case 'cancelled':
      return 'FAILED'
    case 'failed':
    case 'timeout':
    case 'terminated':
      // Until its reason is read it is not known whether another attempt goes on.
      if (run.errorType === null) return null
      return run.errorType === MISSED_ERROR ? 'MISSED' : 'FAILED'
    case 'running':
    case 'continued':
    case undefined:
      return null
  }
}

async function tell(deps: WatchTasksDeps, task: Task, { missed }: TaskLook): Promise<void> {
  const { taskId, job, owner, toleranceMin } = task
  const first = missed[0] ?? task.dueAt
  deps.events.taskMissed({ taskId, job, owner, first, count: missed.length })
  await notifyOperators(deps, {
    key: `task:missed:${taskId}`,
    severity: 'critical',
    subject: `a task of ${owner} was missed: ${job}`,
    text:
      `The task ${taskId} (${job}) of ${owner} was due at ${first} and did not run within ` +
      `${toleranceMin} min (${missed.length} times). Reschedule it if it is still wanted.`,
  })
}
