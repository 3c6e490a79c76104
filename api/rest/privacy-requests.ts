/** Requests of persons about their own data over HTTP: written down, listed, refused, handed out. */
import type { Express, Request, Response } from 'express'
import { z } from 'zod'

import { HOLDER_REF } from '../../domain/contact.ts'
import {
  isPrivacyOverdue,
  PRIVACY_KINDS,
  PRIVACY_TRANSITIONS,
} from '../../domain/privacy-request.ts'
import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import { ExportTornError } from '../../domain/ports/privacy-exports.ts'
import type { PrivacyRequest, PrivacyRequestStore } from '../../domain/ports/privacy-requests.ts'
import type { Instant } from '../../domain/time.ts'
import {
  PrivacyRefusedError,
  type ExportLink,
  type FetchedExport,
  type PrivacyActor,
  type receivePrivacyRequest,
} from '../../operations/manage-privacy-requests.ts'
import { noteText } from '../contract.ts'
import { onceByKey, type StoredAnswer } from '../idempotency.ts'
import { invalidRequest, parseInput, ProblemError } from '../problem.ts'
import { requestLogger } from '../request-context.ts'
import { addRoute, jsonBody } from '../routes.ts'
import { instantShape, pageShape } from '../shapes.ts'
import { noteBody } from './notifications.ts'
import { found, instantOf, notFound, pageFields, pageOrProblem, pathText } from './read-query.ts'

/** What the routes need. */
export type PrivacyDeps = {
  readonly privacy: Pick<PrivacyRequestStore, 'find' | 'list'> & {
    receive(
      ask: Parameters<typeof receivePrivacyRequest>[1],
    ): ReturnType<typeof receivePrivacyRequest>
    refuse(requestId: string, note: PrivacyActor): Promise<PrivacyRequest>
    putLink(requestId: string, note: PrivacyActor): Promise<ExportLink>
    fetch(requestId: string, token: string): Promise<FetchedExport | null>
    /** Starts the run that answers it, or joins the open one. */
    start(requestId: string): Promise<void>
    wallNow(): Instant
  }
  readonly idempotency: IdempotencyStore
}

const PATH = '/api/privacy-requests'
const DOWNLOADS = '/api/privacy-exports'
const WHAT = 'request'
const whose = { permission: 'holders.serve', isForTenants: true } as const

const noQuery = z.strictObject({})
const listQuery = z.strictObject({
  ...pageFields,
  kind: z.enum(PRIVACY_KINDS).optional(),
  state: z.enum(Object.keys(PRIVACY_TRANSITIONS)).optional(),
  isOverdue: z.literal('true').optional().meta({ description: 'Open ones past their month.' }),
})

const receiveBody = z.strictObject(
  {
    kind: z.enum(PRIVACY_KINDS),
    holderRef: z
      .string()
      .regex(HOLDER_REF, '1 to 255 characters without spaces')
      .meta({ description: "The policies' payee_ref." }),
    receivedAt: instantOf(z.string())
      .optional()
      .meta({ description: 'When it arrived, within the last 90 days. Absent: now.' }),
    by: noteText,
    reason: noteText,
  },
  'a JSON object',
)

const requestShape = z.strictObject({
  requestId: z.guid(),
  kind: z.enum(PRIVACY_KINDS),
  holderRef: z.string(),
  state: z.enum(Object.keys(PRIVACY_TRANSITIONS)),
  receivedAt: instantShape,
  dueAt: instantShape,
  isOverdue: z.boolean(),
  receivedBy: z.string(),
  waitsFor: z.string().nullable(),
  refusal: z.string().nullable(),
  closedAt: instantShape.nullable(),
  file: z.strictObject({ bytes: z.int(), sha256: z.string() }).nullable(),
  link: z.strictObject({ expiresAt: instantShape, triesLeft: z.int() }).nullable(),
  isArchived: z.boolean(),
})

const linkShape = z.strictObject({
  requestId: z.guid(),
  path: z.string().nullable().meta({
    description: 'In the first answer alone: it is kept nowhere. Null when asked again.',
  }),
  expiresAt: instantShape,
  tries: z.int(),
})

/** `/api/privacy-requests`, behind the doors that ask who calls. */
export function addPrivacyRoutes(app: Express, deps: PrivacyDeps): void {
  const show = (request: PrivacyRequest) => shown(request, deps.privacy.wallNow())
  addRoute(
    app,
    PATH,
    {
      get: async (request, response) => {
        const { limit, cursor, isOverdue, kind, state } = parseInput(
          listQuery,
          request.query,
          'query',
        )
        const dueBefore = isOverdue === undefined ? undefined : deps.privacy.wallNow()
        const filter = { kind, state: state as PrivacyRequest['state'] | undefined, dueBefore } // of its keys
        const page = await pageOrProblem(deps.privacy.list(filter, { limit, cursor }))
        response.json({ ...page, items: page.items.map(show) })
      },
      post: [...jsonBody(), (request, response) => receive(deps, request, response)],
    },
    {
      get: {
        summary: 'Requests of persons about their own data, the newest first',
        ...whose,
        query: listQuery,
        answers: { 200: pageShape(requestShape) },
      },
      post: {
        summary:
          'Write a request down and start answering it; the same asked again is the same one',
        ...whose,
        body: receiveBody,
        isKeyed: true,
        answers: { 200: requestShape, 201: requestShape },
      },
    },
  )
  addOneRequest(app, deps, show)
}

function addOneRequest(
  app: Express,
  deps: PrivacyDeps,
  show: (request: PrivacyRequest) => z.infer<typeof requestShape>,
): void {
  addRoute(
    app,
    `${PATH}/:requestId`,
    {
      get: async (request, response) => {
        parseInput(noQuery, request.query, 'query')
        response.json(show(found(await deps.privacy.find(idOf(request)), WHAT)))
      },
    },
    {
      get: {
        summary: 'One request with its clock and its answer',
        ...whose,
        query: noQuery,
        answers: { 200: requestShape },
      },
    },
  )
  addRoute(
    app,
    `${PATH}/:requestId/refuse`,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const answer = await act(deps, request, 'refuse', async (requestId, note) => ({
            status: 200,
            body: show(await deps.privacy.refuse(requestId, note)),
          }))
          response.status(answer.status).json(answer.body)
        },
      ],
    },
    {
      post: {
        summary: 'Refuse an open request; the reason is what the person is told',
        ...whose,
        body: noteBody,
        isKeyed: true,
        answers: { 200: requestShape },
      },
    },
  )
  addRoute(
    app,
    `${PATH}/:requestId/link`,
    { post: [...jsonBody(), (request, response) => putLink(deps, request, response)] },
    {
      post: {
        summary: 'Put out a link to the copy, in place of any other; it is shown this once',
        ...whose,
        body: noteBody,
        isKeyed: true,
        answers: { 201: linkShape },
      },
    },
  )
}

/** `GET /api/privacy-exports/:requestId/:token`, open: having the link is enough, five times. */
export function addPrivacyDownloadRoute(app: Express, { privacy }: PrivacyDeps): void {
  addRoute(
    app,
    `${DOWNLOADS}/:requestId/:token`,
    {
      get: async (request, response) => {
        const copy = found(
          await privacy.fetch(idOf(request), pathText(request, 'token', 'link')).catch(explainTorn),
          'link',
        )
        const { name, type, sha256 } = copy.manifest.file
        response.set({
          'content-type': `${type}; charset=utf-8`,
          'content-disposition': `attachment; filename="${name}"`,
          'cache-control': 'no-store',
          'referrer-policy': 'no-referrer',
          digest: `sha-256=${Buffer.from(sha256, 'hex').toString('base64')}`,
        })
        response.send(Buffer.from(copy.content))
      },
    },
    {
      get: {
        summary: "A copy of a person's data, by the link that they were given",
        permission: 'open',
        answers: { 200: null },
      },
    },
  )
}

async function receive(deps: PrivacyDeps, request: Request, response: Response): Promise<void> {
  const body: unknown = request.body
  const { kind, holderRef, by, reason, receivedAt = null } = parseInput(receiveBody, body, 'body')
  const answer = await onceByKey(
    deps.idempotency,
    request,
    { scope: `POST ${PATH}`, body },
    async () => {
      const asked = { kind, holderRef, by, reason, receivedAt }
      const done = await explained(deps.privacy.receive(asked))
      await deps.privacy.start(done.request.requestId).catch((error: unknown) => {
        // It is written down: the daily look starts its run.
        requestLogger(response).logger.warn({ error }, 'privacy-run-not-started')
      })
      return { status: done.isNew ? 201 : 200, body: shown(done.request, deps.privacy.wallNow()) }
    },
  )
  response.status(answer.status).json(answer.body)
}

async function putLink(deps: PrivacyDeps, request: Request, response: Response): Promise<void> {
  // Outside of what is kept for a repeat: a link is stored nowhere.
  let path: string | null = null
  const answer = await act(deps, request, 'link', async (requestId, note) => {
    const { token, expiresAt, tries } = await deps.privacy.putLink(requestId, note)
    path = `${DOWNLOADS}/${requestId}/${token}`
    return { status: 201, body: { requestId, expiresAt, tries } }
  })
  const body = answer.body as Omit<z.infer<typeof linkShape>, 'path'> // as kept above
  response.set('cache-control', 'no-store')
  response.status(answer.status).json({ ...body, path })
}

async function act(
  deps: PrivacyDeps,
  request: Request,
  action: string,
  work: (requestId: string, note: PrivacyActor) => Promise<StoredAnswer>,
): Promise<StoredAnswer> {
  const requestId = idOf(request)
  const body: unknown = request.body
  const note = parseInput(noteBody, body, 'body')
  const scope = `POST ${PATH}/${requestId}/${action}`
  return onceByKey(deps.idempotency, request, { scope, body }, () =>
    explained(work(requestId, note)),
  )
}

function shown(request: PrivacyRequest, now: Instant): z.infer<typeof requestShape> {
  return { ...request, isOverdue: isPrivacyOverdue(request, now) }
}

function idOf(request: Request): string {
  const id = z.guid().toLowerCase().safeParse(request.params['requestId'])
  if (!id.success) throw notFound(WHAT)
  return id.data
}

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof PrivacyRefusedError)) throw error
    if (error.code === 'NOT_FOUND') throw notFound(WHAT)
    if (error.code === 'NO_HOLDER') {
      throw invalidRequest([{ path: 'holderRef', message: error.message }])
    }
    if (error.code === 'BAD_MOMENT') {
      throw invalidRequest([{ path: 'receivedAt', message: error.message }])
    }
    throw new ProblemError(409, 'conflict', error.message, { cause: error })
  }
}

function explainTorn(error: unknown): never {
  if (!(error instanceof ExportTornError)) throw error
  throw new ProblemError(409, 'export-not-whole', `${error.message}: ask for a new one`)
}
