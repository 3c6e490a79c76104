/** Signing in and out, passwords and addresses over HTTP. Its answers hold no token: cookies do. */
import type { Express, Request, RequestHandler, Response } from 'express'
import { z } from 'zod'

import { PASSWORD_MAX, passwordProblem } from '../../domain/password.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type { UserDeed, UserStore } from '../../domain/ports/user-store.ts'
import { ROLES } from '../../domain/role.ts'
import type { Contract } from '../contract.ts'
import { invalidRequest, parseInput, ProblemError } from '../problem.ts'
import type { SignInLimits } from '../limits.ts'
import { addRoute, jsonBody, type Contracts, type Handler } from '../routes.ts'
import { instantShape } from '../shapes.ts'
import { requireMail } from '../sign-in/mail-set-up.ts'
import { passwordChangeRequired } from '../sign-in/password-change.ts'
import { refuseOtherOrigin } from '../sign-in/origin.ts'
import type { AuthQuestion } from '../sign-in/inner-request.ts'
import type { AuthAnswer, SignedIn, SignIn } from '../sign-in/sign-in.ts'

/** What the routes need. */
export type SignInRoutesDeps = {
  readonly signIn: SignIn
  readonly signInLimits: SignInLimits
  readonly users: Pick<UserStore, 'settle' | 'record'>
  /** Of audit events. */
  readonly signInClock: Clock
  readonly publicUrl: string | null
}

const email = z.email('an e-mail address').max(254).toLowerCase()
const password = z.string().min(1).max(PASSWORD_MAX)
const code = z.string().min(1).max(2_048)
const nothing = z.strictObject({}, 'an empty JSON object')
const credentials = z.strictObject({ email, password }, 'a JSON object')
const passwordChange = z.strictObject(
  { currentPassword: password, newPassword: password },
  'a JSON object',
)
const passwordReset = z.strictObject({ token: code, newPassword: password }, 'a JSON object')
const addressBody = z.strictObject({ email }, 'a JSON object')
const newAddressBody = z.strictObject({ newEmail: email }, 'a JSON object')

type Asked = { readonly email?: string; readonly newEmail?: string }
const codeQuery = z.strictObject({ token: code })

const session = z.strictObject({
  userId: z.string(),
  name: z.string(),
  email: z.string(),
  role: z.enum(ROLES),
  tenant: z.string(),
  mustChangePassword: z.boolean(),
  expiresAt: instantShape,
})
const sessionAnswer = z.strictObject({ session: session.nullable() })
const done = z.strictObject({ done: z.literal(true) })
const DONE = { done: true } as const

/** Everything under `/api/auth`. Each asks for itself who is there: no role is needed. */
export function addSignInRoutes(app: Express, deps: SignInRoutesDeps): void {
  const ownPages: RequestHandler = (request, response, next) => {
    response.set('cache-control', 'no-store')
    refuseOtherOrigin(request, deps.publicUrl)
    next()
  }
  const post = (path: string, contract: Omit<Contract, 'permission'>, handler: Handler) =>
    addRoute(
      app,
      `/api/auth/${path}`,
      { post: [ownPages, ...jsonBody(), handler] },
      open('post', contract),
    )
  addRoute(
    app,
    '/api/auth/get-session',
    {
      get: async (request, response) => {
        const answer = await deps.signIn.answer(request, { method: 'GET', path: '/get-session' })
        withCookies(response, answer)
        const shown = answer.body === null ? null : await sessionOf(deps, request)
        response.set('cache-control', 'no-store').json({ session: shown && shownSession(shown) })
      },
    },
    open('get', {
      summary: 'Who is signed in; renews the session',
      answers: { 200: sessionAnswer },
    }),
  )
  addRoute(
    app,
    '/api/auth/verify-email',
    {
      get: async (request, response) => {
        const { token } = parseInput(codeQuery, request.query, 'query')
        const path = `/verify-email?token=${encodeURIComponent(token)}`
        await answered(deps, request, { method: 'GET', path })
        response.set('cache-control', 'no-store').json(DONE)
      },
    },
    open('get', {
      summary: 'Confirm an e-mail address by the code of a mail',
      query: codeQuery,
      answers: { 200: done },
    }),
  )
  post('sign-in/email', SIGN_IN, (request, response) => signIn(deps, request, response))
  post('sign-out', SIGN_OUT, (request, response) => signOut(deps, request, response))
  post('change-password', CHANGE, (request, response) => changePassword(deps, request, response))
  post('reset-password', RESET, (request, response) => resetPassword(deps, request, response))
  for (const [path, contract] of Object.entries(BY_MAIL)) {
    post(path, contract, async (request, response) => {
      const body = parseInput(contract.body, request.body, 'body')
      await requireMail(deps.signIn)
      await deps.signInLimits.askForMail(body.email ?? body.newEmail ?? '')
      if (path === CHANGE_EMAIL) await requireSettled(deps, request)
      withCookies(
        response,
        await answered(deps, request, { method: 'POST', path: `/${path}`, body }),
      )
      response.json(DONE)
    })
  }
}

function open(method: 'get' | 'post', contract: Omit<Contract, 'permission'>): Contracts {
  return { [method]: { ...contract, permission: 'open' } }
}

const SIGN_IN = {
  summary: 'Sign in with e-mail and password; the session is in a cookie',
  body: credentials,
  answers: { 200: sessionAnswer },
}
const SIGN_OUT = { summary: 'Sign out', body: nothing, answers: { 200: done } }
const CHANGE = {
  summary: 'Change the own password; ends all other sessions',
  body: passwordChange,
  answers: { 200: done },
}
const RESET = {
  summary: 'Choose a password by the code of a mail; ends all sessions',
  body: passwordReset,
  answers: { 200: done },
}
const CHANGE_EMAIL = 'change-email'
/** All of them answer the same whether the address is known or not. */
const BY_MAIL: Readonly<Record<string, Omit<Contract, 'permission'> & { body: z.ZodType<Asked> }>> =
  {
    'request-password-reset': {
      summary: 'Ask for a mail with a code for a new password',
      body: addressBody,
      answers: { 200: done },
    },
    'send-verification-email': {
      summary: 'Ask for a mail with a code that confirms the address',
      body: addressBody,
      answers: { 200: done },
    },
    [CHANGE_EMAIL]: {
      summary: 'Change the own address; it holds once a code sent there comes back',
      body: newAddressBody,
      answers: { 200: done },
    },
  }

async function signIn(deps: SignInRoutesDeps, request: Request, response: Response): Promise<void> {
  const body = parseInput(credentials, request.body, 'body')
  await deps.signInLimits.tryPassword(body.email, request)
  const answer = await answered(deps, request, { method: 'POST', path: '/sign-in/email', body })
  await deps.signInLimits.passed(body.email, request)
  withCookies(response, answer)
  const signedIn = await sessionOfCookies(deps, answer)
  await record(deps, request, signedIn, 'user.sign-in')
  response.json({ session: shownSession(signedIn) })
}

/** The session that an answer has just begun. */
async function sessionOfCookies(
  { signIn: face }: SignInRoutesDeps,
  { cookies }: AuthAnswer,
): Promise<SignedIn> {
  const signedIn = await face.sessionOf(cookies.map((cookie) => cookie.split(';')[0]).join('; '))
  if (signedIn === null) throw new Error('a session ended as it began')
  return signedIn
}

function sessionOf({ signIn: face }: SignInRoutesDeps, request: Request) {
  return face.sessionOf(request.get('cookie'))
}

async function signOut(
  deps: SignInRoutesDeps,
  request: Request,
  response: Response,
): Promise<void> {
  parseInput(nothing, request.body, 'body')
  const signedIn = await sessionOf(deps, request)
  const question: AuthQuestion = { method: 'POST', path: '/sign-out', body: {} }
  withCookies(response, await answered(deps, request, question))
  if (signedIn !== null) await record(deps, request, signedIn, 'user.sign-out')
  response.json(DONE)
}

async function changePassword(
  deps: SignInRoutesDeps,
  request: Request,
  response: Response,
): Promise<void> {
  const body = parseInput(passwordChange, request.body, 'body')
  const signedIn = await sessionOf(deps, request)
  if (signedIn === null) throw notSignedIn()
  const isSame = body.newPassword === body.currentPassword
  const problem = isSame ? 'another than before' : passwordProblem(body.newPassword, signedIn)
  if (problem !== null) throw invalidRequest([{ path: 'newPassword', message: problem }])
  // Who found a session open must not find out its password.
  await deps.signInLimits.tryPassword(signedIn.email, request)
  withCookies(
    response,
    await answered(deps, request, {
      method: 'POST',
      path: '/change-password',
      body: { ...body, revokeOtherSessions: true },
    }),
  )
  await deps.signInLimits.passed(signedIn.email, request)
  await deps.users.settle(signedIn.userId, { mustChangePassword: false })
  await record(deps, request, signedIn, 'user.change-password')
  response.json(DONE)
}

async function resetPassword(
  deps: SignInRoutesDeps,
  request: Request,
  response: Response,
): Promise<void> {
  const body = parseInput(passwordReset, request.body, 'body')
  const owner = await deps.signIn.ownerOfCode(body.token)
  if (owner === null) throw codeNotValid()
  const problem = passwordProblem(body.newPassword, owner)
  if (problem !== null) throw invalidRequest([{ path: 'newPassword', message: problem }])
  await answered(deps, request, { method: 'POST', path: '/reset-password', body })
  response.json(DONE)
}

/** Throws a problem for nobody, and for somebody whose password was made by somebody else. */
async function requireSettled(deps: SignInRoutesDeps, request: Request): Promise<void> {
  const signedIn = await sessionOf(deps, request)
  if (signedIn === null) throw notSignedIn()
  if (signedIn.mustChangePassword) throw passwordChangeRequired()
}

async function record(
  { users, signInClock }: SignInRoutesDeps,
  { ip }: Request,
  { userId }: SignedIn,
  deed: UserDeed,
): Promise<void> {
  await users.record(userId, deed, await signInClock.now(), ip)
}

function withCookies(response: Response, { cookies }: AuthAnswer): void {
  for (const cookie of cookies) response.append('set-cookie', cookie)
}

function shownSession({ expiresAt, ...rest }: SignedIn): z.output<typeof session> {
  return { ...rest, expiresAt: expiresAt.toISOString() }
}

/** better-auth's answer; a refusal becomes a problem. */
async function answered(
  { signIn: face }: SignInRoutesDeps,
  request: Request,
  question: AuthQuestion,
): Promise<AuthAnswer> {
  const answer = await face.answer(request, question)
  if (answer.status < 400) return answer
  const code: unknown = isObject(answer.body) ? answer.body['code'] : undefined
  throw problemOf(answer.status, typeof code === 'string' ? code : '')
}

function problemOf(status: number, code: string): Error {
  switch (code) {
    case 'INVALID_EMAIL_OR_PASSWORD':
      return new ProblemError(401, 'sign-in-failed', 'e-mail or password is wrong')
    case 'EMAIL_NOT_VERIFIED':
      return new ProblemError(
        403,
        'email-not-verified',
        'confirm the address by the mail sent there',
      )
    case 'USER_DISABLED':
      return new ProblemError(403, 'account-disabled', 'this account is disabled; ask an admin')
    case 'INVALID_PASSWORD':
      return invalidRequest([{ path: 'currentPassword', message: 'is not your password' }])
    case 'INVALID_TOKEN':
    case 'TOKEN_EXPIRED':
    case 'USER_NOT_FOUND':
      return codeNotValid()
    default:
      if (status === 401) return notSignedIn()
      if (status < 500) return new ProblemError(status, 'invalid-request', 'sign-in refused this')
      return new Error(`sign-in failed: ${status} ${code}`)
  }
}

function codeNotValid(): ProblemError {
  return new ProblemError(
    400,
    'code-not-valid',
    'the code was used or has expired; ask for another',
  )
}

function notSignedIn(): ProblemError {
  return new ProblemError(401, 'unauthorized', 'sign in first')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
