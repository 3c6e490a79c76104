/**
 * Runs of jobs as Temporal knows them, for API and command line alike: list, look at one, cancel. Temporal
 * is the only truth about a run; nothing is kept here. Starting is the job starter's.
 */
import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionInfo,
  type WorkflowHandle,
} from '@temporalio/client'
import { ApplicationFailure, rootCause } from '@temporalio/common'
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js'

import { instantFromMs, type Instant } from '../../domain/time.ts'
import { PRIORITY_KEYS, type JobPriority } from '../../jobs/define-job.ts'
import { allJobs, findJobOfWorkflow, type AnyJob } from '../../jobs/registry.ts'
import type { RunStatus } from '../metrics.ts'
import { listedRun } from './listed-run.ts'
import { progressOf, type RunProgress } from './run-progress.ts'

/** Every status that a run can be shown with. */
export const RUN_STATUSES = [
  'scheduled',
  'running',
  'success',
  'failed',
  'timeout',
  'cancelled',
  'terminated',
] as const

/** A status that a run can be shown with. */
export type JobRunStatus = (typeof RUN_STATUSES)[number]

/** One run of a job. Times are wall time. */
export type JobRun = {
  /** The workflow id: names the run until another run takes the same business key. */
  readonly id: string
  /** Names this one run for ever. */
  readonly runId: string
  readonly type: string
  readonly name: string
  readonly status: JobRunStatus
  readonly priority: JobPriority
  /** Whose turn it takes among those that wait; null is the house. */
  readonly tenant: string | null
  readonly queue: string
  readonly createdAt: Instant
  /** When it starts or started: later than `createdAt` for a run that waits for its time. */
  readonly executeAt: Instant
  readonly finishedAt: Instant | null
  readonly durationMs: number | null
  /** What an open run says of itself: `waiting` for a place, `held`, `retrying`, `parked`; null: it runs. */
  readonly state: string | null
  /** Of an open run whose steps are under way. */
  readonly progress: Pick<RunProgress, 'done' | 'total' | 'message'> | null
}

/** One run with what went in and what came out. */
export type JobRunDetails = Omit<JobRun, 'progress'> & {
  readonly progress: RunProgress | null
  readonly input: unknown
  readonly result: unknown
  readonly error: { readonly type: string; readonly message: string } | null
}

/** No run of a registered job has this id. */
export class NoSuchJobRunError extends Error {
  override readonly name = 'NoSuchJobRunError'
}

/** The run has ended: there is nothing to cancel. */
export class JobRunEndedError extends Error {
  override readonly name = 'JobRunEndedError'
}

/** A cursor that was not made by this list, or was made for another filter. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError'
}

/** A call that takes longer is a server that does not answer. */
const CALL_DEADLINE_MS = 4_000

/** Runs `work` against Temporal within a bounded time; fails with gRPC's DEADLINE_EXCEEDED. */
export function withinDeadline<T>(client: Client, work: () => Promise<T>): Promise<T> {
  return client.withDeadline(Date.now() + CALL_DEADLINE_MS, work)
}

const STATUS_BY_TEMPORAL: Readonly<Record<string, RunStatus>> = {
  COMPLETED: 'success',
  CONTINUED_AS_NEW: 'success',
  FAILED: 'failed',
  TIMED_OUT: 'timeout',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
}

/** How an ended run ended. One that was stopped before its time was cancelled. */
export function statusOfRun(info: WorkflowExecutionInfo): RunStatus {
  const neverBegan = (info.executionTime ?? info.startTime) > (info.closeTime ?? new Date())
  if (neverBegan && info.status.name === 'TERMINATED') return 'cancelled'
  return STATUS_BY_TEMPORAL[info.status.name] ?? 'failed'
}

const QUERY_BY_STATUS: Readonly<Record<JobRunStatus, (now: Instant) => string>> = {
  scheduled: (now) => `ExecutionStatus = "Running" AND ExecutionTime > "${now}"`,
  running: (now) => `ExecutionStatus = "Running" AND ExecutionTime <= "${now}"`,
  success: () => 'ExecutionStatus = "Completed"',
  failed: () => 'ExecutionStatus = "Failed"',
  timeout: () => 'ExecutionStatus = "TimedOut"',
  cancelled: () =>
    '(ExecutionStatus = "Canceled" OR (ExecutionStatus = "Terminated" AND ExecutionDuration < 0))',
  terminated: () => 'ExecutionStatus = "Terminated" AND ExecutionDuration >= 0',
}

/** The visibility query that finds the runs of these jobs. */
export function workflowTypeQuery(jobs: readonly AnyJob[]): string {
  return `WorkflowType IN (${jobs.map((job) => `"${job.workflow}"`).join(', ')})`
}

function priorityOf(info: WorkflowExecutionInfo, job: AnyJob): JobPriority {
  const key = info.priority?.priorityKey
  const found = Object.entries(PRIORITY_KEYS).find(([, value]) => value === key)
  return (found?.[0] as JobPriority | undefined) ?? job.priority // keys of PRIORITY_KEYS
}

function toJobRun(info: WorkflowExecutionInfo, job: AnyJob, nowMs: number): JobRun {
  const startMs = (info.executionTime ?? info.startTime).getTime()
  const endMs = info.closeTime?.getTime() ?? null
  const open = startMs > nowMs ? 'scheduled' : 'running'
  return {
    id: info.workflowId,
    runId: info.runId,
    type: job.type,
    name: job.name,
    status: endMs === null ? open : statusOfRun(info),
    priority: priorityOf(info, job),
    tenant: info.priority?.fairnessKey || null,
    queue: info.taskQueue,
    createdAt: instantFromMs(info.startTime.getTime()),
    executeAt: instantFromMs(startMs),
    finishedAt: endMs === null ? null : instantFromMs(endMs),
    durationMs: endMs === null ? null : Math.max(0, endMs - startMs),
    state: endMs === null ? stateOf(info) : null,
    progress: null,
  }
}

function stateOf({ searchAttributes }: WorkflowExecutionInfo): string | null {
  const [state] = searchAttributes['JobState'] ?? []
  return typeof state === 'string' && state !== 'running' ? state : null
}

/** Which runs a list is about; both left out: all. */
export type JobRunFilter = {
  readonly job?: AnyJob | undefined
  readonly status?: JobRunStatus | undefined
}

/** A page of runs; `nextCursor` is null on the last. */
export type JobRunPage = { readonly jobs: readonly JobRun[]; readonly nextCursor: string | null }

type Cursor = { readonly filter: string; readonly at: Instant; readonly token: string }

function readCursor(cursor: string, filter: string): Cursor {
  let parsed: Partial<Cursor>
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as Partial<Cursor>
  } catch (error) {
    throw new InvalidCursorError('not a cursor of this list', { cause: error })
  }
  const { at, token } = parsed ?? {}
  const isCursor = typeof token === 'string' && typeof at === 'string'
  if (!isCursor || Number.isNaN(Date.parse(at))) {
    throw new InvalidCursorError('not a cursor of this list')
  }
  if (parsed.filter !== filter) throw new InvalidCursorError('made for another filter')
  return { filter, at: instantFromMs(Date.parse(at)), token }
}

/** One page of runs, open ones and the most recently ended first. Throws InvalidCursorError. */
export async function listJobRuns(
  client: Client,
  filter: JobRunFilter,
  page: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<JobRunPage> {
  const filterName = `${filter.job?.name ?? '*'} ${filter.status ?? '*'}`
  const from = page.cursor === undefined ? null : readCursor(page.cursor, filterName)
  const nowMs = Date.now()
  // "now" is part of the query, so that all pages of a walk answer the same question.
  const at = from?.at ?? instantFromMs(nowMs)
  const parts = [workflowTypeQuery(filter.job === undefined ? allJobs() : [filter.job])]
  if (filter.status !== undefined) parts.push(QUERY_BY_STATUS[filter.status](at))
  const response = await withinDeadline(client, () =>
    client.workflowService.listWorkflowExecutions({
      namespace: client.options.namespace,
      query: parts.join(' AND '),
      pageSize: page.limit,
      nextPageToken: from === null ? new Uint8Array() : Buffer.from(from.token, 'base64'),
    }),
  ).catch((error: unknown) => {
    throw from !== null && isInvalidArgument(error)
      ? new InvalidCursorError('not a cursor of this list', { cause: error })
      : error
  })
  const jobs: JobRun[] = []
  for (const raw of response.executions) {
    const info = await listedRun(client, raw)
    const job = findJobOfWorkflow(info.type)
    if (job !== undefined) jobs.push(toJobRun(info, job, nowMs))
  }
  const token = Buffer.from(response.nextPageToken).toString('base64')
  const next: Cursor = { filter: filterName, at, token }
  const nextCursor = Buffer.from(JSON.stringify(next)).toString('base64url')
  return {
    jobs: await withProgress(client, jobs),
    nextCursor: token === '' ? null : nextCursor,
  }
}

/** Runs of a page that are asked how far they are; some 5 ms each, side by side. */
const PROGRESS_PER_PAGE = 20

async function withProgress(client: Client, jobs: readonly JobRun[]): Promise<JobRun[]> {
  const asked = new Set(
    jobs.filter(({ status }) => status === 'running').slice(0, PROGRESS_PER_PAGE),
  )
  return withinDeadline(client, () =>
    Promise.all(
      jobs.map(async (job) => {
        if (!asked.has(job)) return job
        try {
          const description = await client.workflow.getHandle(job.id, job.runId).describe()
          const found = await progressOf(client, description)
          if (found === null) return job
          const { done, total, message } = found
          return { ...job, progress: { done, total, message } }
        } catch (error) {
          // It was deleted since the page was listed.
          if (!(error instanceof WorkflowNotFoundError)) throw error
          return job
        }
      }),
    ),
  )
}

const GRPC_INVALID_ARGUMENT = 3

function isInvalidArgument(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === GRPC_INVALID_ARGUMENT
}

/** A run with its input, result or error. Throws NoSuchJobRunError. */
export async function readJobRun(
  client: Client,
  id: string,
  runId?: string,
): Promise<JobRunDetails> {
  return withinDeadline(client, async () => {
    const { run, handle, progress } = await describeJobRun(client, id, runId)
    const input = await readInput(client, id, run.runId)
    const ended = { input, result: null, error: null }
    if (run.finishedAt === null) return { ...run, ...ended, progress }
    try {
      return { ...run, ...ended, progress: null, result: (await handle.result()) ?? null }
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error
      return { ...run, ...ended, progress: null, error: toRunError(error) }
    }
  })
}

/** A run and a handle bound to it. Throws NoSuchJobRunError. */
export async function describeJobRun(
  client: Client,
  id: string,
  runId?: string,
): Promise<{
  readonly run: JobRun
  readonly handle: WorkflowHandle
  readonly progress: RunProgress | null
}> {
  try {
    const description = await client.workflow.getHandle(id, runId).describe()
    const job = findJobOfWorkflow(description.type)
    if (job === undefined) throw new NoSuchJobRunError(`no job has the id ${id}`)
    // Bound to this run: a newer one of the same id must not be asked instead.
    const handle = client.workflow.getHandle(id, description.runId, { followRuns: false })
    const info = { ...description, raw: description.raw.workflowExecutionInfo ?? {} }
    const progress = await progressOf(client, description)
    return { run: toJobRun(info, job, Date.now()), handle, progress }
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError) && !isInvalidArgument(error)) throw error
    throw new NoSuchJobRunError(`no job has the id ${id}`, { cause: error })
  }
}

async function readInput(client: Client, workflowId: string, runId: string): Promise<unknown> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  })
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes
  const values = await decodeArrayFromPayloads(
    client.options.loadedDataConverter,
    started?.input?.payloads,
  )
  return values[0] ?? null
}

function toRunError(error: WorkflowFailedError): { type: string; message: string } {
  let cause: Error | undefined = error.cause
  // The innermost application failure names the reason; wrappers say only which step it was.
  for (let inner = cause; inner !== undefined; inner = inner.cause as Error | undefined) {
    if (inner instanceof ApplicationFailure) cause = inner
  }
  const type = cause instanceof ApplicationFailure ? cause.type : cause?.name
  return { type: type ?? 'Error', message: cause?.message || (rootCause(error) ?? error.message) }
}

/** What a run that never began says in the Web UI. */
const CANCELLED_BEFORE_START = 'cancelled before its time'

/** Asks a run to stop. Throws NoSuchJobRunError, JobRunEndedError. Repeats change nothing. */
export async function cancelJobRun(client: Client, id: string, runId?: string): Promise<JobRun> {
  return withinDeadline(client, async () => {
    const { run, handle } = await describeJobRun(client, id, runId)
    if (run.finishedAt !== null) throw new JobRunEndedError(`job ${id} has ended: ${run.status}`)
    try {
      // The server delivers a cancellation only when a delayed run begins; nothing runs there yet.
      if (run.status === 'scheduled') await handle.terminate(CANCELLED_BEFORE_START)
      else await handle.cancel()
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error
      throw new JobRunEndedError(`job ${id} has ended`, { cause: error })
    }
    return run
  })
}
