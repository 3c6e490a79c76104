/** Tasks that people time: make, list, look at, change and call off, one or many. */
import { createHash, randomUUID } from 'node:crypto'

import type { Express, Request, Response } from 'express'
import { z } from 'zod'

import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import type { Page, PageRequest } from '../../domain/ports/page.ts'
import type { TaskFilter, TaskRun, TaskStatistics } from '../../domain/ports/task-store.ts'
import { TaskTimingError, type Task } from '../../domain/task.ts'
import { timingOf, type TaskWhen } from '../../domain/task-when.ts'
import type { Instant } from '../../domain/time.ts'
import {
  TaskError,
  TASKS_PER_CALL,
  type BulkedTasks,
  type TaskAction,
  type TaskAsk,
  type TaskRequest,
} from '../../operations/manage-tasks.ts'
import { callerOf } from '../caller.ts'
import { onceByKey, type StoredAnswer } from '../idempotency.ts'
import { invalidRequest, parseInput, ProblemError } from '../problem.ts'
import { isAllowed } from '../roles.ts'
import { addRoute, jsonBody, type Contracts } from '../routes.ts'
import { pageShape } from '../shapes.ts'
import { found, notFound, pageOrProblem } from './read-query.ts'
import {
  bulkBody,
  bulkShape,
  createBody,
  listQuery,
  noteBody,
  rescheduleBody,
  statisticsShape,
  taskDetailsShape,
  taskShape,
} from './task-shapes.ts'

/** A task with its last runs and its next times. */
export type TaskDetails = {
  readonly task: Task
  readonly runs: readonly TaskRun[]
  readonly next: readonly Instant[]
}

/** What the routes need. Each throws TaskError. */
export type TasksDeps = {
  readonly tasks: {
    create(request: TaskRequest): Promise<Task>
    list(filter: TaskFilter, page: PageRequest): Promise<Page<Task>>
    read(taskId: string): Promise<TaskDetails | null>
    statistics(): Promise<TaskStatistics>
    change(taskId: string, action: TaskAction, ask: TaskAsk): Promise<Task>
    changeMany(
      request: TaskAsk & {
        action: TaskAction
        filter: TaskFilter
        limit: number
        isDryRun: boolean
      },
    ): Promise<BulkedTasks>
  }
  readonly idempotency: IdempotencyStore
}

const PATH = '/api/tasks'

const reading = { permission: 'operations.read' } as const
const changing = { permission: 'jobs.run' } as const

const TASKS: Contracts = {
  get: {
    summary: 'Tasks, the one that is due first first; inputs only with payload.read',
    ...reading,
    isForTenants: true,
    query: listQuery,
    answers: { 200: pageShape(taskShape) },
  },
  post: {
    summary: 'Have a job run at a time, or again and again',
    ...changing,
    body: createBody,
    isKeyed: true,
    answers: { 201: taskShape },
  },
}

const ONE: Contracts = {
  get: {
    summary: 'A task with its last runs and its next times',
    ...reading,
    isForTenants: true,
    answers: { 200: taskDetailsShape },
  },
  delete: { summary: 'Call a task off', ...changing, body: noteBody, answers: { 200: taskShape } },
}

/** `/api/tasks`, `/statistics`, `/bulk`, `/:taskId` and what is done to one. */
export function addTaskRoutes(app: Express, deps: TasksDeps): void {
  const { tasks } = deps
  addRoute(
    app,
    PATH,
    {
      get: async (request, response) => {
        const { limit, cursor, ...filter } = parseInput(listQuery, request.query, 'query')
        const page = await pageOrProblem(tasks.list(filter, { limit, cursor }))
        response.json({ ...page, items: page.items.map((task) => shown(task, response)) })
      },
      post: [
        ...jsonBody(),
        async (request, response) => {
          const { status, body } = await create(deps, request)
          response.status(status).json(body)
        },
      ],
    },
    TASKS,
  )
  addRoute(
    app,
    `${PATH}/statistics`,
    {
      get: async (_request, response) => {
        response.set('cache-control', 'no-store').json(await tasks.statistics())
      },
    },
    { get: { summary: 'How tasks do', ...reading, answers: { 200: statisticsShape } } },
  )
  addBulkRoute(app, deps)
  addRoute(
    app,
    `${PATH}/:taskId`,
    {
      get: async (request, response) => {
        const { task, runs, next } = found(await tasks.read(taskIdOf(request)), 'task')
        response.json({ ...shown(task, response), runs, next })
      },
      delete: [
        ...jsonBody(),
        async (request, response) => {
          const ask = parseInput(noteBody, request.body, 'body')
          const done = tasks.change(taskIdOf(request), { kind: 'cancel' }, ask)
          response.json(await explained(done))
        },
      ],
    },
    ONE,
  )
  addTaskSwitches(app, deps)
}

function addBulkRoute(app: Express, deps: TasksDeps): void {
  post(app, deps, `${PATH}/bulk`, {
    summary: `Change up to ${TASKS_PER_CALL} tasks that fit a filter`,
    body: bulkBody,
    answer: bulkShape,
    work: (request) => {
      const {
        action,
        when,
        toleranceMin,
        dryRun: isDryRun,
        ...rest
      } = parseInput(bulkBody, request.body, 'body')
      const done: TaskAction =
        action === 'reschedule'
          ? { kind: action, timing: timed(when ?? {}), toleranceMin }
          : { kind: action }
      return () => deps.tasks.changeMany({ ...rest, action: done, isDryRun })
    },
  })
}

function addTaskSwitches(app: Express, deps: TasksDeps): void {
  for (const kind of ['pause', 'resume'] as const) {
    post(app, deps, `${PATH}/:taskId/${kind}`, {
      summary: kind === 'pause' ? 'Let a task not fire until resumed' : 'Let a task fire again',
      body: noteBody,
      answer: taskShape,
      work: (request) => {
        const ask = parseInput(noteBody, request.body, 'body')
        return () => deps.tasks.change(taskIdOf(request), { kind }, ask)
      },
    })
  }
  post(app, deps, `${PATH}/:taskId/reschedule`, {
    summary: 'Give a task another time',
    body: rescheduleBody,
    answer: taskShape,
    work: (request) => {
      const { when, toleranceMin, ...ask } = parseInput(rescheduleBody, request.body, 'body')
      const action = { kind: 'reschedule' as const, timing: timed(when), toleranceMin }
      return () => deps.tasks.change(taskIdOf(request), action, ask)
    },
  })
}

type Switch = {
  readonly summary: string
  readonly body: z.ZodType
  readonly answer: z.ZodType
  /** Checks the request, and says what is then done. */
  readonly work: (request: Request) => () => Promise<unknown>
}

function post(
  app: Express,
  deps: TasksDeps,
  path: string,
  { summary, body, answer, work }: Switch,
): void {
  addRoute(
    app,
    path,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const act = work(request)
          const keyed = { scope: `POST ${request.path}`, body: request.body as unknown }
          const { status, body } = await onceByKey(deps.idempotency, request, keyed, async () => ({
            status: 200,
            body: await explained(act()),
          }))
          response.status(status).json(body)
        },
      ],
    },
    { post: { summary, ...changing, body, isKeyed: true, answers: { 200: answer } } },
  )
}

async function create(deps: TasksDeps, request: Request): Promise<StoredAnswer> {
  const body: unknown = request.body
  const { type: job, when, payload, ...rest } = parseInput(createBody, body, 'body')
  const timing = timed(when)
  const keyed = { scope: `POST ${PATH}`, body }
  return onceByKey(deps.idempotency, request, keyed, async ({ key }) => {
    const taskId = key === null ? randomUUID() : idOfKey(key)
    const task = await explained(
      deps.tasks.create({ ...rest, taskId, job, input: payload ?? {}, timing }),
    )
    return { status: 201, body: task }
  })
}

/** A repeat whose first try was never answered finds the task that it made. */
function idOfKey(key: string): string {
  const hex = createHash('sha256').update(`task|${key}`).digest('hex')
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
  ]
  return [...parts, hex.slice(20, 32)].join('-')
}

function timed(when: TaskWhen): Task['timing'] {
  try {
    return timingOf(when)
  } catch (error) {
    if (!(error instanceof TaskTimingError)) throw error
    throw invalidRequest([{ path: 'when', message: error.message }])
  }
}

/** The task as its caller may see it. */
function shown(task: Task, response: Response): Task | (Omit<Task, 'input'> & { withheld: true }) {
  if (isAllowed(callerOf(response).role, 'payload.read')) return task
  const { input: _input, ...rest } = task
  return { ...rest, withheld: true }
}

function taskIdOf(request: Request): string {
  const id = z.guid().toLowerCase().safeParse(request.params['taskId'])
  if (!id.success) throw notFound('task')
  return id.data
}

const INPUT_FIELD = /^input(?=$|\.)/

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof TaskError)) throw error
    switch (error.code) {
      case 'NOT_FOUND':
        throw notFound('task')
      case 'CONFLICT':
        throw new ProblemError(409, 'conflict', error.message, { cause: error })
      case 'INVALID':
        throw invalidRequest(
          error.problems.map(({ field, message }) => ({
            path: field.replace(INPUT_FIELD, 'payload').replace(/^job$/, 'type'),
            message,
          })),
        )
    }
  }
}
