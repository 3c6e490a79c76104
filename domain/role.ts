/** Roles of people, tokens and keys, and the tenant that each belongs to. */

/** Every role; whoever calls has one. What each may do is in `api/roles.ts`. */
export const ROLES = ['viewer', 'operator', 'claims', 'admin'] as const

/** A role by name. */
export type Role = (typeof ROLES)[number]

/** The tenant of an installation that serves one insurer, and of tokens that name none. */
export const DEFAULT_TENANT = 'default'

/** Names of people and keys, as they stand in the audit trail: without blanks, 1 to 64 characters. */
export const CALLER_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$/
