/**
 * Sign-in by better-auth over our tables: passwords, sessions and their cookies, codes by mail. Loaded
 * when somebody signs in for the first time, as it takes a third of a second. Knows no routes.
 */
import { randomUUID } from 'node:crypto'

import { APIError } from 'better-auth/api'
import { betterAuth } from 'better-auth/minimal'

import type { Database } from '../../db/client.ts'
import {
  createSignInTables,
  ensureSignInSecret,
  SIGN_IN_NAMES,
} from '../../db/stores/sign-in-tables.ts'
import { PASSWORD_MAX, PASSWORD_MIN } from '../../domain/password.ts'
import type { AccountMailKind } from './account-mails.ts'
import { AUTH_PATH, CLIENT_IP, INNER_URL } from './inner-request.ts'

const MINUTE_S = 60
const HOUR_S = 60 * MINUTE_S
const DAY_S = 24 * HOUR_S

/** A session that nobody uses ends after this; one in use is renewed once a day. */
const SESSION_S = 7 * DAY_S
const RENEWED_AFTER_S = DAY_S
/** Somebody who asked waits for the mail. */
const RESET_S = HOUR_S

/** A user as better-auth keeps it, with our columns. */
export type AuthUser = {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly emailVerified: boolean
  readonly role: string
  readonly tenant: string
  readonly mustChangePassword: boolean
  readonly disabledAt?: Date | null | undefined
}

/** What sign-in is built from. */
export type IdentityDeps = {
  readonly db: Database
  /** Null: the one that the database keeps. */
  readonly secret: string | null
  /** Whether cookies go over TLS alone. */
  readonly isSecure: boolean
  /** Sends the mail with its code. */
  readonly sendCode: (kind: AccountMailKind, user: AuthUser, code: string) => Promise<void>
  readonly onPasswordReset: (userId: string) => Promise<void>
  readonly onEmailVerified: (userId: string) => Promise<void>
}

/** Beginning of the cookies' names. */
const COOKIE_PREFIX = 'groundstop'

/** better-auth as this product uses it. */
export type Identity = ReturnType<typeof betterAuthWith>

/** Builds it. */
export async function createIdentity(deps: IdentityDeps): Promise<Identity> {
  return betterAuthWith(deps, deps.secret ?? (await ensureSignInSecret(deps.db)))
}

function betterAuthWith(deps: IdentityDeps, secret: string) {
  const { db, isSecure } = deps
  return betterAuth({
    appName: 'Groundstop',
    baseURL: INNER_URL,
    basePath: AUTH_PATH,
    secret,
    database: createSignInTables(db),
    user: { ...SIGN_IN_NAMES.user, changeEmail: { enabled: true } },
    session: { ...SIGN_IN_NAMES.session, expiresIn: SESSION_S, updateAge: RENEWED_AFTER_S },
    account: SIGN_IN_NAMES.account,
    verification: { ...SIGN_IN_NAMES.verification, storeIdentifier: 'hashed' },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      requireEmailVerification: true,
      minPasswordLength: PASSWORD_MIN,
      maxPasswordLength: PASSWORD_MAX,
      resetPasswordTokenExpiresIn: RESET_S,
      revokeSessionsOnPasswordReset: true,
      sendResetPassword: ({ user, token }) => deps.sendCode('password-reset', ours(user), token),
      onPasswordReset: ({ user }) => deps.onPasswordReset(user.id),
    },
    emailVerification: {
      sendOnSignIn: true,
      expiresIn: DAY_S,
      sendVerificationEmail: ({ user, token }) =>
        deps.sendCode('email-verification', ours(user), token),
      afterEmailVerification: (user) => deps.onEmailVerified(user.id),
    },
    databaseHooks: {
      session: {
        create: {
          // After the password was right: nobody else learns that the account is closed.
          before: async ({ userId }, context) => {
            const user = await context?.context.internalAdapter.findUserById(userId)
            if (user === undefined || user === null || ours(user).disabledAt) throw disabled()
          },
        },
      },
    },
    advanced: {
      cookiePrefix: COOKIE_PREFIX,
      useSecureCookies: isSecure,
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax', secure: isSecure, path: '/' },
      ipAddress: { ipAddressHeaders: [CLIENT_IP] },
      database: { generateId: () => randomUUID(), validateSchema: false },
    },
    // Ours counts the tries of all processes together.
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    // It would write addresses to the console; what fails is thrown.
    logger: { disabled: true },
    onAPIError: { throw: true },
  })
}

/** Our columns are declared to it in `SIGN_IN_NAMES`, so that they are there. */
function ours(user: object): AuthUser {
  return user as AuthUser
}

function disabled(): APIError {
  return new APIError('FORBIDDEN', { code: 'USER_DISABLED', message: 'this account is disabled' })
}
