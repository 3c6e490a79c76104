/**
 * The schedules that carry tasks out, made to follow their rows. They carry a mark of their own, so that
 * applying the registry leaves them alone.
 */
import { setTimeout as delay } from 'node:timers/promises'

import type { Client, ScheduleDescription, ScheduleOptions } from '@temporalio/client'

import type { WatchedSchedule, WatchedSchedules } from '../../domain/ports/schedule-watch.ts'
import type { TaskSchedules, TaskStore } from '../../domain/ports/task-store.ts'
import { DEFAULT_TENANT } from '../../domain/role.ts'
import { fireSpecOf, taskScheduleId, type Task, type TaskTiming } from '../../domain/task.ts'
import { addMs, MINUTE_MS, SECOND_MS, toMs, type Instant } from '../../domain/time.ts'
import { JOB_PRIORITIES } from '../../jobs/define-job.ts'
import type { JobTerms } from '../../jobs/job-environments.ts'
import { findJob, type AnyJob } from '../../jobs/registry.ts'
import { scheduledRunOptions, UnknownJobError } from './job-starter.ts'
import {
  createSchedule,
  deleteSchedule,
  ScheduleConflictError,
  updateSchedule,
} from './schedules-apply.ts'
import { describeSchedule } from './schedules-plan.ts'
import { runSearchAttributes } from './search-attributes.ts'
import { MONTHS, wallSpec } from './wall-spec.ts'
import { fireRun, type FiredRun } from './watched-schedules.ts'

/** The mark of tasks in a schedule's memo. */
export const TASKS_MANAGED_BY = 'groundstop-tasks'

/** A call that takes longer is a server that does not answer. */
const CALL_DEADLINE_MS = 10_000

/** An update that lost against another is read again and repeated, this often. */
const TRIES = 8
const PAUSE_BETWEEN_TRIES_MS = 60

/** A schedule that is made later than this before its only time may be too late for it. */
const LEAST_LEAD_MS = 2 * SECOND_MS

/** Schedules of tasks in this client's namespace. */
export function createTaskSchedules(client: Client, terms: JobTerms): TaskSchedules {
  return {
    apply: (task) =>
      client.withDeadline(Date.now() + CALL_DEADLINE_MS, () => applyTask(client, terms, task)),
  }
}

/** The tasks' schedules for the dead-man's switch: what should be is said by the rows. */
export function createWatchedTasks(
  client: Client,
  terms: JobTerms,
  taskStore: Pick<TaskStore, 'findMany' | 'unapply'>,
): WatchedSchedules {
  const bounded = <T>(work: () => Promise<T>): Promise<T> =>
    client.withDeadline(Date.now() + CALL_DEADLINE_MS, work)
  return {
    async read(scheduleIds) {
      const tasks = await taskStore.findMany(scheduleIds.map(taskIdOf))
      return bounded(() => Promise.all(tasks.map((task) => watched(client, taskStore, task))))
    },
    async fire(scheduleId, nominalAt) {
      const [task] = await taskStore.findMany([taskIdOf(scheduleId)])
      if (task === undefined) throw new TypeError(`no task has the schedule ${scheduleId}`)
      return bounded(() => fireRun(client, firedOf(task, terms, 'dead-man-switch'), nominalAt))
    },
  }
}

function taskIdOf(scheduleId: string): string {
  return scheduleId.slice(taskScheduleId('').length)
}

async function watched(
  client: Client,
  taskStore: Pick<TaskStore, 'unapply'>,
  task: Task,
): Promise<WatchedSchedule> {
  const scheduleId = taskScheduleId(task.taskId)
  const { timing, toleranceMin, timedAt } = task
  const description = await describeSchedule(client, scheduleId)
  // A single time that has come needs no schedule any more; one that recurs was deleted by other hands.
  if (description === undefined && timing.kind !== 'once') await taskStore.unapply(task.taskId)
  return {
    scheduleId,
    spec: {
      ...fireSpecOf(timing),
      mayOverlap: timing.kind === 'once',
      jitterMs: 0,
      catchUpMs: toleranceMin * MINUTE_MS,
    },
    isPaused: description?.state.paused ?? false,
    // A time may be due in the very second in which it was set.
    changedAt: addMs(timedAt, -1),
  }
}

async function applyTask(client: Client, terms: JobTerms, task: Task): Promise<void> {
  const scheduleId = taskScheduleId(task.taskId)
  if (task.state !== 'SCHEDULED' && task.state !== 'PAUSED') {
    await deleteSchedule(client, scheduleId)
    return
  }
  const isPaused = task.state === 'PAUSED'
  const note = `${isPaused ? 'paused' : 'scheduled'}: ${task.reason}`
  for (let i = 0; i < TRIES; i += 1) {
    const description = await describeSchedule(client, scheduleId)
    if (description === undefined && isDue(task)) {
      if (!isPaused && !isOver(task))
        await fireRun(client, firedOf(task, terms, 'task'), task.dueAt)
      return
    }
    if (description !== undefined && follows(description, task)) return
    const desired = {
      scheduleId,
      options: scheduleOf(task, terms, { paused: isPaused, note }),
    }
    if (description === undefined) await createSchedule(client, desired)
    else {
      const state = { ...description.state, paused: isPaused, note }
      await updateSchedule(client, desired, description, state)
    }
    if (i > 0) await delay(PAUSE_BETWEEN_TRIES_MS * i)
  }
  throw new ScheduleConflictError(`schedule ${scheduleId} kept changing while it was applied`)
}

/** Its only time has come, or comes before a schedule could be made for it. */
function isDue({ timing, dueAt }: Task): boolean {
  return timing.kind === 'once' && toMs(dueAt) < Date.now() + LEAST_LEAD_MS
}

/** Too late to be started: it is missed. */
function isOver({ dueAt, toleranceMin }: Task): boolean {
  return toMs(dueAt) + toleranceMin * MINUTE_MS < Date.now()
}

function follows({ action, state }: ScheduleDescription, task: Task): boolean {
  const isPaused = task.state === 'PAUSED'
  const { taskRevision, tenant } = action.memo ?? {}
  const isOfTask = taskRevision === task.revision && tenant === task.tenant
  return isOfTask && state.paused === isPaused
}

function firedOf(task: Task, terms: JobTerms, firedBy: string): FiredRun {
  const job = jobOf(task)
  const priority = JOB_PRIORITIES.find((one) => one === task.priority) ?? job.priority
  return {
    terms,
    scheduleId: taskScheduleId(task.taskId),
    job,
    input: task.input,
    priority,
    tenant: tenantOf(task),
    trigger: 'task',
    memo: { ...taskMemo(task), firedBy },
  }
}

/** Who takes turns with others; runs of no tenant in particular are the house's. */
function tenantOf({ tenant }: Task): string | undefined {
  return tenant === DEFAULT_TENANT ? undefined : tenant
}

/** What runs of a task show, and read. */
function taskMemo({ taskId, revision, owner, tenant, toleranceMin }: Task) {
  return { trigger: 'task', taskId, taskRevision: revision, owner, tenant, toleranceMin }
}

function jobOf({ job: name }: Task): AnyJob {
  const job = findJob(name)
  if (job === undefined) throw new UnknownJobError(`no job is called ${name}`)
  return job
}

function scheduleOf(
  task: Task,
  terms: JobTerms,
  state: { readonly paused: boolean; readonly note: string },
): ScheduleOptions {
  const { job, input, priority, tenant, scheduleId } = firedOf(task, terms, 'schedule')
  const { owner, timing, toleranceMin } = task
  // `priority` is honoured and encoded but missing from the SDK's type of a schedule's action.
  const action = {
    type: 'startWorkflow',
    workflowType: job.workflow,
    workflowId: scheduleId,
    args: [input],
    ...scheduledRunOptions(job, { priority, terms, tenant }),
    memo: taskMemo(task),
    typedSearchAttributes: runSearchAttributes(job, 'task', priority),
  } as ScheduleOptions['action']
  return {
    scheduleId,
    spec: specOf(timing),
    action,
    policies: {
      overlap: timing.kind === 'once' ? 'ALLOW_ALL' : 'SKIP',
      catchupWindow: toleranceMin * MINUTE_MS,
      pauseOnFailure: false,
    },
    state,
    memo: { managedBy: TASKS_MANAGED_BY, owner, summary: job.summary },
    typedSearchAttributes: runSearchAttributes(job, 'task', priority),
  }
}

function specOf(timing: TaskTiming): ScheduleOptions['spec'] {
  switch (timing.kind) {
    case 'once':
      return { calendars: [calendarOf(timing.at)], timezone: 'UTC' }
    case 'interval':
      return { intervals: [{ every: timing.everyMs }] }
    case 'wall':
      return wallSpec(timing, new Date().getUTCFullYear())
  }
}

type Calendar = NonNullable<ScheduleOptions['spec']['calendars']>[number]

/** The one second of an instant. */
function calendarOf(at: Instant): Calendar {
  const date = new Date(toMs(at))
  return {
    year: date.getUTCFullYear(),
    month: MONTHS[date.getUTCMonth()] ?? 'JANUARY',
    dayOfMonth: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  }
}
