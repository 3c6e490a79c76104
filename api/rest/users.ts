/** Who may sign in, over HTTP: invitations, roles, closed accounts, sessions. */
import type { Express, Request, Response } from 'express'
import { z } from 'zod'

import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import type { ListedUser, UserChange, UserStore } from '../../domain/ports/user-store.ts'
import { ROLES, USER_NAME } from '../../domain/role.ts'
import {
  UserError,
  type Invitation,
  type Note,
  type UserChangeRequest,
} from '../../operations/manage-users.ts'
import { callerOf } from '../caller.ts'
import { noteText, type Contract } from '../contract.ts'
import { onceByKey, type StoredAnswer } from '../idempotency.ts'
import { parseInput, ProblemError } from '../problem.ts'
import { addRoute, jsonBody, type Handler } from '../routes.ts'
import { instantShape, pageShape } from '../shapes.ts'
import { requireMail } from '../sign-in/mail-set-up.ts'
import type { SignIn } from '../sign-in/sign-in.ts'
import { found, pageFields, pageOrProblem, pathText } from './read-query.ts'

/** What the routes need. The use cases throw UserError. */
export type UsersDeps = {
  readonly users: Pick<UserStore, 'list' | 'find'>
  readonly access: {
    invite(invitation: Invitation): Promise<ListedUser>
    change(
      request: UserChangeRequest,
    ): Promise<{ readonly user: ListedUser; readonly isChanged: boolean }>
    revokeSessions(
      request: Note & { readonly tenant: string; readonly userId: string },
    ): Promise<number>
  }
  readonly signIn: Pick<SignIn, 'canMail'>
  readonly idempotency: IdempotencyStore
}

const PATH = '/api/users'

const note = { by: noteText, reason: noteText }
const role = z.enum(ROLES)
const invitation = z.strictObject(
  {
    ...note,
    name: z.string().regex(USER_NAME, 'a name without blanks and @, 1 to 64 characters'),
    email: z.email('an e-mail address').max(254),
    role,
  },
  'a JSON object',
)
const noteBody = z.strictObject(note, 'a JSON object')
const roleBody = z.strictObject({ ...note, role }, 'a JSON object')
const usersQuery = z.strictObject(pageFields)

const user = z.strictObject({
  userId: z.string(),
  name: z.string(),
  email: z.string(),
  role,
  isEmailVerified: z.boolean(),
  mustChangePassword: z.boolean(),
  disabledAt: instantShape.nullable(),
  createdAt: instantShape,
  sessions: z.int().min(0),
  lastSeenAt: instantShape.nullable(),
})
const changed = z.strictObject({ user, changed: z.boolean() })

/**
 * `GET` and `POST /api/users`, `GET /:userId`, and `POST /:userId/{role,disable,enable,revoke-sessions}`,
 * each with `{by, reason}`.
 */
export function addUserRoutes(app: Express, deps: UsersDeps): void {
  const whose = { permission: 'access.manage', isForTenants: true } as const
  addRoute(
    app,
    PATH,
    {
      get: async (request, response) => {
        const page = parseInput(usersQuery, request.query, 'query')
        const { tenant } = callerOf(response)
        response.set('cache-control', 'no-store')
        response.json(await pageOrProblem(deps.users.list(tenant, page)))
      },
      post: [...jsonBody(), (request, response) => invite(deps, request, response)],
    },
    {
      get: {
        summary: 'Who may sign in, by name',
        ...whose,
        query: usersQuery,
        answers: { 200: pageShape(user) },
      },
      post: {
        summary: 'Invite somebody by a mail with a link',
        ...whose,
        body: invitation,
        isKeyed: true,
        answers: { 201: user },
      },
    },
  )
  addRoute(
    app,
    `${PATH}/:userId`,
    {
      get: async (request, response) => {
        const { tenant } = callerOf(response)
        const one = found(await deps.users.find(tenant, userIdOf(request)), 'user')
        response.set('cache-control', 'no-store').json(one)
      },
    },
    { get: { summary: 'One user', ...whose, answers: { 200: user } } },
  )
  addChangeRoutes(app, deps)
}

type Change = {
  readonly summary: string
  readonly body: z.ZodType
  readonly of: (body: unknown) => Note & { readonly change: UserChange }
}

const CHANGES: Readonly<Record<string, Change>> = {
  role: {
    summary: 'Give somebody another role; it holds at once',
    body: roleBody,
    of: (body) => {
      const { role: wanted, ...rest } = parseInput(roleBody, body, 'body')
      return { ...rest, change: { kind: 'role', role: wanted } }
    },
  },
  disable: {
    summary: 'Close an account and end its sessions',
    body: noteBody,
    of: (body) => ({ ...parseInput(noteBody, body, 'body'), change: { kind: 'disable' } }),
  },
  enable: {
    summary: 'Open a closed account again',
    body: noteBody,
    of: (body) => ({ ...parseInput(noteBody, body, 'body'), change: { kind: 'enable' } }),
  },
}

function addChangeRoutes(app: Express, deps: UsersDeps): void {
  for (const [name, { summary, body, of }] of Object.entries(CHANGES)) {
    addPost(
      app,
      `${PATH}/:userId/${name}`,
      { summary, body, answers: { 200: changed } },
      (request, response) =>
        keyed(deps, request, response, name, async (tenant, userId) => {
          const wanted = of(request.body)
          const done = await explained(deps.access.change({ ...wanted, tenant, userId }))
          return { status: 200, body: { user: done.user, changed: done.isChanged } }
        }),
    )
  }
  addPost(
    app,
    `${PATH}/:userId/revoke-sessions`,
    {
      summary: 'End all sessions of a user',
      body: noteBody,
      answers: { 200: z.strictObject({ revoked: z.int().min(0) }) },
    },
    (request, response) =>
      keyed(deps, request, response, 'revoke-sessions', async (tenant, userId) => {
        const wanted = parseInput(noteBody, request.body, 'body')
        const revoked = await explained(deps.access.revokeSessions({ ...wanted, tenant, userId }))
        return { status: 200, body: { revoked } }
      }),
  )
}

function addPost(
  app: Express,
  path: string,
  contract: Pick<Contract, 'summary' | 'answers'> & { readonly body: z.ZodType },
  handler: Handler,
): void {
  const post = {
    ...contract,
    permission: 'access.manage',
    isForTenants: true,
    isKeyed: true,
  } as const
  addRoute(app, path, { post: [...jsonBody(), handler] }, { post })
}

async function keyed(
  deps: UsersDeps,
  request: Request,
  response: Response,
  name: string,
  work: (tenant: string, userId: string) => Promise<StoredAnswer>,
): Promise<void> {
  const { tenant } = callerOf(response)
  const userId = userIdOf(request)
  const body: unknown = request.body
  const scope = `POST ${PATH}/${userId}/${name}`
  const answer = await onceByKey(deps.idempotency, request, { scope, body }, () =>
    work(tenant, userId),
  )
  response.status(answer.status).json(answer.body)
}

async function invite(deps: UsersDeps, request: Request, response: Response): Promise<void> {
  const { tenant } = callerOf(response)
  const body: unknown = request.body
  const wanted = parseInput(invitation, body, 'body')
  await requireMail(deps.signIn)
  const scope = `POST ${PATH} ${tenant}`
  const answer = await onceByKey(deps.idempotency, request, { scope, body }, async () => {
    const invited = await explained(deps.access.invite({ ...wanted, tenant }))
    return { status: 201, body: invited }
  })
  response.status(answer.status).json(answer.body)
}

function userIdOf(request: Request): string {
  return pathText(request, 'userId', 'user')
}

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const isUnknown = error.code === 'UNKNOWN_USER'
    const [status, code] = isUnknown ? ([404, 'not-found'] as const) : ([409, 'conflict'] as const)
    throw new ProblemError(status, code, error.message, { cause: error })
  }
}
