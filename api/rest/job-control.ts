/** Switches of recurring jobs, queues and maintenance windows. */
import type { Express, Request, Response } from 'express'
import { z } from 'zod'

import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import type { MaintenanceWindow, QueueControl } from '../../domain/ports/job-control.ts'
import type { Instant } from '../../domain/time.ts'
import type { JobQueue } from '../../jobs/define-job.ts'
import { allJobs, type AnyJob } from '../../jobs/registry.ts'
import {
  ControlError,
  type BackfilledFire,
  type ControlNote,
  type WindowSelection,
} from '../../operations/control-jobs.ts'
import { LIMIT_LEAST_PER_S, LIMIT_MOST_PER_S } from '../../operations/limit-queues.ts'
import { JobConflictError, JobQueueFullError } from '../../platform/temporal/job-starter.ts'
import { callerOf } from '../caller.ts'
import { noteText, type Contract } from '../contract.ts'
import { onceByKey, type Attempt } from '../idempotency.ts'
import type { JobRun } from '../../platform/temporal/job-runs.ts'
import type { JobStart } from '../job-starts.ts'
import { ProblemError, invalidRequest, parseInput } from '../problem.ts'
import { addRoute, jsonBody, type Contracts } from '../routes.ts'
import { jobQueues, type QueueState, type SchedulerState } from '../scheduler-state.ts'
import { instantShape, jobRunShape, objectShape } from '../shapes.ts'
import { parseStart, startOfNamedBody } from './jobs.ts'
import { found, instantOf, pathText } from './read-query.ts'
import { scheduledJob, SCHEDULES_PATH } from './schedules.ts'

/** What the routes need. `ControlError` names the wrong field. */
export type JobControlDeps = {
  readonly control: {
    switchSchedule(job: AnyJob, isEnabled: boolean, note: ControlNote): Promise<void>
    backfill(
      job: AnyJob,
      request: ControlNote & { since: Instant; until: Instant; isDryRun: boolean },
    ): Promise<BackfilledFire[]>
    readQueue(queue: JobQueue): Promise<QueueControl>
    limitQueue(queue: JobQueue, perSecond: number | null, note: ControlNote): Promise<void>
    switchQueue(queue: JobQueue, isPaused: boolean, note: ControlNote): Promise<void>
    windows(): Promise<MaintenanceWindow[]>
    openWindow(
      selection: WindowSelection,
      request: ControlNote & { until: Instant },
    ): Promise<MaintenanceWindow>
    closeWindow(windowId: string, note: ControlNote): Promise<MaintenanceWindow>
  }
  readonly jobs: { start(start: JobStart, attempt: Attempt, by: string): Promise<JobRun> }
  readonly readState: () => Promise<SchedulerState>
  readonly idempotency: IdempotencyStore
}

const QUEUES_PATH = '/api/admin/scheduler/queues'
const WINDOWS_PATH = '/api/admin/scheduler/windows'

const noteFields = { by: noteText, reason: noteText }
const noteBody = z.strictObject(noteFields, 'a JSON object')

const instant = instantOf(z.string('an ISO-8601 instant with an offset'))

const backfillBody = z.strictObject(
  { ...noteFields, since: instant, until: instant, dryRun: z.boolean().default(false) },
  'a JSON object',
)

const queue = z.enum(jobQueues() as [JobQueue, ...JobQueue[]]) // some job has a queue

const windowBody = z
  .strictObject(
    {
      ...noteFields,
      until: instant,
      owner: z.enum([...new Set(allJobs().map((job) => job.owner))]).optional(),
      queue: queue.optional(),
      jobs: z.array(z.string().max(64)).min(1).max(100).optional(),
    },
    'a JSON object',
  )
  .refine(({ owner, queue: of, jobs }) => [owner, of, jobs].some((one) => one !== undefined), {
    message: 'at least one of owner, queue, jobs',
    path: ['jobs'],
  })

function changes(summary: string, body: z.ZodType, answer: z.ZodType): Contracts {
  const keyed = { summary, permission: 'jobs.run', body, isKeyed: true } satisfies Partial<Contract>
  return { post: { ...keyed, answers: { 200: answer } } }
}

function reads(summary: string, answer: z.ZodType): Contracts {
  return { get: { summary, permission: 'operations.read', answers: { 200: answer } } }
}

const perSecond = z.number().min(LIMIT_LEAST_PER_S).max(LIMIT_MOST_PER_S).nullable()
const limitBody = z.strictObject({ ...noteFields, perSecond }, 'a JSON object')
const limited = z.strictObject({ name: z.string(), perSecond })

const enabled = z.strictObject({ name: z.string(), enabled: z.boolean() })
const paused = z.strictObject({ name: z.string(), paused: z.boolean() })
const window = z.looseObject({ windowId: z.guid(), until: instantShape.optional() })

/** Switches of schedules, queues and windows. */
export function addJobControlRoutes(app: Express, deps: JobControlDeps): void {
  addScheduleSwitches(app, deps)
  addQueueRoutes(app, deps)
  addWindowRoutes(app, deps)
}

function addScheduleSwitches(app: Express, deps: JobControlDeps): void {
  for (const action of ['enable', 'disable'] as const) {
    post(
      app,
      deps,
      `${SCHEDULES_PATH}/:name/${action}`,
      async (request) => {
        const job = scheduledJob(request)
        const note = parseInput(noteBody, request.body, 'body')
        return async () => {
          await deps.control.switchSchedule(job, action === 'enable', note)
          return { name: job.name, enabled: action === 'enable' }
        }
      },
      changes(`${action === 'enable' ? 'Enable' : 'Disable'} a schedule`, noteBody, enabled),
    )
  }
  post(
    app,
    deps,
    `${SCHEDULES_PATH}/:name/run`,
    async (request, by) => {
      const { type } = scheduledJob(request)
      const start = parseStart({ ...(request.body as object), type }, Date.now())
      return (attempt) => deps.jobs.start(start, attempt, by)
    },
    changes('Start a run of a recurring job', startOfNamedBody, jobRunShape),
  )
  post(
    app,
    deps,
    `${SCHEDULES_PATH}/:name/backfill`,
    async (request) => {
      const job = scheduledJob(request)
      const { dryRun: isDryRun, ...rest } = parseInput(backfillBody, request.body, 'body')
      return async () => ({ fires: await deps.control.backfill(job, { ...rest, isDryRun }) })
    },
    changes(
      'Run what a schedule missed',
      backfillBody,
      z.strictObject({ fires: z.array(objectShape) }),
    ),
  )
}

function addQueueRoutes(app: Express, deps: JobControlDeps): void {
  const withPause = async (state: QueueState) => ({
    ...state,
    ...(await deps.control.readQueue(state.name)),
  })
  addRoute(
    app,
    QUEUES_PATH,
    {
      get: async (_request, response) => {
        const { queues } = await deps.readState()
        response.json({ queues: await Promise.all(queues.map(withPause)) })
      },
    },
    reads(
      'Queues, what waits in them and who works',
      z.strictObject({ queues: z.array(objectShape) }),
    ),
  )
  addRoute(
    app,
    `${QUEUES_PATH}/:name`,
    {
      get: async (request, response) => {
        const name = queueOf(request)
        const { queues } = await deps.readState()
        response.json(
          await withPause(found(queues.find((one) => one.name === name) ?? null, 'queue')),
        )
      },
    },
    reads('One queue', objectShape),
  )
  post(
    app,
    deps,
    `${QUEUES_PATH}/:name/limit`,
    async (request) => {
      const name = queueOf(request)
      const { perSecond: wanted, ...note } = parseInput(limitBody, request.body, 'body')
      return async () => {
        await deps.control.limitQueue(name, wanted, note)
        return { name, perSecond: wanted }
      }
    },
    changes('Limit the steps that a queue begins, or lift the limit', limitBody, limited),
  )
  for (const action of ['pause', 'resume'] as const) {
    post(
      app,
      deps,
      `${QUEUES_PATH}/:name/${action}`,
      async (request) => {
        const name = queueOf(request)
        const note = parseInput(noteBody, request.body, 'body')
        return async () => {
          await deps.control.switchQueue(name, action === 'pause', note)
          return { name, paused: action === 'pause' }
        }
      },
      changes(`${action === 'pause' ? 'Pause' : 'Resume'} a queue`, noteBody, paused),
    )
  }
}

function addWindowRoutes(app: Express, deps: JobControlDeps): void {
  addRoute(
    app,
    WINDOWS_PATH,
    {
      get: async (_request, response) => {
        response.json({ windows: await deps.control.windows() })
      },
      post: [
        ...jsonBody(),
        answering(deps, WINDOWS_PATH, async (request) => {
          const { until, by, reason, ...selection } = parseInput(windowBody, request.body, 'body')
          return () => deps.control.openWindow(selection, { until, by, reason })
        }),
      ],
    },
    {
      ...reads('Maintenance windows', z.strictObject({ windows: z.array(objectShape) })),
      ...changes('Open a maintenance window', windowBody, window),
    },
  )
  post(
    app,
    deps,
    `${WINDOWS_PATH}/:windowId/close`,
    async (request) => {
      const windowId = z.guid().toLowerCase().safeParse(request.params['windowId'])
      const note = parseInput(noteBody, request.body, 'body')
      return () => deps.control.closeWindow(found(windowId.data ?? null, 'window'), note)
    },
    changes('Close a maintenance window', noteBody, window),
  )
}

function queueOf(request: Request): JobQueue {
  const name = queue.safeParse(pathText(request, 'name', 'queue'))
  return found(name.data ?? null, 'queue')
}

/** Checks a request; what it returns is carried out once per Idempotency-Key. */
type Prepare = (request: Request, by: string) => Promise<(attempt: Attempt) => Promise<unknown>>

function post(
  app: Express,
  deps: JobControlDeps,
  path: string,
  prepare: Prepare,
  contracts: Contracts,
): void {
  addRoute(app, path, { post: [...jsonBody(), answering(deps, path, prepare)] }, contracts)
}

function answering(deps: JobControlDeps, path: string, prepare: Prepare) {
  return async (request: Request, response: Response): Promise<void> => {
    const body: unknown = request.body
    const work = await prepare(request, callerOf(response).name)
    // The path names what is switched: one key for two schedules is two requests.
    const keyed = { scope: `POST ${path}`, body: { path: request.path, body } }
    const answer = await onceByKey(deps.idempotency, request, keyed, async (attempt) => {
      try {
        return { status: 200, body: await work(attempt) }
      } catch (error) {
        if (error instanceof JobConflictError || error instanceof JobQueueFullError) {
          throw new ProblemError(409, 'conflict', error.message, { cause: error })
        }
        if (!(error instanceof ControlError)) throw error
        throw invalidRequest([{ path: error.field, message: error.message }])
      }
    })
    response.status(answer.status).json(answer.body)
  }
}
