/**
 * Schedules and queues switched by people. Who and why is written before the switch is moved, so that
 * nothing happens without a record; repeating moves nothing twice.
 */
import { expectedFires } from '../domain/expected-fires.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { ControlStore, JobControl, MaintenanceWindow } from '../domain/ports/job-control.ts'
import type { ScheduleStates } from '../domain/ports/schedule-states.ts'
import type { ScheduleWatchStore, WatchedSchedules } from '../domain/ports/schedule-watch.ts'
import { addMs, DAY_MS, type Instant } from '../domain/time.ts'
import type { JobQueue } from '../jobs/define-job.ts'
import { allJobs, type AnyJob } from '../jobs/registry.ts'

/** What control works over. */
export type ControlDeps = {
  readonly control: JobControl
  readonly controlStore: ControlStore
  readonly scheduleStates: ScheduleStates
  readonly watched: WatchedSchedules
  readonly watchStore: Pick<ScheduleWatchStore, 'firedRuns'>
  readonly clock: Clock
  readonly wallNow: () => Instant
}

/** Who asks, and why. */
export type ControlNote = { readonly by: string; readonly reason: string }

/** The request cannot be carried out as it is. Not retried. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

/** Disables or enables a recurring job. Throws ControlError when the server has no such schedule. */
export async function switchSchedule(
  deps: ControlDeps,
  { name }: AnyJob,
  isEnabled: boolean,
  note: ControlNote,
): Promise<void> {
  const action = isEnabled ? 'enabled' : 'disabled'
  const [state] = await deps.scheduleStates.read([name])
  if (state === undefined) throw noSuchSchedule(name)
  await audit(deps, note, { action: `schedule.${action}`, subject: `schedule:${name}` })
  const text = `${action} by ${note.by}: ${note.reason}`
  const isThere = isEnabled
    ? await deps.control.resumeSchedule(name, text)
    : await deps.control.pauseSchedule(name, text)
  if (!isThere) throw noSuchSchedule(name)
}

function noSuchSchedule(name: string): ControlError {
  return new ControlError('name', `the server has no schedule ${name}: apply schedules`)
}

/** Pauses or resumes a queue: no step of its runs begins until it is resumed. */
export async function switchQueue(
  deps: ControlDeps,
  queue: JobQueue,
  isPaused: boolean,
  note: ControlNote,
): Promise<void> {
  const action = isPaused ? 'queue.paused' : 'queue.resumed'
  await audit(deps, note, { action, subject: `queue:${queue}` })
  const text = `${note.by}: ${note.reason}`
  if (isPaused) await deps.control.pauseQueue(queue, text)
  else await resume(deps, queue, text)
}

/** A limit that was set before the pause, or during it, holds again. */
async function resume(deps: ControlDeps, queue: JobQueue, text: string): Promise<void> {
  const limit = await deps.controlStore.readQueueLimit(queue)
  await deps.control.resumeQueue(queue, text, limit?.perSecond)
}

async function audit(
  { controlStore, clock }: ControlDeps,
  note: ControlNote,
  what: { action: string; subject: string; details?: Record<string, unknown> },
): Promise<void> {
  await controlStore.audit({ ...note, ...what, at: await clock.now() })
}

/** Fires that one backfill starts at most. */
export const BACKFILL_AT_MOST = 100

/** Longer ago a fire's work has been done by those after it, and its history is gone. */
const BACKFILL_AGE_MS = 30 * DAY_MS

/** What becomes of one fire. */
export type BackfilledFire = {
  readonly nominalAt: Instant
  readonly outcome: 'would-start' | 'started' | 'exists'
  readonly runId: string | null
}

/**
 * Starts the runs of nominal times in a range that have none, oldest first. A run that exists, open or
 * closed, is never repeated. Runs may be open beside each other. Throws ControlError.
 */
export async function backfill(
  deps: ControlDeps,
  { name }: AnyJob,
  request: ControlNote & {
    readonly since: Instant
    readonly until: Instant
    readonly isDryRun: boolean
  },
): Promise<BackfilledFire[]> {
  const { since, until, isDryRun } = request
  const now = deps.wallNow()
  if (until > now) throw new ControlError('until', 'it is in the future')
  if (since >= until) throw new ControlError('since', 'it is not before until')
  if (since < addMs(now, -BACKFILL_AGE_MS)) throw new ControlError('since', 'more than 30 days ago')
  const [schedule] = await deps.watched.read([name])
  if (schedule === undefined) throw new ControlError('name', `the server has no schedule ${name}`)
  const window = { after: addMs(since, -1), until }
  const expected = expectedFires(schedule.spec, window, BACKFILL_AT_MOST + 1)
  if (expected.length > BACKFILL_AT_MOST) {
    throw new ControlError('since', `more than ${BACKFILL_AT_MOST} fires: take a shorter range`)
  }
  const runs = await deps.watchStore.firedRuns(name, window)
  const byNominal = new Map(runs.map((run) => [run.nominalAt, run.runId]))
  if (!isDryRun) {
    const details = { since, until }
    await audit(deps, request, {
      action: 'schedule.backfilled',
      subject: `schedule:${name}`,
      details,
    })
  }
  const fires: BackfilledFire[] = []
  for (const nominalAt of expected) {
    const runId = byNominal.get(nominalAt)
    if (runId !== undefined) fires.push({ nominalAt, outcome: 'exists', runId })
    else if (isDryRun) fires.push({ nominalAt, outcome: 'would-start', runId: null })
    else {
      const healed = await deps.watched.fire(name, nominalAt)
      fires.push({ nominalAt, outcome: healed.kind, runId: healed.runId })
    }
  }
  return fires
}

/** Which schedules a window is about: all of an owner or a queue, or by name. */
export type WindowSelection = {
  readonly owner?: string | undefined
  readonly queue?: JobQueue | undefined
  readonly jobs?: readonly string[] | undefined
}

/** A window that is forgotten ends by itself within a week. */
const WINDOW_AT_MOST_MS = 7 * DAY_MS

/** Windows open at once that are looked at: more are a mistake. */
const WINDOWS_AT_ONCE = 100

/** Ends windows, so it cannot be in one. */
const ENDS_WINDOWS = 'outbox-and-run-projection'

/**
 * Pauses schedules together until a time, at which they go on by themselves. Those that somebody
 * paused already stay as they are, then and afterwards; those of a window that ends earlier are taken
 * over. Throws ControlError.
 */
export async function openWindow(
  deps: ControlDeps,
  selection: WindowSelection,
  request: ControlNote & { readonly until: Instant },
): Promise<MaintenanceWindow> {
  const { by, reason, until: untilAt } = request
  const now = deps.wallNow()
  if (untilAt <= now) throw new ControlError('until', 'it is past')
  if (untilAt > addMs(now, WINDOW_AT_MOST_MS)) {
    throw new ControlError('until', 'more than a week ahead')
  }
  const wanted = selectJobs(selection)
  const [states, open] = await Promise.all([
    deps.scheduleStates.read(wanted),
    deps.controlStore.listWindows(WINDOWS_AT_ONCE),
  ])
  const endEarlier = new Set(open.filter((one) => one.untilAt < untilAt).map((one) => one.note))
  const scheduleIds = states
    .filter((state) => !state.isPaused || endEarlier.has(state.note ?? ''))
    .map((state) => state.scheduleId)
  if (scheduleIds.length === 0) throw new ControlError('jobs', 'no schedule of these is enabled')
  const note = `maintenance until ${untilAt} by ${by}: ${reason}`
  const window = await deps.controlStore.openWindow(
    { scheduleIds, note, openedBy: by, reason, untilAt },
    {
      ...{ by, reason, at: await deps.clock.now(), action: 'window.opened' },
      ...{ subject: 'schedules', details: { scheduleIds, untilAt } },
    },
  )
  for (const id of scheduleIds) await deps.control.pauseSchedule(id, note)
  return window
}

function selectJobs({ owner, queue, jobs }: WindowSelection): string[] {
  const scheduled = allJobs().filter(({ schedule }) => schedule !== undefined)
  const unknown = (jobs ?? []).find((name) => !scheduled.some((job) => job.name === name))
  if (unknown !== undefined) throw new ControlError('jobs', `${unknown} is no schedule`)
  return scheduled
    .filter((job) => owner === undefined || job.owner === owner)
    .filter((job) => queue === undefined || job.queue === queue)
    .filter((job) => jobs === undefined || jobs.includes(job.name))
    .filter((job) => job.name !== ENDS_WINDOWS)
    .map((job) => job.name)
}

/** What ending windows works over. */
export type EndWindowsDeps = Pick<
  ControlDeps,
  'control' | 'controlStore' | 'scheduleStates' | 'clock'
>

/**
 * Ends windows whose time is over: their schedules go on, except those that somebody paused anew or
 * another window took over. Returns how many windows ended. May be repeated.
 */
export async function endWindows(deps: EndWindowsDeps, now: Instant): Promise<number> {
  const windows = await deps.controlStore.listWindows(WINDOWS_AT_ONCE)
  const due = windows.filter((window) => window.untilAt <= now)
  for (const window of due) {
    await resumeAll(deps, window)
    const details = { windowId: window.windowId, scheduleIds: window.scheduleIds }
    await deps.controlStore.closeWindow(window.windowId, {
      ...{ by: 'system', reason: 'its time is over', at: await deps.clock.now() },
      ...{ action: 'window.closed', subject: 'schedules', details },
    })
  }
  return due.length
}

/** Ends a window before its time. Throws ControlError when none of this id is open. */
export async function closeWindow(
  deps: EndWindowsDeps,
  windowId: string,
  note: ControlNote,
): Promise<MaintenanceWindow> {
  const windows = await deps.controlStore.listWindows(WINDOWS_AT_ONCE)
  const window = windows.find((one) => one.windowId === windowId)
  if (window === undefined) throw new ControlError('windowId', 'no open window has this id')
  await resumeAll(deps, window)
  await deps.controlStore.closeWindow(windowId, {
    ...{ ...note, at: await deps.clock.now(), action: 'window.closed', subject: 'schedules' },
    details: { windowId, scheduleIds: window.scheduleIds },
  })
  return window
}

async function resumeAll(
  { control, scheduleStates }: EndWindowsDeps,
  window: MaintenanceWindow,
): Promise<void> {
  const states = await scheduleStates.read(window.scheduleIds)
  // Another note is another person's pause: it is theirs to end.
  const ours = states.filter((state) => state.isPaused && state.note === window.note)
  for (const { scheduleId } of ours) {
    await control.resumeSchedule(scheduleId, `maintenance is over: ${window.reason}`)
  }
}
