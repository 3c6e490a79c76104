/** Runs of the jobs that run on start-up: one for a platform that starts, however many processes it has. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client'

import { instantFromMs, MINUTE_MS } from '../../domain/time.ts'
import { isScheduled, type SchedulerTerms } from '../../jobs/job-environments.ts'
import { allJobs, type AnyJob } from '../../jobs/registry.ts'
import { JobConflictError, startJob, type JobStarterDeps, type StartedJob } from './job-starter.ts'
import type { SchedulePlanEntry } from './schedules-plan.ts'

/** Starts within so long of each other are one: many processes, or one that dies and comes back. */
const ONE_START_MS = MINUTE_MS

/** What starting works over. `jobs`: the registry unless told otherwise; `nowMs` is for tests. */
export type StartupDeps = JobStarterDeps & {
  readonly jobs?: readonly AnyJob[]
  readonly nowMs?: number
}

/**
 * Starts a run of each job that declares `onStartup` and is scheduled here, unless its schedule is paused, a
 * run of it is open, or one was started for a start-up in the last minute. `applied`: the schedules as applied now.
 * Returns the runs that this call started.
 */
export async function startStartupRuns(
  deps: StartupDeps,
  applied: readonly SchedulePlanEntry[],
  terms: SchedulerTerms,
): Promise<StartedJob[]> {
  const { jobs = allJobs(), nowMs = Date.now() } = deps
  const wanted = jobs.filter((job) => {
    const entry = applied.find(({ scheduleId }) => scheduleId === job.name)
    const isOn = isScheduled(job, terms) && entry?.paused === null
    return job.schedule?.onStartup === true && isOn
  })
  const started = await Promise.all(wanted.map((job) => startOne(deps, job, nowMs)))
  return started.filter((run) => run !== null)
}

async function startOne(deps: StartupDeps, job: AnyJob, nowMs: number): Promise<StartedJob | null> {
  const slot = Math.floor(nowMs / ONE_START_MS)
  const before = startupId(job, slot - 1)
  const [isRecent, isOpen] = await Promise.all([
    hasStartedSince(deps.client, before, nowMs - ONE_START_MS),
    hasOpenRun(deps.client, job),
  ])
  if (isRecent || isOpen) return null
  try {
    return await startJob(deps, {
      job: job.name,
      input: job.schedule?.input ?? {},
      trigger: 'startup',
      workflowId: startupId(job, slot),
      isOnce: true,
    })
  } catch (error) {
    // Another process was faster.
    if (error instanceof JobConflictError) return null
    throw error
  }
}

/** The server takes an id once: that is what makes many starts in a minute one. */
function startupId({ name }: AnyJob, slot: number): string {
  return `${name}:startup-${instantFromMs(slot * ONE_START_MS).slice(0, 16)}Z`
}

async function hasStartedSince(client: Client, id: string, sinceMs: number): Promise<boolean> {
  try {
    const { startTime } = await client.workflow.getHandle(id).describe()
    return startTime.getTime() > sinceMs
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false
    throw error
  }
}

async function hasOpenRun(client: Client, { workflow }: AnyJob): Promise<boolean> {
  const query = `WorkflowType = "${workflow}" AND ExecutionStatus = "Running"`
  return (await client.workflow.count(query)).count > 0
}
