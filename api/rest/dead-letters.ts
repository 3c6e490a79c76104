/** Dead letters: list them, see what they are about, redrive or discard one or many. */
import type { Express, Request, Response } from 'express'
import { z } from 'zod'

import { LETTER_STATES } from '../../domain/dead-letter.ts'
import type { DeadLetter, DeadLetterStore } from '../../domain/ports/dead-letter-store.ts'
import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import {
  LETTERS_PER_CALL,
  RATE_DEFAULT_PER_S,
  RedriveRequestError,
  type LetterRequest,
  type LettersDone,
  type RedriveRequest,
} from '../../operations/redrive-runs.ts'
import { callerOf } from '../caller.ts'
import { noteText } from '../contract.ts'
import { onceByKey, type StoredAnswer } from '../idempotency.ts'
import { invalidRequest, parseInput } from '../problem.ts'
import { isAllowed } from '../roles.ts'
import { addRoute, jsonBody, type Contracts } from '../routes.ts'
import { objectShape, pageShape } from '../shapes.ts'
import { found, instantOf, lookFor, notFound, pageFields, pageOrProblem } from './read-query.ts'

/** What the routes need. */
export type DeadLettersDeps = {
  readonly deadLetters: Pick<DeadLetterStore, 'list' | 'groups' | 'find' | 'effects'> & {
    readInput(letter: DeadLetter): Promise<unknown>
    redrive(request: RedriveRequest): Promise<LettersDone>
    discard(request: LetterRequest): Promise<LettersDone>
  }
  readonly idempotency: IdempotencyStore
}

const PATH = '/api/admin/scheduler/dead-letters'
const GROUPS_LIMIT = 200
const RATE_AT_MOST_PER_S = 50
/** Less than a claim of an Idempotency-Key holds. */
const SECONDS_AT_MOST = 20

const instant = instantOf(z.string('an ISO-8601 instant with an offset'))

const filterFields = {
  state: z.enum(LETTER_STATES).optional(),
  job: lookFor(64).optional(),
  errorType: lookFor(64).optional(),
  groupId: z.guid().toLowerCase().optional(),
  version: lookFor(255).optional(),
  failedAfter: instant.optional(),
  failedBefore: instant.optional(),
}

const listQuery = z.strictObject({ ...pageFields, ...filterFields })

const actFields = {
  by: noteText,
  reason: noteText,
  filter: z
    .strictObject({
      ...filterFields,
      runIds: z.array(z.guid().toLowerCase()).min(1).max(100).optional(),
    })
    .refine((filter) => Object.values(filter).some((value) => value !== undefined), {
      message: `at least one of runIds, ${Object.keys(filterFields).join(', ')}`,
    }),
  limit: z.int().min(1).max(LETTERS_PER_CALL).default(LETTERS_PER_CALL),
  dryRun: z.boolean().default(false),
}

const discardBody = z.strictObject(actFields, 'a JSON object')

const redriveBody = z
  .strictObject(
    {
      ...actFields,
      input: z.record(z.string(), z.unknown(), 'a JSON object').optional(),
      ratePerS: z.number().min(1).max(RATE_AT_MOST_PER_S).default(RATE_DEFAULT_PER_S),
    },
    'a JSON object',
  )
  .refine(({ limit, ratePerS }) => limit / ratePerS <= SECONDS_AT_MOST, {
    message: `limit / ratePerS may be ${SECONDS_AT_MOST} seconds at most`,
    path: ['ratePerS'],
  })

function reads(summary: string, answer: z.ZodType, query?: z.ZodObject): Contracts {
  const permission = 'operations.read'
  const asked = query === undefined ? {} : { query }
  return { get: { summary, permission, ...asked, answers: { 200: answer } } }
}

function changes(summary: string, body: z.ZodType): Contracts {
  const answers = { 200: objectShape }
  return { post: { summary, permission: 'jobs.run', body, isKeyed: true, answers } }
}

const LIST = reads('Runs that failed for good, the newest first', pageShape(), listQuery)
const GROUPS = reads('Dead letters by error', z.strictObject({ groups: z.array(objectShape) }))
const ONE = reads('A dead letter; what went in only with payload.read', objectShape)
const REDRIVE = changes('Start dead runs again', redriveBody)
const DISCARD = changes('Give dead runs up', discardBody)

/** `GET .../dead-letters`, `/groups`, `/:runId`; `POST .../redrive` and `/discard`. */
export function addDeadLetterRoutes(app: Express, deps: DeadLettersDeps): void {
  const { deadLetters } = deps
  addRoute(
    app,
    PATH,
    {
      get: async (request, response) => {
        const { limit, cursor, ...filter } = parseInput(listQuery, request.query, 'query')
        response.json(await pageOrProblem(deadLetters.list(filter, { limit, cursor })))
      },
    },
    LIST,
  )
  addRoute(
    app,
    `${PATH}/groups`,
    {
      get: async (_request, response) => {
        response.json({ groups: await deadLetters.groups(GROUPS_LIMIT) })
      },
    },
    GROUPS,
  )
  addRoute(
    app,
    `${PATH}/redrive`,
    {
      post: [
        ...jsonBody(),
        (request, response) => act(deps, request, 'redrive').then(send(response)),
      ],
    },
    REDRIVE,
  )
  addRoute(
    app,
    `${PATH}/discard`,
    {
      post: [
        ...jsonBody(),
        (request, response) => act(deps, request, 'discard').then(send(response)),
      ],
    },
    DISCARD,
  )
  addRoute(
    app,
    `${PATH}/:runId`,
    {
      get: async (request, response) => {
        const id = z.guid().toLowerCase().safeParse(request.params['runId'])
        if (!id.success) throw notFound('dead letter')
        const letter = found(await deadLetters.find(id.data), 'dead letter')
        const effects = await deadLetters.effects(letter)
        response.json({ ...letter, effects, ...(await inputFor(response, deps, letter)) })
      },
    },
    ONE,
  )
}

/** What went in, for those who may see it. */
async function inputFor(response: Response, { deadLetters }: DeadLettersDeps, letter: DeadLetter) {
  if (!isAllowed(callerOf(response).role, 'payload.read')) return { withheld: true }
  return { input: (await deadLetters.readInput(letter)) ?? null }
}

type Sender = { status(code: number): { json(body: unknown): unknown } }

function send(response: Sender): (answer: StoredAnswer) => void {
  return ({ status, body }) => void response.status(status).json(body)
}

async function act(
  deps: DeadLettersDeps,
  request: Request,
  action: 'redrive' | 'discard',
): Promise<StoredAnswer> {
  const body: unknown = request.body
  const work =
    action === 'redrive'
      ? redriveWork(deps, parseInput(redriveBody, body, 'body'))
      : discardWork(deps, parseInput(discardBody, body, 'body'))
  return onceByKey(
    deps.idempotency,
    request,
    { scope: `POST ${PATH}/${action}`, body },
    async () => {
      try {
        return { status: 200, body: await work() }
      } catch (error) {
        if (!(error instanceof RedriveRequestError)) throw error
        throw invalidRequest([{ path: error.field, message: error.message }])
      }
    },
  )
}

function redriveWork({ deadLetters }: DeadLettersDeps, body: z.output<typeof redriveBody>) {
  const { dryRun: isDryRun, input, ...rest } = body
  const edited = input === undefined ? {} : { input }
  return () => deadLetters.redrive({ ...rest, ...edited, isDryRun })
}

function discardWork({ deadLetters }: DeadLettersDeps, body: z.output<typeof discardBody>) {
  const { dryRun: isDryRun, ...rest } = body
  return () => deadLetters.discard({ ...rest, isDryRun })
}
