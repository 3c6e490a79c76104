/** API keys over HTTP: made and shown once, listed without themselves, revoked. */
import type { Express, Request, Response } from 'express'
import { z } from 'zod'

import type { ApiKeyStore } from '../../domain/ports/api-key-store.ts'
import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import { CALLER_NAME, DPOP_THUMBPRINT, ROLES } from '../../domain/role.ts'
import { parseInstant } from '../../domain/time.ts'
import {
  ApiKeyError,
  type ApiKeyRequest,
  type MadeApiKey,
} from '../../operations/manage-api-keys.ts'
import { callerOf } from '../caller.ts'
import { noteText } from '../contract.ts'
import { onceByKey } from '../idempotency.ts'
import { invalidRequest, parseInput, ProblemError } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'
import { instantShape, pageShape } from '../shapes.ts'
import { found, pageFields, pageOrProblem, pathText } from './read-query.ts'

/** What the routes need. The use cases throw ApiKeyError. */
export type ApiKeysDeps = {
  readonly apiKeys: Pick<ApiKeyStore, 'list' | 'find'>
  readonly keys: {
    create(request: ApiKeyRequest): Promise<MadeApiKey>
    revoke(request: {
      readonly tenant: string
      readonly apiKeyId: string
      readonly by: string
      readonly reason: string
    }): Promise<{ readonly isChanged: boolean }>
  }
  readonly idempotency: IdempotencyStore
}

const PATH = '/api/api-keys'

const note = { by: noteText, reason: noteText }
const role = z.enum(ROLES)
const expiry = z.iso
  .datetime({ offset: true, error: 'an ISO-8601 instant' })
  .meta({ description: 'From then on it opens nothing. Absent: until it is revoked.' })
  .transform((text, context) => {
    try {
      return parseInstant(text)
    } catch {
      context.addIssue({ code: 'custom', message: 'an ISO-8601 instant' })
      return z.NEVER
    }
  })
const keyBody = z.strictObject(
  {
    ...note,
    name: z.string().regex(CALLER_NAME, 'a name without blanks, 1 to 64 characters'),
    role,
    expiresAt: expiry.optional(),
    dpopThumbprint: z
      .string()
      .regex(DPOP_THUMBPRINT, 'a thumbprint of RFC 7638 with SHA-256')
      .optional()
      .meta({
        description: 'Thumbprint of the key pair whose proofs (DPoP) it is taken with alone.',
      }),
  },
  'a JSON object',
)
const noteBody = z.strictObject(note, 'a JSON object')
const keysQuery = z.strictObject(pageFields)

const apiKey = z.strictObject({
  apiKeyId: z.guid(),
  name: z.string(),
  role,
  hint: z.string(),
  dpopThumbprint: z.string().nullable(),
  expiresAt: instantShape.nullable(),
  revokedAt: instantShape.nullable(),
  lastUsedAt: instantShape.nullable(),
  createdBy: z.string(),
  createdAt: instantShape,
})
const made = z.strictObject({
  apiKey,
  secret: z.string().nullable().meta({
    description: 'The key, in the first answer alone: it is kept nowhere. Null when asked again.',
  }),
})

/** `GET` and `POST /api/api-keys`, `GET /:apiKeyId`, `POST /:apiKeyId/revoke` with `{by, reason}`. */
export function addApiKeyRoutes(app: Express, deps: ApiKeysDeps): void {
  const whose = { permission: 'access.manage', isForTenants: true } as const
  addRoute(
    app,
    PATH,
    {
      get: async (request, response) => {
        const page = parseInput(keysQuery, request.query, 'query')
        const { tenant } = callerOf(response)
        response.set('cache-control', 'no-store')
        response.json(await pageOrProblem(deps.apiKeys.list(tenant, page)))
      },
      post: [...jsonBody(), (request, response) => create(deps, request, response)],
    },
    {
      get: {
        summary: 'API keys, the newest first, without themselves',
        ...whose,
        query: keysQuery,
        answers: { 200: pageShape(apiKey) },
      },
      post: {
        summary: 'Make an API key; it is shown this once',
        ...whose,
        body: keyBody,
        isKeyed: true,
        answers: { 201: made },
      },
    },
  )
  addOneKey(app, deps)
}

function addOneKey(app: Express, deps: ApiKeysDeps): void {
  const whose = { permission: 'access.manage', isForTenants: true } as const
  addRoute(
    app,
    `${PATH}/:apiKeyId`,
    {
      get: async (request, response) => {
        const { tenant } = callerOf(response)
        const one = found(await deps.apiKeys.find(tenant, keyIdOf(request)), 'API key')
        response.set('cache-control', 'no-store').json(one)
      },
    },
    { get: { summary: 'One API key, without itself', ...whose, answers: { 200: apiKey } } },
  )
  addRoute(
    app,
    `${PATH}/:apiKeyId/revoke`,
    { post: [...jsonBody(), (request, response) => revoke(deps, request, response)] },
    {
      post: {
        summary: 'Revoke an API key; it opens nothing from now on',
        ...whose,
        body: noteBody,
        isKeyed: true,
        answers: { 200: z.strictObject({ changed: z.boolean() }) },
      },
    },
  )
}

async function create(deps: ApiKeysDeps, request: Request, response: Response): Promise<void> {
  const { tenant } = callerOf(response)
  const body: unknown = request.body
  const { expiresAt = null, dpopThumbprint = null, ...wanted } = parseInput(keyBody, body, 'body')
  // Outside of what is kept for a repeat: a key is stored nowhere.
  let secret: string | null = null
  const scope = `POST ${PATH} ${tenant}`
  const answer = await onceByKey(deps.idempotency, request, { scope, body }, async () => {
    const asked = { ...wanted, tenant, expiresAt, dpopThumbprint }
    const done = await explained(deps.keys.create(asked))
    secret = done.secret
    return { status: 201, body: done.apiKey }
  })
  response.set('cache-control', 'no-store')
  response.status(answer.status).json({ apiKey: answer.body, secret })
}

async function revoke(deps: ApiKeysDeps, request: Request, response: Response): Promise<void> {
  const { tenant } = callerOf(response)
  const apiKeyId = keyIdOf(request)
  const body: unknown = request.body
  const wanted = parseInput(noteBody, body, 'body')
  const scope = `POST ${PATH}/${apiKeyId}/revoke`
  const answer = await onceByKey(deps.idempotency, request, { scope, body }, async () => {
    const done = await explained(deps.keys.revoke({ ...wanted, tenant, apiKeyId }))
    return { status: 200, body: { changed: done.isChanged } }
  })
  response.status(answer.status).json(answer.body)
}

function keyIdOf(request: Request): string {
  return pathText(request, 'apiKeyId', 'API key')
}

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof ApiKeyError)) throw error
    switch (error.code) {
      case 'UNKNOWN_KEY':
        throw new ProblemError(404, 'not-found', error.message, { cause: error })
      case 'NAME_TAKEN':
        throw new ProblemError(409, 'conflict', error.message, { cause: error })
      case 'EXPIRES_IN_THE_PAST':
        throw invalidRequest([{ path: 'expiresAt', message: error.message }])
    }
  }
}
