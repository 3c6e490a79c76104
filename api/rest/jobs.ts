/** Runs of jobs: start, list, look at one, cancel. */
import type { Express, Request, Response } from 'express'
import { z } from 'zod'

import { RUN_TENANT } from '../../domain/plain-text.ts'
import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import { AHEAD_AT_MOST_MS } from '../../domain/task.ts'
import { toMs, type Instant } from '../../domain/time.ts'
import { JOB_PRIORITIES, type JobPriority } from '../../jobs/define-job.ts'
import { checkInput } from '../../jobs/input.ts'
import { allJobs, findJob } from '../../jobs/registry.ts'
import {
  JobConflictError,
  JobNotEnabledError,
  JobQueueFullError,
} from '../../platform/temporal/job-starter.ts'
import { callerOf } from '../caller.ts'
import { onceByKey, type Attempt } from '../idempotency.ts'
import {
  InvalidCursorError,
  JobRunEndedError,
  RUN_STATUSES,
  type JobRun,
  type JobRunDetails,
  type JobRunFilter,
  type JobRunPage,
} from '../../platform/temporal/job-runs.ts'
import type { JobStart } from '../job-starts.ts'
import { ProblemError, invalidRequest, parseInput } from '../problem.ts'
import { isAllowed } from '../roles.ts'
import { addRoute, jsonBody, type Contracts } from '../routes.ts'
import { jobRunDetailsShape, jobRunPageShape, jobRunShape } from '../shapes.ts'
import { instantOf } from './read-query.ts'

/** What the routes need of the scheduler. Errors: those of `job-runs.ts` and of the job starter. */
export type JobsDeps = {
  readonly jobs: {
    /** Starts a run, or gives the one that an earlier attempt of the same request started. */
    start(start: JobStart, attempt: Attempt, by: string): Promise<JobRun>
    list(
      filter: JobRunFilter,
      page: { readonly limit: number; readonly cursor?: string | undefined },
    ): Promise<JobRunPage>
    read(id: string, runId?: string): Promise<JobRunDetails>
    cancel(
      run: { readonly id: string; readonly runId?: string | undefined },
      by: string,
    ): Promise<JobRun>
  }
  readonly idempotency: IdempotencyStore
}

const JOBS_PATH = '/api/admin/scheduler/jobs'

const PAGE_LIMIT = 100
const PAGE_DEFAULT = 20

const jobType = z.string('text, such as FLIGHT_MONITOR').transform((name, context) => {
  const job = findJob(name)
  if (job !== undefined) return job
  const known = allJobs().map(({ type }) => type)
  context.addIssue({ code: 'custom', message: `not a job type; known: ${known.join(', ')}` })
  return z.NEVER
})

const instant = instantOf(z.string('an ISO-8601 instant with an offset'))

const priority = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.enum(JOB_PRIORITIES as [JobPriority, ...JobPriority[]])) // not empty

const startFields = {
  executeAt: instant.nullish(),
  payload: z.record(z.string(), z.unknown(), 'a JSON object').nullish(),
  priority: priority.nullish(),
  tenant: z.string().regex(RUN_TENANT, '1 to 64 letters, digits, . _ or -').nullish(),
}

/** A start of a job that the path names. */
export const startOfNamedBody: z.ZodType = z.strictObject(startFields)

const startBody = z.strictObject({ type: jobType, ...startFields }, 'a JSON object')

const listQuery = z.strictObject({
  type: jobType.optional(),
  status: z.enum(RUN_STATUSES).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_LIMIT).default(PAGE_DEFAULT),
  cursor: z.string().min(1).max(4_096).optional(),
})

const oneQuery = z.strictObject({ runId: z.uuid().optional() })

const RUNS: Contracts = {
  post: {
    summary: 'Start a run of a job, now or later, or join the open one',
    permission: 'jobs.run',
    body: startBody,
    isKeyed: true,
    answers: { 201: jobRunShape },
  },
  get: {
    summary: 'Runs of jobs, the open ones first',
    permission: 'operations.read',
    query: listQuery,
    answers: { 200: jobRunPageShape },
  },
}

const RUN: Contracts = {
  get: {
    summary: 'A run; what went in and came out only with payload.read',
    permission: 'operations.read',
    isForTenants: true,
    query: oneQuery,
    answers: { 200: jobRunDetailsShape },
  },
  delete: {
    summary: 'Ask a run to stop',
    permission: 'jobs.run',
    query: oneQuery,
    answers: {
      202: z.strictObject({ id: z.string(), runId: z.string(), status: z.literal('cancelling') }),
    },
  },
}

/** Checks a start. Throws a 422 problem that names each wrong field, `payload.` in front of inputs. */
export function parseStart(body: unknown, nowMs: number): JobStart {
  const start = parseInput(startBody, body, 'body')
  const { type: job, executeAt, payload, priority: wanted } = start
  const checked = checkInput(job, payload ?? {})
  if (!checked.ok) {
    throw invalidRequest(
      checked.problems.map(({ field, message }) => ({
        path: field === 'input' ? 'payload' : `payload.${field}`,
        message,
      })),
    )
  }
  if (executeAt !== null && executeAt !== undefined) {
    requireNear(executeAt, nowMs)
  }
  const isLater = executeAt !== null && executeAt !== undefined && toMs(executeAt) > nowMs
  return {
    job,
    input: checked.input,
    executeAt: isLater ? executeAt : null,
    priority: wanted ?? job.priority,
    tenant: start.tenant ?? null,
  }
}

/** Throws a 422 problem for a time that is too far ahead. */
export function requireNear(executeAt: Instant, nowMs: number): void {
  if (toMs(executeAt) - nowMs <= AHEAD_AT_MOST_MS) return
  throw invalidRequest([{ path: 'executeAt', message: 'more than 366 days ahead' }])
}

/** `POST` and `GET /api/admin/scheduler/jobs`, `GET` and `DELETE .../:id`. */
export function addJobRoutes(app: Express, deps: JobsDeps): void {
  addRoute(
    app,
    JOBS_PATH,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const answer = await startJob(deps, request, callerOf(response).name)
          response.status(answer.status).json(answer.body)
        },
      ],
      get: async (request, response) => {
        const query = parseInput(listQuery, request.query, 'query')
        const { type: job, status, limit, cursor } = query
        try {
          response.json(await deps.jobs.list({ job, status }, { limit, cursor }))
        } catch (error) {
          if (!(error instanceof InvalidCursorError)) throw error
          throw invalidRequest([{ path: 'cursor', message: error.message }], 'query')
        }
      },
    },
    RUNS,
  )
  addRoute(
    app,
    `${JOBS_PATH}/:id`,
    {
      get: async (request, response) => {
        const { runId } = parseInput(oneQuery, request.query, 'query')
        response.json(shown(await deps.jobs.read(idOf(request), runId), response))
      },
      delete: async (request, response) => {
        const { runId } = parseInput(oneQuery, request.query, 'query')
        try {
          const run = await deps.jobs.cancel({ id: idOf(request), runId }, callerOf(response).name)
          response.status(202).json({ id: run.id, runId: run.runId, status: 'cancelling' })
        } catch (error) {
          if (!(error instanceof JobRunEndedError)) throw error
          throw new ProblemError(409, 'conflict', error.message, { cause: error })
        }
      },
    },
    RUN,
  )
}

/** The run as its caller may see it. */
function shown({ input, result, ...run }: JobRunDetails, response: Response) {
  return isAllowed(callerOf(response).role, 'payload.read')
    ? { ...run, input, result }
    : { ...run, withheld: true }
}

function idOf(request: Request): string {
  const { id } = request.params
  return typeof id === 'string' ? id : ''
}

async function startJob(deps: JobsDeps, request: Request, by: string) {
  const body: unknown = request.body
  const start = parseStart(body, Date.now())
  return onceByKey(
    deps.idempotency,
    request,
    { scope: `POST ${JOBS_PATH}`, body },
    async (attempt) => {
      try {
        return { status: 201, body: await deps.jobs.start(start, attempt, by) }
      } catch (error) {
        if (error instanceof JobNotEnabledError) {
          throw invalidRequest([{ path: 'type', message: error.message }])
        }
        const isTaken = error instanceof JobConflictError || error instanceof JobQueueFullError
        if (!isTaken) throw error
        throw new ProblemError(409, 'conflict', error.message, { cause: error })
      }
    },
  )
}
