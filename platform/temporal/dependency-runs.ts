/** Schedules and runs of the jobs that others come after, as the server has them. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client'

import type {
  DependencyRun,
  DependencyRuns,
  DependencySchedule,
} from '../../domain/ports/dependency-runs.ts'
import { instantFromMs, type Instant } from '../../domain/time.ts'
import { allJobs, type AnyJob } from '../../jobs/registry.ts'
import { workflowIdOf } from '../../jobs/run-identity.ts'
import { createRunSource } from './run-source.ts'
import { describeSchedule } from './schedules-plan.ts'
import { firedWorkflowId, watchedOf } from './watched-schedules.ts'

/** A call that takes longer is a server that does not answer. */
const CALL_DEADLINE_MS = 10_000

/** Over this client's namespace. `jobs`: the registry unless told otherwise. */
export function createDependencyRuns(
  client: Client,
  jobs: readonly AnyJob[] = allJobs(),
): DependencyRuns {
  const bounded = <T>(work: () => Promise<T>): Promise<T> =>
    client.withDeadline(Date.now() + CALL_DEADLINE_MS, work)
  return {
    readSchedule: (job) => bounded(() => readSchedule(client, jobs, job)),
    readRun: (job, nominalAt) => bounded(() => readRun(client, firedWorkflowId(job, nominalAt))),
    hasSucceededSince: (job, since) => bounded(() => hasSucceeded(client, jobs, job, since)),
  }
}

async function readSchedule(
  client: Client,
  jobs: readonly AnyJob[],
  name: string,
): Promise<DependencySchedule | null> {
  const description = await describeSchedule(client, name)
  if (description === undefined) return null
  const { spec, isPaused } = watchedOf(description, jobs)
  const declared = jobs.find((job) => job.name === name)?.schedule
  // Calendars have no offset of their own on the server; intervals may be shortened by a fast clock.
  const spreadMs = spec.wall === null ? spec.offsetMs : declared?.spread?.offsetMs
  const createdAt = instantFromMs(description.info.createdAt.getTime())
  return { spec, spreadMs: spreadMs ?? 0, isPaused, createdAt }
}

async function readRun(client: Client, workflowId: string): Promise<DependencyRun | null> {
  const { runId } = await latestOf(client, workflowId)
  if (runId === null) return null
  const source = createRunSource(client)
  const run = await source.find({ workflowId, runId })
  if (run === null) return null
  const { status, closedAt } = run
  const end = status === 'failed' ? await source.readEnd({ workflowId, runId }) : null
  return { status, closedAt, reason: end === null ? null : `${end.type}: ${end.message ?? ''}` }
}

/** The newest run of an id: an attempt that goes on for one that failed counts, and not the failed one. */
async function latestOf(client: Client, workflowId: string): Promise<{ runId: string | null }> {
  try {
    return await client.workflow.getHandle(workflowId).describe()
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { runId: null }
    throw error
  }
}

async function hasSucceeded(
  client: Client,
  jobs: readonly AnyJob[],
  name: string,
  since: Instant,
): Promise<boolean> {
  const job = jobs.find((one) => one.name === name)
  if (job === undefined) return false
  const onDemand = workflowIdOf(job, job.schedule?.input ?? {})
  const { count } = await client.workflow.count(
    `WorkflowType = "${job.workflow}" AND ExecutionStatus = "Completed" AND StartTime > "${since}"` +
      ` AND (TemporalScheduledById = "${name}" OR WorkflowId = "${onDemand}")`,
  )
  return count > 0
}
