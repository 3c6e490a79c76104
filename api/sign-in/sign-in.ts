/** Sign-in for the routes and the door: better-auth behind a face of its own, loaded at first use. */
import { randomBytes } from 'node:crypto'

import type { Request } from 'express'

import type { Database } from '../../db/client.ts'
import type { PasswordOwner } from '../../domain/password.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type { UserStore } from '../../domain/ports/user-store.ts'
import type { Role } from '../../domain/role.ts'
import { DAY_MS } from '../../domain/time.ts'
import type { Logger } from '../../platform/logger.ts'
import type { AccountMailKind, AccountMails } from './account-mails.ts'
import type { AuthUser, Identity } from './identity.ts'
import { innerRequest, type AuthQuestion } from './inner-request.ts'

/** Somebody who is signed in. */
export type SignedIn = {
  readonly userId: string
  readonly name: string
  readonly email: string
  readonly role: Role
  readonly tenant: string
  /** The password was made by somebody else: nothing else is answered before it is changed. */
  readonly mustChangePassword: boolean
  readonly expiresAt: Date
}

/** What better-auth answered. Headers are those of cookies. */
export type AuthAnswer = {
  readonly status: number
  readonly cookies: readonly string[]
  readonly body: unknown
}

/** Sign-in. */
export type SignIn = {
  /** Lets better-auth answer, with the cookies of the request. */
  readonly answer: (request: Request, question: AuthQuestion) => Promise<AuthAnswer>
  /** Whose session a header of cookies is; null without one that still holds. Renews nothing. */
  readonly sessionOf: (cookie: string | undefined) => Promise<SignedIn | null>
  /** Whose password a code of a mail sets; null when it sets none any more. */
  readonly ownerOfCode: (code: string) => Promise<PasswordOwner | null>
  /** Whether mails leave: a mail server and an address for links are known. */
  readonly canMail: () => Promise<boolean>
  /** Mails the link by which a new user chooses a password. */
  readonly invite: (user: InvitedUser) => Promise<void>
}

/** Who is invited. */
export type InvitedUser = {
  readonly userId: string
  readonly name: string
  readonly email: string
}

/** What sign-in is built from. */
export type SignInDeps = {
  readonly db: Database
  readonly users: Pick<UserStore, 'settle' | 'record'>
  /** Of audit events. */
  readonly clock: Clock
  readonly logger: Logger
  readonly secret: string | null
  readonly isSecure: boolean
  /** Null: no mail server is configured. */
  readonly mails: AccountMails | null
  /** Where people reach the API; null: not known. */
  readonly ownUrl: Promise<string | null>
}

const SESSION_COOKIE = /(?:^|;\s*)(?:__Secure-)?groundstop\.session_token=/
/** As many characters as better-auth's own codes. */
const CODE_BYTES = 18
/** Somebody who was invited does not wait for the mail. */
const INVITATION_MS = DAY_MS

/** Builds it; loads nothing yet. */
export function createSignIn(deps: SignInDeps): SignIn {
  let loaded: Promise<Identity> | undefined
  const load = (): Promise<Identity> => {
    loaded ??= loadIdentity(deps)
    // A database that was away is asked again by the next request.
    loaded.catch(() => (loaded = undefined))
    return loaded
  }
  const canMail = async () => deps.mails !== null && (await deps.ownUrl) !== null
  return {
    answer: async (request, question) => answer(await load(), request, question),
    sessionOf: async (cookie = '') =>
      SESSION_COOKIE.test(cookie) ? sessionOf(await load(), cookie) : null,
    ownerOfCode: async (code) => ownerOfCode(await load(), code),
    canMail,
    invite: async (user) => {
      const identity = await load()
      const code = randomBytes(CODE_BYTES).toString('base64url')
      const { internalAdapter } = await identity.$context
      await internalAdapter.createVerificationValue({
        identifier: codeName(code),
        value: user.userId,
        expiresAt: new Date(Date.now() + INVITATION_MS),
      })
      await sendCode(deps, 'invitation', user, code)
    },
  }
}

async function loadIdentity(deps: SignInDeps): Promise<Identity> {
  const { createIdentity } = await import('./identity.ts')
  const { users, clock } = deps
  return createIdentity({
    ...deps,
    // Not waited for: how long a mail takes would tell whether the address has an account.
    sendCode: async (kind, user, code) => void sendCode(deps, kind, user, code),
    onPasswordReset: async (userId) => {
      // The code came by mail: the address is the user's, and so is the password now.
      await users.settle(userId, { isEmailVerified: true, mustChangePassword: false })
      await users.record(userId, 'user.reset-password', await clock.now())
    },
    onEmailVerified: async (userId) => users.record(userId, 'user.verify-email', await clock.now()),
  })
}

/** Better-auth's name of a code; it is hashed before it is stored. */
function codeName(code: string): string {
  return `reset-password:${code}`
}

async function sendCode(
  { mails, ownUrl, logger }: SignInDeps,
  kind: AccountMailKind,
  { name, email }: Pick<AuthUser, 'name' | 'email'>,
  code: string,
): Promise<void> {
  const url = await ownUrl
  if (mails === null || url === null) return
  const page = kind === 'email-verification' ? 'verify-email' : 'password-form'
  const link = `${url}/api/auth/${page}?token=${encodeURIComponent(code)}`
  const outcome = await mails.send({ kind, to: { name, email }, link })
  if (outcome.kind === 'sent') logger.info({ kind, user: name }, 'account-mail-sent')
  else logger.warn({ kind, user: name, code: outcome.code }, 'account-mail-failed')
}

async function answer(
  identity: Identity,
  request: Request,
  question: AuthQuestion,
): Promise<AuthAnswer> {
  const response = await identity.handler(innerRequest(request, question))
  const text = await response.text()
  return {
    status: response.status,
    cookies: response.headers.getSetCookie(),
    body: text === '' ? null : (JSON.parse(text) as unknown),
  }
}

async function sessionOf(identity: Identity, cookie: string): Promise<SignedIn | null> {
  const found = await identity.api.getSession({
    headers: new Headers({ cookie }),
    // Only the route that answers with cookies renews a session.
    query: { disableRefresh: true },
  })
  if (found === null || found.user.disabledAt) return null
  const { id, name, email, tenant, mustChangePassword } = found.user
  const role = found.user.role as Role // checked by the schema
  const { expiresAt } = found.session
  return { userId: id, name, email, role, tenant, mustChangePassword, expiresAt }
}

async function ownerOfCode(identity: Identity, code: string): Promise<PasswordOwner | null> {
  const { internalAdapter } = await identity.$context
  const found = await internalAdapter.findVerificationValue(codeName(code))
  if (!found || found.expiresAt < new Date()) return null
  return internalAdapter.findUserById(found.value)
}
