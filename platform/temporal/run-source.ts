/** Runs of jobs as the Temporal server lists them: its visibility, and the last event of a history. */
import { WorkflowNotFoundError, type Client, type WorkflowExecutionInfo } from '@temporalio/client'
import type { temporal } from '@temporalio/proto'

import type { RunKey, RunListing, RunQuery, RunSource } from '../../domain/ports/run-source.ts'
import type { RunEnd, RunRecord, RunState } from '../../domain/run.ts'
import { instantFromMs, type Instant } from '../../domain/time.ts'
import { allJobs, findJobOfWorkflow } from '../../jobs/registry.ts'
import { listedRun } from './listed-run.ts'
import { readableFailure } from './failure-words.ts'

/** Runs of one page; the server gives at most 1,000. */
const PAGE_SIZE = 1_000

/** A call that takes longer is a server that does not answer. */
const CALL_DEADLINE_MS = 10_000

/** Longer messages are for the run's own page. */
const MESSAGE_LIMIT = 500

/** Types are labels: those that do not look like one of ours share `Other`. */
const ERROR_TYPE = /^[A-Z][A-Za-z]{2,39}$/
const FAILURE_DEPTH = 10

/** Runs as this client's namespace has them. */
export function createRunSource(client: Client): RunSource {
  const bounded = <T>(work: () => Promise<T>): Promise<T> =>
    client.withDeadline(Date.now() + CALL_DEADLINE_MS, work)
  return {
    list: (query, from) => bounded(() => list(client, query, from)),
    readEnd: (run) => bounded(() => readEnd(client, run)),
    find: (run) => bounded(() => find(client, run)),
  }
}

async function list(client: Client, query: RunQuery, from: string | null): Promise<RunListing> {
  const { namespace } = client.options
  const response = await client.workflowService.listWorkflowExecutions({
    namespace,
    query: `${ofOurs()}${conditionOf(query)}`,
    pageSize: PAGE_SIZE,
    nextPageToken: from === null ? new Uint8Array() : Buffer.from(from, 'base64'),
  })
  const runs: RunRecord[] = []
  for (const raw of response.executions) {
    const run = toRecord(await listedRun(client, raw))
    if (run !== null) runs.push(run)
  }
  const token = Buffer.from(response.nextPageToken).toString('base64')
  return { runs, next: token === '' ? null : token }
}

/** By type and not by our search attributes: runs started by other hands carry none. */
function ofOurs(): string {
  return `WorkflowType IN (${allJobs()
    .map(({ workflow }) => `"${workflow}"`)
    .join(', ')})`
}

function conditionOf(query: RunQuery): string {
  switch (query.kind) {
    case 'all':
      return ''
    case 'open':
      return ' AND ExecutionStatus = "Running"'
    case 'moved': {
      const within = (time: string) =>
        `(${time} > "${query.after}" AND ${time} <= "${query.until}")`
      return ` AND (${within('CloseTime')} OR ${within('StartTime')})`
    }
  }
}

const STATES: Readonly<Record<string, RunState>> = {
  RUNNING: 'running',
  COMPLETED: 'success',
  CONTINUED_AS_NEW: 'continued',
  FAILED: 'failed',
  TIMED_OUT: 'timeout',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
}

/** Null for a workflow that no job has. */
function toRecord(info: WorkflowExecutionInfo): RunRecord | null {
  const job = findJobOfWorkflow(info.type)
  if (job === undefined) return null
  const startedAt = info.executionTime ?? info.startTime
  const closedAt = info.closeTime ?? null
  const nominal: unknown = info.searchAttributes['TemporalScheduledStartTime']?.[0]
  return {
    runId: info.runId,
    workflowId: info.workflowId,
    job: job.name,
    status: stateOf(info),
    state: closedAt === null ? openState(info) : null,
    trigger: textAttribute(info, 'JobTrigger'),
    priority: textAttribute(info, 'JobPriority') ?? job.priority,
    queue: info.taskQueue,
    scheduleId: textAttribute(info, 'TemporalScheduledById'),
    nominalAt: nominal instanceof Date ? toInstant(nominal) : null,
    requestedAt: toInstant(info.startTime),
    startedAt: toInstant(startedAt),
    closedAt: closedAt === null ? null : toInstant(closedAt),
    // The server leaves it on runs that ended.
    isStuck: closedAt === null && hasAttribute(info, 'TemporalReportedProblems'),
  }
}

function stateOf(info: WorkflowExecutionInfo): RunState {
  const status = STATES[info.status.name] ?? 'running'
  const begins = info.executionTime ?? info.startTime
  const isStoppedBefore = info.closeTime !== undefined && begins > info.closeTime
  return status === 'terminated' && isStoppedBefore ? 'cancelled' : status
}

/** What an open run says of itself; that it runs is said by its status. */
function openState(info: WorkflowExecutionInfo): string | null {
  const state = textAttribute(info, 'JobState')
  return state === 'running' ? null : state
}

function textAttribute(info: WorkflowExecutionInfo, name: string): string | null {
  const value: unknown = info.searchAttributes[name]?.[0]
  return typeof value === 'string' ? value : null
}

function hasAttribute(info: WorkflowExecutionInfo, name: string): boolean {
  return (info.searchAttributes[name]?.length ?? 0) > 0
}

function toInstant(date: Date): Instant {
  return instantFromMs(date.getTime())
}

async function find(client: Client, { workflowId, runId }: RunKey): Promise<RunRecord | null> {
  try {
    const description = await client.workflow.getHandle(workflowId, runId).describe()
    return toRecord({ ...description, raw: description.raw.workflowExecutionInfo ?? {} })
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null
    throw error
  }
}

type Failure = temporal.api.failure.v1.IFailure
type HistoryEvent = temporal.api.history.v1.IHistoryEvent

const GRPC_NOT_FOUND = 5

/** How it ended, and the step of the code that ended it. */
const LAST_EVENTS = 3

async function readEnd(client: Client, { workflowId, runId }: RunKey): Promise<RunEnd | null> {
  try {
    const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: LAST_EVENTS,
    })
    const events = history?.events ?? []
    const [last] = events
    if (last === undefined) return null
    const failed = last.workflowExecutionFailedEventAttributes
    const failure = await readableFailure(client, failed?.failure)
    return { ...endOf(last, failure), version: versionOf(events) }
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === GRPC_NOT_FOUND
    if (isGone) return null
    throw error
  }
}

function versionOf(events: readonly HistoryEvent[]): string | null {
  for (const { workflowTaskCompletedEventAttributes: task } of events) {
    const version = task?.deploymentVersion?.buildId || task?.workerVersion?.buildId
    if (version) return version
  }
  return null
}

function endOf(event: HistoryEvent, failure: Failure | null): Omit<RunEnd, 'version'> {
  const failed = event.workflowExecutionFailedEventAttributes
  if (failed) {
    const nextRunId = failed.newExecutionRunId || null
    return { ...innermost(failure), nextRunId, isDead: nextRunId === null }
  }
  const timedOut = event.workflowExecutionTimedOutEventAttributes
  if (timedOut) {
    const nextRunId = timedOut.newExecutionRunId || null
    return { type: 'RunTimeout', message: null, nextRunId, isDead: nextRunId === null }
  }
  const terminated = event.workflowExecutionTerminatedEventAttributes
  const message = shortened(terminated?.reason)
  const isBySystem = BY_SYSTEM.test(terminated?.identity ?? '')
  const type = isBySystem ? 'TerminatedBySystem' : terminated ? 'Terminated' : 'Other'
  return { type, message, nextRunId: null, isDead: isBySystem }
}

/** Who ends runs on the server's own account; a reset ends one to go on with another. */
const BY_SYSTEM = /^(history-service|temporal-sys|temporal-scheduler)/

/** The innermost application failure names the reason; wrappers say only which step it was. */
function innermost(outer: Failure | null | undefined): Pick<RunEnd, 'type' | 'message'> {
  let found = { type: 'Other', message: shortened(outer?.message) }
  let failure = outer
  for (let depth = 0; depth < FAILURE_DEPTH && failure; depth += 1) {
    const type = failure.timeoutFailureInfo ? 'StepTimeout' : failure.applicationFailureInfo?.type
    if (type !== undefined && type !== null) {
      found = {
        type: ERROR_TYPE.test(type) ? type : 'Other',
        message: shortened(failure.message),
      }
    }
    failure = failure.cause
  }
  return found
}

function shortened(text: string | null | undefined): string | null {
  const line = text?.replaceAll(/\s+/g, ' ').trim() ?? ''
  return line === '' ? null : line.slice(0, MESSAGE_LIMIT)
}
