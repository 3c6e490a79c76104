/** People who sign in, as a port. Every change is written with its audit event, both or neither. */
import type { Role } from '../role.ts'
import type { Instant } from '../time.ts'
import type { Page, PageRequest } from './page.ts'

/** Who changes something, why and when; business time. */
export type AccessNote = { readonly by: string; readonly reason: string; readonly at: Instant }

/** A user as lists show it. */
export type ListedUser = {
  readonly userId: string
  readonly name: string
  readonly email: string
  readonly role: Role
  readonly isEmailVerified: boolean
  readonly mustChangePassword: boolean
  readonly disabledAt: Instant | null
  readonly createdAt: Instant
  /** Sessions that have not expired. */
  readonly sessions: number
  readonly lastSeenAt: Instant | null
}

/** A user to be. Without a password it can only be signed in to by the link of an invitation. */
export type NewUser = {
  readonly userId: string
  readonly tenant: string
  readonly name: string
  /** Lower case. */
  readonly email: string
  readonly role: Role
  readonly isEmailVerified: boolean
  readonly password: { readonly hash: string; readonly mustChange: boolean } | null
}

/** What became of a new user. */
export type UserCreated = 'created' | 'name-taken' | 'email-taken'

/** What may be changed of a user by others; one at a time. */
export type UserChange =
  | { readonly kind: 'role'; readonly role: Role }
  /** Ends the user's sessions as well. */
  | { readonly kind: 'disable' }
  | { readonly kind: 'enable' }

/** What became of a change. The last admin who can sign in stays one. */
export type UserChanged =
  | { readonly kind: 'done'; readonly isChanged: boolean; readonly user: ListedUser }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'last-admin' }

/** What users do by themselves, as the audit trail names it. */
export type UserDeed =
  | 'user.sign-in'
  | 'user.sign-out'
  | 'user.change-password'
  | 'user.reset-password'
  | 'user.verify-email'

/** Users of tenants. */
export interface UserStore {
  /** By name. Throws PageCursorError. */
  list(tenant: string, page: PageRequest): Promise<Page<ListedUser>>
  find(tenant: string, userId: string): Promise<ListedUser | null>
  findByName(tenant: string, name: string): Promise<ListedUser | null>
  /** Whether there is any user, of any tenant. */
  isAny(): Promise<boolean>
  create(user: NewUser, note: AccessNote): Promise<UserCreated>
  /** Creates the user if there is none at all yet; says whether it did. Many callers may try at once. */
  createFirst(user: NewUser, note: AccessNote): Promise<boolean>
  change(tenant: string, userId: string, change: UserChange, note: AccessNote): Promise<UserChanged>
  /** How many sessions were ended; null when there is no such user. */
  revokeSessions(tenant: string, userId: string, note: AccessNote): Promise<number | null>
  /** What followed from a new password or a verified address of the user's own. */
  settle(
    userId: string,
    facts: { readonly isEmailVerified?: true; readonly mustChangePassword?: false },
  ): Promise<void>
  /** Puts on record what a user did by itself, and `from` which address. */
  record(userId: string, deed: UserDeed, at: Instant, from?: string): Promise<void>
}
