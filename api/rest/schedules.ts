/** Recurring jobs: how they do, and the history of their runs. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import type { RunReads } from '../../domain/ports/run-store.ts'
import { RUN_STATES } from '../../domain/run.ts'
import { JOB_PRIORITIES, type JobPriority } from '../../jobs/define-job.ts'
import { JOB_TRIGGERS } from '../../jobs/run-identity.ts'
import type { AnyJob } from '../../jobs/registry.ts'
import { findScheduledJob, type ScheduleStatus } from '../../operations/read-schedules.ts'
import { parseInput } from '../problem.ts'
import { addRoute, type Contracts } from '../routes.ts'
import { objectShape, pageShape } from '../shapes.ts'
import { found, instantOf, lookFor, pageFields, pageOrProblem, pathText } from './read-query.ts'

/** What the routes need. */
export type SchedulesDeps = {
  readonly schedules: {
    list(): Promise<ScheduleStatus[]>
    read(name: string): Promise<ScheduleStatus | null>
  }
  readonly runReads: RunReads
}

/** Where recurring jobs are served. */
export const SCHEDULES_PATH = '/api/admin/scheduler/schedules'

const noQuery = z.strictObject({})

const instant = instantOf(z.string())

const historyQuery = z.strictObject({
  ...pageFields,
  status: z.enum(RUN_STATES).optional(),
  state: lookFor(32).optional(),
  trigger: z.enum(JOB_TRIGGERS).optional(),
  priority: z.enum(JOB_PRIORITIES as [JobPriority, ...JobPriority[]]).optional(), // not empty
  errorType: lookFor(64).optional(),
  workflowId: lookFor(255).optional(),
  since: instant.optional(),
  until: instant.optional(),
})

function read(summary: string, answer: z.ZodType, query: z.ZodObject): Contracts {
  return { get: { summary, permission: 'operations.read', query, answers: { 200: answer } } }
}

const LIST = read(
  'Recurring jobs and how they do',
  z.strictObject({ schedules: z.array(objectShape) }),
  noQuery,
)
const ONE = read('One recurring job', objectShape, noQuery)
const HISTORY = read('Runs of a recurring job, the newest first', pageShape(), historyQuery)

/** `GET /api/admin/scheduler/schedules`, `/:name` and `/:name/history`. */
export function addScheduleRoutes(app: Express, deps: SchedulesDeps): void {
  addRoute(
    app,
    SCHEDULES_PATH,
    {
      get: async (request, response) => {
        parseInput(noQuery, request.query, 'query')
        response.json({ schedules: await deps.schedules.list() })
      },
    },
    LIST,
  )
  addRoute(
    app,
    `${SCHEDULES_PATH}/:name`,
    {
      get: async (request, response) => {
        parseInput(noQuery, request.query, 'query')
        response.json(found(await deps.schedules.read(scheduledJob(request).name), 'schedule'))
      },
    },
    ONE,
  )
  addRoute(
    app,
    `${SCHEDULES_PATH}/:name/history`,
    {
      get: async (request, response) => {
        const job = scheduledJob(request)
        const { limit, cursor, ...filter } = parseInput(historyQuery, request.query, 'query')
        const page = deps.runReads.list({ ...filter, job: job.name }, { limit, cursor })
        response.json(await pageOrProblem(page))
      },
    },
    HISTORY,
  )
}

/** The job of the path; a 404 problem when no schedule has this name or type. */
export function scheduledJob(request: Request): AnyJob {
  return found(findScheduledJob(pathText(request, 'name', 'schedule')) ?? null, 'schedule')
}
