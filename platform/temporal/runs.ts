/** Runs of jobs as the server's visibility has them, for people. */
import {
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionInfo,
} from '@temporalio/client'

import { allJobs, findJobOfWorkflow, type AnyJob } from '../../jobs/registry.ts'
import { progressOf, type RunProgress } from './run-progress.ts'

/** One run as lists show it. */
export type JobRun = {
  readonly workflowId: string
  readonly runId: string
  readonly job: string
  /** The server's name in lower case: `running`, `completed`, `failed`, `timed_out` ... */
  readonly status: string
  readonly startedAt: Date
  readonly closedAt: Date | null
}

/** A run with what it was given and how it ended. */
export type JobRunDetails = JobRun & {
  readonly queue: string
  readonly historyEvents: number
  readonly memo: Readonly<Record<string, unknown>>
  readonly result: unknown
  /** The failure's type and message, innermost cause last; null unless it failed. */
  readonly failure: string | null
  /** How far its steps are; null when none is open. */
  readonly progress: RunProgress | null
}

/** Statuses of runs as the server has them, in this product's spelling. */
export const SERVER_STATUSES = [
  'running',
  'completed',
  'failed',
  'timed_out',
  'canceled',
  'terminated',
] as const

/** The newest runs first where the server can tell; open ones before closed ones. */
export async function listRuns(
  deps: { readonly client: Client },
  filter: { readonly job?: AnyJob; readonly status?: string; readonly limit: number },
): Promise<JobRun[]> {
  const conditions = [
    `WorkflowType IN (${workflowTypes(filter.job)})`,
    ...(filter.status === undefined
      ? []
      : [`ExecutionStatus = "${toServerStatus(filter.status)}"`]),
  ]
  const runs: JobRun[] = []
  for await (const info of deps.client.workflow.list({ query: conditions.join(' AND ') })) {
    runs.push(toRun(info))
    if (runs.length >= filter.limit) break
  }
  return runs
}

/** The run of an id, the newest of that id; null when there is none. */
export async function describeRun(
  deps: { readonly client: Client },
  workflowId: string,
): Promise<JobRunDetails | null> {
  const handle = deps.client.workflow.getHandle(workflowId)
  let info: WorkflowExecutionDescription
  try {
    info = await handle.describe()
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null
    throw error
  }
  const end = info.status.name === 'RUNNING' ? {} : await readEnd(handle)
  return {
    ...toRun(info),
    queue: info.taskQueue,
    historyEvents: info.historyLength,
    memo: info.memo ?? {},
    result: end.result ?? null,
    failure: end.failure ?? null,
    progress: await progressOf(deps.client, info),
  }
}

/** By type and not by our search attributes: runs started by other hands carry none. */
function workflowTypes(job: AnyJob | undefined): string {
  const jobs = job === undefined ? allJobs() : [job]
  return jobs.map(({ workflow }) => `"${workflow}"`).join(', ')
}

async function readEnd(handle: {
  result: () => Promise<unknown>
}): Promise<{ result?: unknown; failure?: string }> {
  try {
    return { result: await handle.result() }
  } catch (error) {
    return { failure: describeFailure(error) }
  }
}

/** `InvalidInput: payout: invalid input: ...`, innermost cause last. */
export function describeFailure(error: unknown): string {
  const parts: string[] = []
  // Failures of the server come wrapped: workflow, activity, then the reason.
  for (let cause = error; cause instanceof Error && parts.length < 5; cause = cause.cause) {
    const type: unknown = 'type' in cause ? cause.type : undefined
    parts.push(typeof type === 'string' ? `${type}: ${cause.message}` : cause.message)
  }
  return parts.join(' <- ')
}

type RunInfo = Pick<
  WorkflowExecutionInfo,
  'workflowId' | 'runId' | 'type' | 'status' | 'startTime'
> & {
  readonly closeTime?: Date | undefined
}

function toRun(info: RunInfo): JobRun {
  return {
    workflowId: info.workflowId,
    runId: info.runId,
    job: findJobOfWorkflow(info.type)?.name ?? info.type,
    status: info.status.name.toLowerCase(),
    startedAt: info.startTime,
    closedAt: info.closeTime ?? null,
  }
}

/** `timed_out` is `TimedOut` in the server's query language. */
function toServerStatus(status: string): string {
  return status
    .toLowerCase()
    .split(/[_-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

/** An open run whose code fails over and over without ending it. */
export type StuckRun = { readonly id: string; readonly runId: string; readonly type: string }

/** The first of them say what is wrong; the others have it too. */
const STUCK_SHOWN = 20

/** Runs that are stuck, at most 20. The server marks them after some failed tasks, about a minute. */
export async function listStuckRuns({ client }: { readonly client: Client }): Promise<StuckRun[]> {
  // The server leaves the mark on runs that ended.
  const isStuck = 'TemporalReportedProblems IS NOT NULL AND ExecutionStatus = "Running"'
  const query = `WorkflowType IN (${workflowTypes(undefined)}) AND ${isStuck}`
  const stuck: StuckRun[] = []
  for await (const info of client.workflow.list({ query, pageSize: STUCK_SHOWN })) {
    const { workflowId: id, runId, type } = info
    stuck.push({ id, runId, type: findJobOfWorkflow(type)?.type ?? type })
    if (stuck.length >= STUCK_SHOWN) break
  }
  return stuck
}
