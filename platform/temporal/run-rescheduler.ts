/**
 * Moves a run that waits for its time to another. The server cannot change a run's time, so the run is
 * replaced under its own id in one step of the server's: at no moment are there two, or none.
 */
import { WorkflowNotFoundError, type Client } from '@temporalio/client'
import { defineSearchAttributeKey } from '@temporalio/common'

import { instantFromMs, SECOND_MS, toMs, type Instant } from '../../domain/time.ts'
import { PRIORITY_KEYS, type JobPriority } from '../../jobs/define-job.ts'
import { DEFAULT_TERMS, type JobTerms } from '../../jobs/job-environments.ts'
import { findJobOfWorkflow, type AnyJob } from '../../jobs/registry.ts'
import { JOB_TRIGGERS, type JobTrigger } from '../../jobs/run-identity.ts'
import { scheduledRunOptions, startDelay, type StartedJob } from './job-starter.ts'
import { readRunInput } from './run-redriver.ts'
import { createRunSource } from './run-source.ts'
import { runSearchAttributes } from './search-attributes.ts'

/** Which run, to when. */
export type Reschedule = {
  readonly workflowId: string
  /** Wall time; past is now. */
  readonly executeAt: Instant
}

/** The run as it waits now, and the time it had. */
export type RescheduledRun = StartedJob & { readonly job: string; readonly previousAt: Instant }

/** The run has begun, is about to, has ended, or never was. Not retried. */
export class NotReschedulableError extends Error {
  override readonly name = 'NotReschedulableError'
  readonly isUnknown: boolean

  constructor(message: string, { isUnknown = false }: { readonly isUnknown?: boolean } = {}) {
    super(message)
    this.isUnknown = isUnknown
  }
}

/** A call that takes longer is a server that does not answer, and has no effect any more. */
const CALL_DEADLINE_MS = 4_000

/**
 * A run that begins sooner cannot be moved: by the time the server replaces it, it might be at work.
 * The deadline of the call, and five seconds by which the server's clock may be ahead of ours.
 */
const NOTICE_MS = 10 * SECOND_MS

/** A time this close to the one it has is the same: start times are counted from our clock. */
const SAME_TIME_MS = SECOND_MS

/** Where the run waits; `noticeMs` is for tests. */
export type ReschedulerDeps = {
  readonly client: Client
  /** Default DEFAULT_TERMS. */
  readonly terms?: JobTerms
  readonly noticeMs?: number
}

/** The run that would be moved; changes nothing. Throws NotReschedulableError. */
export async function findReschedulable(
  { client, noticeMs = NOTICE_MS }: ReschedulerDeps,
  workflowId: string,
): Promise<Waiting> {
  const waiting = await describeWaiting(client, workflowId)
  if (toMs(waiting.executeAt) - Date.now() < noticeMs) {
    const begins = `begins or began at ${waiting.executeAt}`
    throw new NotReschedulableError(`run ${workflowId} ${begins}: it is too late to move it`)
  }
  return waiting
}

/**
 * Replaces the waiting run by one of the same id, input, priority and tenant at the other time. Asked
 * again, it changes nothing. Of two that ask at once the later is obeyed. Throws NotReschedulableError.
 */
export async function rescheduleRun(
  deps: ReschedulerDeps,
  { workflowId, executeAt }: Reschedule,
): Promise<RescheduledRun> {
  const { client } = deps
  const { job, runId, executeAt: previousAt, ...kept } = await findReschedulable(deps, workflowId)
  const told = { workflowId, job: job.name, previousAt }
  if (Math.abs(toMs(executeAt) - toMs(previousAt)) < SAME_TIME_MS) return { ...told, runId }
  const input = await readRunInput(client, { workflowId, runId })
  const { priority: keys, ...options } = scheduledRunOptions(job, {
    priority: kept.priority,
    terms: deps.terms ?? DEFAULT_TERMS,
  })
  const handle = await client.withDeadline(Date.now() + CALL_DEADLINE_MS, () =>
    client.workflow.start(job.workflow, {
      ...options,
      priority: { ...keys, ...(kept.tenant === null ? {} : { fairnessKey: kept.tenant }) },
      workflowId,
      args: [input],
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
      // The policy of an open run; those that never repeat may be moved before they have begun.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      ...startDelay(executeAt),
      memo: { ...kept.memo, movedFrom: previousAt },
      typedSearchAttributes: runSearchAttributes(job, kept.trigger, kept.priority),
    }),
  )
  await requireReplaced(client, { workflowId, runId }, handle.firstExecutionRunId)
  return { ...told, runId: handle.firstExecutionRunId }
}

/** A run that waits, and what its successor keeps of it. */
type Waiting = {
  readonly job: AnyJob
  readonly runId: string
  readonly executeAt: Instant
  readonly priority: JobPriority
  readonly tenant: string | null
  readonly trigger: JobTrigger
  readonly memo: Readonly<Record<string, unknown>>
}

async function describeWaiting(client: Client, workflowId: string): Promise<Waiting> {
  const description = await client
    .withDeadline(Date.now() + CALL_DEADLINE_MS, () =>
      client.workflow.getHandle(workflowId).describe(),
    )
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error
      throw new NotReschedulableError(`no run has the id ${workflowId}`, { isUnknown: true })
    })
  const job = findJobOfWorkflow(description.type)
  if (job === undefined) {
    throw new NotReschedulableError(`no job has the id ${workflowId}`, { isUnknown: true })
  }
  const { status, runId, startTime, executionTime, priority, memo = {} } = description
  if (status.name !== 'RUNNING') {
    throw new NotReschedulableError(`run ${workflowId} has ended: ${status.name.toLowerCase()}`)
  }
  const key = priority?.priorityKey
  const named = Object.entries(PRIORITY_KEYS).find(([, value]) => value === key)?.[0]
  const trigger = description.typedSearchAttributes.get(JobTriggerKey)
  return {
    job,
    runId,
    executeAt: instantFromMs((executionTime ?? startTime).getTime()),
    priority: (named as JobPriority | undefined) ?? job.priority, // a key of PRIORITY_KEYS
    tenant: priority?.fairnessKey || null,
    trigger: JOB_TRIGGERS.find((one) => one === trigger) ?? 'api',
    memo,
  }
}

const JobTriggerKey = defineSearchAttributeKey('JobTrigger', 'KEYWORD')

/** Somebody who cancelled the run between our look and our start has been told so: it stays cancelled. */
async function requireReplaced(
  client: Client,
  old: { readonly workflowId: string; readonly runId: string },
  newRunId: string,
): Promise<void> {
  const end = await createRunSource(client).readEnd(old)
  if (end === null || end.type === 'TerminatedBySystem') return
  await client.workflow
    .getHandle(old.workflowId, newRunId)
    .terminate('the run that it was to replace was stopped by somebody')
  throw new NotReschedulableError(`run ${old.workflowId} was stopped meanwhile`)
}
