/** Starts runs anew for runs that died. The new run's memo names the dead one. */
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client'
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js'

import type { RedriveOutcome, RunRedriver } from '../../domain/ports/run-redriver.ts'
import type { RunKey } from '../../domain/ports/run-source.ts'
import type { JobTerms } from '../../jobs/job-environments.ts'
import { checkInput } from '../../jobs/input.ts'
import { findJob } from '../../jobs/registry.ts'
import { startIdsOf, workflowIdOf } from '../../jobs/run-identity.ts'
import {
  JobConflictError,
  JobQueueFullError,
  JobInputError,
  JobNotEnabledError,
  startJob,
  UnknownJobError,
} from './job-starter.ts'

type Deps = { readonly client: Client; readonly terms: JobTerms }

const CALL_DEADLINE_MS = 10_000
const GRPC_NOT_FOUND = 5

/** A redriver over this client's namespace. */
export function createRunRedriver(deps: Deps): RunRedriver {
  const bounded = <T>(work: () => Promise<T>): Promise<T> =>
    deps.client.withDeadline(Date.now() + CALL_DEADLINE_MS, work)
  return {
    readInput: (run) => bounded(() => readRunInput(deps.client, run)),
    start: (redrive) => bounded(() => start(deps, redrive)),
    wake: (run, note) => bounded(() => wake(deps.client, run, note)),
  }
}

/** What a run was given; undefined when its history is gone. */
export async function readRunInput(
  client: Client,
  { workflowId, runId }: RunKey,
): Promise<unknown> {
  try {
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    })
    const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes
    const { loadedDataConverter } = client.options
    return (await decodeArrayFromPayloads(loadedDataConverter, started?.input?.payloads))[0]
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === GRPC_NOT_FOUND) return undefined
    throw error
  }
}

async function start(
  deps: Deps,
  { job: name, input, redriveOf }: Parameters<RunRedriver['start']>[0],
): Promise<RedriveOutcome> {
  const job = findJob(name)
  const check = job === undefined ? undefined : checkInput(job, input)
  const isFit = job !== undefined && check?.ok === true
  const look = async () => {
    for (const id of isFit ? startIdsOf(job, workflowIdOf(job, check.input)) : []) {
      const found = await findStarted(deps.client, id, redriveOf)
      if (found !== null) return found
    }
    return null
  }
  const found = await look()
  if (found !== null) return found
  try {
    const started = await startJob(deps, { job: name, input, trigger: 'redrive', redriveOf })
    return { kind: 'started', ...started }
  } catch (error) {
    const isRefusal =
      error instanceof JobConflictError ||
      error instanceof JobQueueFullError ||
      error instanceof JobInputError ||
      error instanceof JobNotEnabledError ||
      error instanceof UnknownJobError
    if (!isRefusal) throw error
    // Two people at once: what the other one started is this one's answer too.
    const started = error instanceof JobConflictError ? await look() : null
    if (started !== null) return started
    return { kind: 'refused', reason: error.message }
  }
}

/** What an earlier try started before it could say so: the newest run of the id, by its memo. */
async function findStarted(
  client: Client,
  workflowId: string,
  redriveOf: string,
): Promise<RedriveOutcome | null> {
  try {
    const { memo, runId } = await client.workflow.getHandle(workflowId).describe()
    return memo?.['redriveOf'] === redriveOf ? { kind: 'started', workflowId, runId } : null
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null
    throw error
  }
}

async function wake(
  client: Client,
  { workflowId, runId }: RunKey,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<RedriveOutcome> {
  try {
    const handle = client.workflow.getHandle(workflowId, runId)
    await handle.executeUpdate('retry', { args: [{ by, reason }] })
    return { kind: 'started', workflowId, runId }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) {
      return { kind: 'refused', reason: 'the run has ended meanwhile' }
    }
    if (!(error instanceof WorkflowUpdateFailedError)) throw error
    return { kind: 'refused', reason: error.cause?.message ?? error.message }
  }
}
