/** Starts runs of jobs: the one way in for doors, other runs and the clock being stepped. */
import { randomUUID } from 'node:crypto'

import {
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client'

import { toMs, type Instant } from '../../domain/time.ts'
import { PRIORITY_KEYS, type JobPriority, type JobRetry } from '../../jobs/define-job.ts'
import { checkInput, describeProblems, type FieldProblem } from '../../jobs/input.ts'
import {
  attemptsIn,
  DEFAULT_TERMS,
  isStartable,
  timeoutIn,
  type JobTerms,
} from '../../jobs/job-environments.ts'
import { findJob, type AnyJob } from '../../jobs/registry.ts'
import { startIdsOf, workflowIdOf, type JobTrigger } from '../../jobs/run-identity.ts'
import { runSearchAttributes } from './search-attributes.ts'

/** A run that is wanted. */
export type JobStart = {
  /** A job's name or its public type. */
  readonly job: string
  /** Checked against the job's schema. */
  readonly input: unknown
  readonly trigger: JobTrigger
  /** Default: the job's own. */
  readonly priority?: JobPriority
  /**
   * For whom, 1 to 64 characters: those who wait for the same queue at the same priority take turns, however
   * much each of them has waiting. Default: the house, which is one among them.
   */
  readonly tenant?: string
  /** Wall time before which the run does nothing. Absent or past: now. */
  readonly executeAt?: Instant
  /** Default: derived from the input, which is what keeps equal runs from doubling. */
  readonly workflowId?: string
  /** Names the request in the run's memo, so that a repeat finds what the first one started. */
  readonly requestKey?: string
  /** Refused when a run of its id exists, open or ended, whatever the job says. */
  readonly isOnce?: boolean
  /** The dead run that this one is started for: it is never joined to a run that is open already. */
  readonly redriveOf?: string
}

/** The run that was started or joined. */
export type StartedJob = { readonly workflowId: string; readonly runId: string }

/** What the starter works over. */
export type JobStarterDeps = {
  readonly client: Client
  /** Default DEFAULT_TERMS; a job that is not enabled in their environment is not started. */
  readonly terms?: JobTerms
}

/** No job has this name or type. Not retried. */
export class UnknownJobError extends Error {
  override readonly name = 'UnknownJobError'
}

/** The job is switched off in this environment. Not retried. */
export class JobNotEnabledError extends Error {
  override readonly name = 'JobNotEnabledError'
}

/** The input does not fit the job's schema; `problems` names the fields. Not retried. */
export class JobInputError extends Error {
  override readonly name = 'JobInputError'
  readonly problems: readonly FieldProblem[]

  constructor(message: string, problems: readonly FieldProblem[]) {
    super(message)
    this.problems = problems
  }
}

/** A run with this id is open, or has ended, and the job says that it is not to be doubled. */
export class JobConflictError extends Error {
  override readonly name = 'JobConflictError'
  readonly workflowId: string

  constructor(workflowId: string, options: ErrorOptions) {
    super(`a run with the id ${workflowId} exists already`, options)
    this.workflowId = workflowId
  }
}

/** As many starts wait for their turn as may. Worth asking again when one of them has ended. */
export class JobQueueFullError extends Error {
  override readonly name = 'JobQueueFullError'

  constructor(workflowId: string, waiting: number) {
    super(`${waiting} starts wait behind ${workflowId} already: start it again when one has ended`)
  }
}

/** A start that could be made. Throws UnknownJobError, JobNotEnabledError or JobInputError; asks no server. */
export function checkStart(
  { job: name, input }: Pick<JobStart, 'job' | 'input'>,
  terms: JobTerms,
): { readonly job: AnyJob; readonly input: Readonly<Record<string, unknown>> } {
  const job = findJob(name)
  if (job === undefined) throw new UnknownJobError(`no job is called ${name}`)
  if (!isStartable(job, terms.environment)) {
    throw new JobNotEnabledError(`${job.name} is not enabled in ${terms.environment}`)
  }
  const check = checkInput(job, input)
  if (!check.ok) throw new JobInputError(describeProblems(job.name, check.problems), check.problems)
  return { job, input: check.input }
}

/**
 * Starts a run, or joins the open one where the job says so. The same input gives the same workflow
 * id. Throws UnknownJobError, JobNotEnabledError, JobInputError, JobConflictError or JobQueueFullError; other
 * errors are the server's and may be retried.
 */
export async function startJob(deps: JobStarterDeps, start: JobStart): Promise<StartedJob> {
  const { terms = DEFAULT_TERMS } = deps
  const { job, input } = checkStart(start, terms)
  const wanted = start.workflowId ?? newWorkflowId(job, input)
  const ids = startIdsOf(job, wanted)
  for (const workflowId of ids) {
    try {
      return await startUnder(deps.client, job, {
        ...start,
        input,
        workflowId,
        terms,
      })
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
      if (ids.length === 1) throw new JobConflictError(workflowId, { cause: error })
    }
  }
  throw new JobQueueFullError(wanted, ids.length - 1)
}

type CheckedStart = JobStart & {
  readonly input: Readonly<Record<string, unknown>>
  readonly workflowId: string
  readonly terms: JobTerms
}

async function startUnder(
  client: Client,
  job: AnyJob,
  { input, workflowId, terms, ...start }: CheckedStart,
): Promise<StartedJob> {
  const priority = start.priority ?? job.priority
  const handle = await client.workflow.start(job.workflow, {
    ...runOptions(job, { priority, terms, tenant: start.tenant }),
    workflowId,
    args: [input],
    ...startDelay(start.executeAt),
    ...(start.isOnce === true ? ONCE : {}),
    ...(start.redriveOf === undefined ? {} : { workflowIdConflictPolicy: 'FAIL' as const }),
    memo: {
      input,
      trigger: start.trigger,
      ...(start.redriveOf === undefined ? {} : { redriveOf: start.redriveOf }),
      ...(start.requestKey === undefined ? {} : { requestKey: start.requestKey }),
      ...(job.onConflict.whileOpen === 'queue' ? { turnKey: workflowIdOf(job, input) } : {}),
    },
    typedSearchAttributes: runSearchAttributes(job, start.trigger, priority),
  })
  return { workflowId, runId: handle.firstExecutionRunId }
}

function newWorkflowId(job: AnyJob, input: Readonly<Record<string, unknown>>): string {
  const workflowId = workflowIdOf(job, input)
  return job.onConflict.whileOpen === 'beside' ? `${workflowId}:${randomUUID()}` : workflowId
}

/** What every run of a job has, however it is started. */
export type RunOptions = Pick<
  WorkflowStartOptions,
  | 'taskQueue'
  | 'priority'
  | 'retry'
  | 'workflowRunTimeout'
  | 'workflowIdConflictPolicy'
  | 'workflowIdReusePolicy'
  | 'staticSummary'
  | 'staticDetails'
>

function runOptions(job: AnyJob, run: RunTerms): RunOptions & { taskQueue: string } {
  return {
    ...scheduledRunOptions(job, run),
    ...queueTimeout(job, run.terms),
    workflowIdConflictPolicy: CONFLICT_POLICIES[job.onConflict.whileOpen],
    workflowIdReusePolicy: REUSE_POLICIES[job.onConflict.afterClose],
  }
}

/** Those before it may take all their attempts; the time of its own work is kept by the run itself. */
function queueTimeout(job: AnyJob, terms: JobTerms): Pick<RunOptions, 'workflowRunTimeout'> {
  const { onConflict } = job
  const timeoutMs = timeoutIn(job, terms)
  if (onConflict.whileOpen !== 'queue' || timeoutMs === null) return {}
  return {
    workflowRunTimeout: timeoutMs * attemptsIn(job, terms) * (onConflict.waitingAtMost + 1),
  }
}

const CONFLICT_POLICIES = {
  join: 'USE_EXISTING',
  reject: 'FAIL',
  beside: 'FAIL',
  queue: 'FAIL',
} as const

const ONCE = {
  workflowIdConflictPolicy: 'FAIL',
  workflowIdReusePolicy: 'REJECT_DUPLICATE',
} as const

const REUSE_POLICIES = {
  again: 'ALLOW_DUPLICATE',
  'again-after-failure': 'ALLOW_DUPLICATE_FAILED_ONLY',
  never: 'REJECT_DUPLICATE',
} as const

/** How urgent a run is, what the installation gives it, and for whom. */
export type RunTerms = {
  readonly priority: JobPriority
  readonly terms: JobTerms
  readonly tenant?: string | undefined
}

/** The part of a run's options that a schedule's action may carry. Without a tenant it is the house's. */
export function scheduledRunOptions(
  job: AnyJob,
  { priority, terms, tenant }: RunTerms,
): Omit<RunOptions, 'workflowIdConflictPolicy' | 'workflowIdReusePolicy'> & { taskQueue: string } {
  const attempts = attemptsIn(job, terms)
  const timeoutMs = timeoutIn(job, terms)
  return {
    taskQueue: job.queue,
    // The steps of a run have what the run has.
    priority: {
      priorityKey: PRIORITY_KEYS[priority],
      ...(tenant === undefined ? {} : { fairnessKey: tenant }),
    },
    ...(timeoutMs === null ? {} : { workflowRunTimeout: timeoutMs }),
    ...(attempts === 1 ? {} : { retry: toRetryPolicy(job.retry ?? {}, attempts) }),
    staticSummary: job.summary,
    staticDetails: job.description,
  }
}

const DEFAULT_INITIAL_MS = 1_000
const DEFAULT_BACKOFF = 2
const DEFAULT_CAP_MS = 60_000

function toRetryPolicy(retry: JobRetry, attempts: number): NonNullable<RunOptions['retry']> {
  return {
    maximumAttempts: attempts,
    initialInterval: retry.initialMs ?? DEFAULT_INITIAL_MS,
    backoffCoefficient: retry.backoff ?? DEFAULT_BACKOFF,
    maximumInterval: retry.capMs ?? DEFAULT_CAP_MS,
  }
}

/** The wait of a start until a time; none for a past one. */
export function startDelay(executeAt: Instant | undefined): { startDelay?: number } {
  const delayMs = executeAt === undefined ? 0 : toMs(executeAt) - Date.now()
  return delayMs > 0 ? { startDelay: delayMs } : {}
}
