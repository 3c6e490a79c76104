/** Starts runs for requests, so that one Idempotency-Key has one run even when a process died. */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'

import type { Client } from '@temporalio/client'

import { addMs, msBetween, type Instant } from '../domain/time.ts'
import type { JobTerms } from '../jobs/job-environments.ts'
import { startIdsOf, workflowIdOf } from '../jobs/run-identity.ts'
import type { AnyJob } from '../jobs/registry.ts'
import { JobConflictError, startJob } from '../platform/temporal/job-starter.ts'
import type { Attempt } from './idempotency.ts'
import { describeJobRun, withinDeadline, type JobRun } from '../platform/temporal/job-runs.ts'

/** A start that was checked. `executeAt` is null for now. */
export type JobStart = {
  readonly job: AnyJob
  readonly input: Readonly<Record<string, unknown>>
  readonly executeAt: Instant | null
  readonly priority: AnyJob['priority']
  /** Null: the house's own. */
  readonly tenant: string | null
}

/** The database's and the Temporal server's clocks differ by less. */
const CLOCK_SKEW_MS = 5_000

/**
 * Starts a run or joins the open one, as the job declares. When an earlier attempt with the same key
 * was never answered, the run that it started is found and given. Throws as `startJob` does.
 */
export async function startJobRun(
  deps: { readonly client: Client; readonly terms: JobTerms },
  start: JobStart,
  attempt: Attempt,
): Promise<JobRun> {
  const { client } = deps
  const workflowId = chooseId(start, attempt)
  const requestKey = keyOf(attempt)
  return withinDeadline(client, async () => {
    const earlier = attempt.firstTriedAt
    if (earlier !== null && workflowId !== undefined) {
      const found = await findStarted(client, workflowId, { ...start, requestKey }, earlier)
      if (found !== null) return found
    }
    try {
      const { runId, workflowId: id } = await startJob(deps, {
        job: start.job.name,
        input: start.input,
        trigger: 'api',
        priority: start.priority,
        ...(start.tenant === null ? {} : { tenant: start.tenant }),
        ...(start.executeAt === null ? {} : { executeAt: start.executeAt }),
        ...(workflowId === undefined ? {} : { workflowId }),
        ...(requestKey === undefined ? {} : { requestKey }),
      })
      const { run } = await describeJobRun(client, id, runId)
      requireTime(run, start.executeAt)
      return run
    } catch (error) {
      if (!(error instanceof JobConflictError) || earlier === null) throw error
      // Started between the look and the start, by the attempt that seemed dead.
      return (await describeJobRun(client, error.workflowId)).run
    }
  })
}

/** The run of a time may have been moved to another: then this start has none, and must not be told that it has. */
function requireTime({ id, executeAt }: JobRun, wanted: Instant | null): void {
  if (wanted === null || Math.abs(msBetween(wanted, executeAt)) <= CLOCK_SKEW_MS) return
  throw new JobConflictError(id, { cause: new Error(`it was moved to ${executeAt}`) })
}

/** Undefined leaves it to the job starter: an id of its own for every start. */
function chooseId({ job, input, executeAt }: JobStart, { key }: Attempt): string | undefined {
  const id = workflowIdOf(job, input)
  // A run that waits for its time must not be what a start for now joins.
  const timed = executeAt === null ? id : `${id}:at-${executeAt}`
  if (job.onConflict.whileOpen !== 'beside') return timed
  if (key === null) return undefined
  return `${timed}:${keyOf({ key })}`
}

function keyOf({ key }: Pick<Attempt, 'key'>): string | undefined {
  return key === null ? undefined : createHash('sha256').update(key).digest('hex').slice(0, 32)
}

async function findStarted(
  client: Client,
  workflowId: string,
  start: JobStart & { readonly requestKey: string | undefined },
  since: Instant,
): Promise<JobRun | null> {
  const from = addMs(since, -CLOCK_SKEW_MS)
  // Equal starts of a job whose starts queue are as many runs: only the request tells them apart.
  const isQueue = start.job.onConflict.whileOpen === 'queue'
  const ids = startIdsOf(start.job, workflowId).map((id) => `"${id}"`)
  const query = `WorkflowId IN (${ids.join(', ')}) AND StartTime >= "${from}" AND JobTrigger = "api"`
  for await (const info of client.workflow.list({ query, pageSize: 20 })) {
    if (!isDeepStrictEqual(info.memo?.['input'], { ...start.input })) continue
    if (isQueue && info.memo?.['requestKey'] !== start.requestKey) continue
    return (await describeJobRun(client, info.workflowId, info.runId)).run
  }
  return null
}
