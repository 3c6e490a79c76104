/** Who may sign in: the first admin, invitations, roles, closed accounts, sessions that end. */
import { randomUUID } from 'node:crypto'

import type { Clock } from '../domain/ports/clock.ts'
import type { Passwords } from '../domain/ports/passwords.ts'
import type {
  ListedUser,
  NewUser,
  UserChange,
  UserCreated,
  UserStore,
} from '../domain/ports/user-store.ts'
import { DEFAULT_TENANT, type Role } from '../domain/role.ts'

/** What the use cases work over. */
export type UserDeps = {
  readonly users: UserStore
  /** Of audit events. */
  readonly clock: Clock
}

/** Who asks, and why. */
export type Note = { readonly by: string; readonly reason: string }

/** A user cannot be made or changed like this. */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly code: 'UNKNOWN_USER' | 'NAME_TAKEN' | 'EMAIL_TAKEN' | 'LAST_ADMIN'

  constructor(code: UserError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** An account with a password that is told once. */
export type MadeAdmin = {
  readonly name: string
  readonly email: string
  /** Kept nowhere: whoever sees it hands it on. */
  readonly password: string
}

/** Name and address of the first admin where nobody says others. Nothing is sent to the domain. */
export const FIRST_ADMIN = { name: 'admin', email: 'admin@groundstop.example' } as const

type AdminDeps = UserDeps & { readonly passwords: Passwords }
type AdminRequest = { readonly name: string; readonly email: string } & Note

/** Makes the first account of an installation, an admin's; null when there is any account already. */
export async function createFirstAdmin(
  deps: AdminDeps,
  request: AdminRequest,
): Promise<MadeAdmin | null> {
  const { user, made } = await newAdmin(deps, request)
  const { by, reason } = request
  const isFirst = await deps.users.createFirst(user, { by, reason, at: await deps.clock.now() })
  return isFirst ? made : null
}

/** Makes one more admin, for whoever has the database at hand. Throws UserError. */
export async function createAdmin(deps: AdminDeps, request: AdminRequest): Promise<MadeAdmin> {
  const { user, made } = await newAdmin(deps, request)
  await create(deps, user, request)
  return made
}

async function newAdmin(
  { passwords }: AdminDeps,
  { name, email }: AdminRequest,
): Promise<{ readonly user: NewUser; readonly made: MadeAdmin }> {
  const password = passwords.random()
  const user: NewUser = {
    userId: randomUUID(),
    tenant: DEFAULT_TENANT,
    name,
    email: email.toLowerCase(),
    role: 'admin',
    // Whoever may write to the database vouches for it.
    isEmailVerified: true,
    password: { hash: await passwords.hash(password), mustChange: true },
  }
  return { user, made: { name, email: user.email, password } }
}

/** Whom an admin lets in. */
export type Invitation = Note & {
  readonly tenant: string
  readonly name: string
  readonly email: string
  readonly role: Role
}

/** Makes an account that opens by the link of a mail. Throws UserError. */
export async function inviteUser(
  deps: UserDeps & { readonly invite: (user: NewUser) => Promise<void> },
  { tenant, name, email, role, by, reason }: Invitation,
): Promise<ListedUser> {
  const user: NewUser = {
    userId: randomUUID(),
    tenant,
    name,
    email: email.toLowerCase(),
    role,
    isEmailVerified: false,
    password: null,
  }
  await create(deps, user, { by, reason })
  // A crash before the mail leaves an account that opens by "forgot password" as well.
  await deps.invite(user)
  return known(await deps.users.find(tenant, user.userId), user.userId)
}

/** Whose account, and what becomes of it. */
export type UserChangeRequest = Note & {
  readonly tenant: string
  readonly userId: string
  readonly change: UserChange
}

/** Changes a role, closes an account or opens it again. Throws UserError. */
export async function changeUser(
  { users, clock }: UserDeps,
  { tenant, userId, change, by, reason }: UserChangeRequest,
): Promise<{ readonly user: ListedUser; readonly isChanged: boolean }> {
  const note = { by, reason, at: await clock.now() }
  const changed = await users.change(tenant, userId, change, note)
  switch (changed.kind) {
    case 'done':
      return { user: changed.user, isChanged: changed.isChanged }
    case 'last-admin':
      throw new UserError('LAST_ADMIN', 'this is the last admin: make another one first')
    case 'unknown':
      throw unknown(userId)
  }
}

/** Ends a user's sessions and says how many there were. Throws UserError. */
export async function revokeSessions(
  { users, clock }: UserDeps,
  request: Note & { readonly tenant: string; readonly userId: string },
): Promise<number> {
  const { tenant, userId, by, reason } = request
  const note = { by, reason, at: await clock.now() }
  return known(await users.revokeSessions(tenant, userId, note), userId)
}

async function create({ users, clock }: UserDeps, user: NewUser, note: Note): Promise<void> {
  const { by, reason } = note
  const created: UserCreated = await users.create(user, { by, reason, at: await clock.now() })
  switch (created) {
    case 'created':
      return
    case 'name-taken':
      throw new UserError('NAME_TAKEN', `there is a user ${user.name} already`)
    case 'email-taken':
      throw new UserError('EMAIL_TAKEN', 'there is a user with this address already')
  }
}

function known<T>(value: T | null, userId: string): T {
  if (value === null) throw unknown(userId)
  return value
}

function unknown(userId: string): UserError {
  return new UserError('UNKNOWN_USER', `there is no user ${userId}`)
}
