/** Roles of people, tokens and keys, their names, and the tenant that each belongs to. */

/** Every role; whoever calls has one. What each may do is in `api/roles.ts`. */
export const ROLES = ['viewer', 'operator', 'claims', 'admin'] as const

/** A role by name. */
export type Role = (typeof ROLES)[number]

/** The tenant of an installation that serves one insurer, and of tokens that name none. */
export const DEFAULT_TENANT = 'default'

/** Names of tokens and keys, as they stand in the audit trail: without blanks, 1 to 64 characters. */
export const CALLER_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$/

/**
 * Names of people who sign in. No address: they are part of ids of runs, which stay readable on the
 * server.
 */
export const USER_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/

/** A thumbprint of RFC 7638 with SHA-256, in base64url. */
export const DPOP_THUMBPRINT: RegExp = /^[A-Za-z0-9_-]{43}$/

/** Names of tenants. */
export const TENANT_NAME: RegExp = /^[a-z0-9][a-z0-9-]{0,39}$/
