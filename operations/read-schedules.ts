/** The status of recurring jobs: what their runs did, and when they fire next. */
import type { JobTotals, RunReads } from '../domain/ports/run-store.ts'
import type { FireFigures, ScheduleWatchStore } from '../domain/ports/schedule-watch.ts'
import type { ScheduleState, ScheduleStates } from '../domain/ports/schedule-states.ts'
import type { Instant } from '../domain/time.ts'
import { allJobs, findJob, type AnyJob } from '../jobs/registry.ts'

/** What the statuses are read from. */
export type ReadSchedulesDeps = {
  readonly runReads: RunReads
  readonly scheduleStates: ScheduleStates
  readonly watchStore: Pick<ScheduleWatchStore, 'figures'>
}

/** One recurring job. Totals are over the kept history; each attempt counts as a run. */
export type ScheduleStatus = {
  readonly name: string
  readonly type: string
  readonly lastRun: Instant | null
  readonly lastStatus: JobTotals['lastStatus']
  readonly lastError: string | null
  readonly lastDurationMs: number | null
  readonly totalRuns: number
  readonly totalFailures: number
  readonly averageDurationMs: number | null
  /** Null while it is disabled. */
  readonly nextRun: Instant | null
  /** It exists on the server and is not paused. */
  readonly enabled: boolean
  /** Why it was paused or resumed last. */
  readonly note: string | null
  /** Fires of the last day that did not happen as they should, and how late the others were. */
  readonly fires: Omit<FireFigures, 'scheduleId'> | null
}

/** The job of a schedule; undefined when none has this name or type, or it does not recur. */
export function findScheduledJob(nameOrType: string): AnyJob | undefined {
  const job = findJob(nameOrType)
  return job?.schedule === undefined ? undefined : job
}

/** All recurring jobs. */
export function readSchedules(deps: ReadSchedulesDeps): Promise<ScheduleStatus[]> {
  return statusesOf(
    deps,
    allJobs().filter((job) => job.schedule !== undefined),
  )
}

/** One recurring job; null when there is none of this name or type. */
export async function readSchedule(
  deps: ReadSchedulesDeps,
  nameOrType: string,
): Promise<ScheduleStatus | null> {
  const job = findScheduledJob(nameOrType)
  if (job === undefined) return null
  const [status] = await statusesOf(deps, [job])
  return status ?? null
}

async function statusesOf(
  deps: ReadSchedulesDeps,
  jobs: readonly AnyJob[],
): Promise<ScheduleStatus[]> {
  const names = jobs.map((job) => job.name)
  const [totals, states, figures] = await Promise.all([
    deps.runReads.totals(names),
    deps.scheduleStates.read(names),
    deps.watchStore.figures(names),
  ])
  return jobs.map((job) => {
    const ran = totals.find((one) => one.job === job.name)
    const state = states.find((one) => one.scheduleId === job.name)
    const { scheduleId: _id, ...fires } = figures.find((one) => one.scheduleId === job.name) ?? {}
    return { ...toStatus(job, ran, state), fires: 'gaps' in fires ? fires : null }
  })
}

function toStatus(
  { name, type }: AnyJob,
  ran: JobTotals | undefined,
  state: ScheduleState | undefined,
): Omit<ScheduleStatus, 'fires'> {
  return {
    name,
    type,
    lastRun: ran?.lastRun ?? null,
    lastStatus: ran?.lastStatus ?? null,
    lastError: ran?.lastError ?? null,
    lastDurationMs: ran?.lastDurationMs ?? null,
    totalRuns: ran?.totalRuns ?? 0,
    totalFailures: ran?.totalFailures ?? 0,
    averageDurationMs: ran?.averageDurationMs ?? null,
    nextRun: state?.nextAt ?? null,
    enabled: state !== undefined && !state.isPaused,
    note: state?.note ?? null,
  }
}
