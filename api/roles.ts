/** What each role may do. The only place where a role is given a permission. */
import type { Role } from '../domain/role.ts'

export { ROLES, type Role } from '../domain/role.ts'

/** What a request may be about; each route names one. */
export const PERMISSIONS = {
  'operations.read': 'see how jobs, queues, legs, airports and outside services do',
  'payload.read': 'see what went into a run and what came out',
  'jobs.run': 'start, cancel and redrive runs; switch schedules, queues and windows',
  'book.read': 'see policies, payouts, reviews, accounts and figures',
  'book.sell': 'quote and bind cover',
  'claims.decide': 'cancel policies, decide reviews, approve payouts and correct payees',
  'holders.serve':
    'see what was written to holders, keep and erase their data, answer their requests',
  'payouts.stop': 'see and throw the kill switch of payouts',
  'settings.change': 'change run-time settings',
  'audit.read': 'see who changed what',
  'access.manage': 'invite people, give roles, end sessions, make and revoke API keys',
} as const

/** A permission by name. */
export type Permission = keyof typeof PERMISSIONS

const MAY: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: ['operations.read'],
  operator: ['operations.read', 'payload.read', 'jobs.run', 'book.read', 'payouts.stop'],
  claims: [
    'operations.read',
    'book.read',
    'book.sell',
    'claims.decide',
    'holders.serve',
    'payouts.stop',
  ],
  admin: Object.keys(PERMISSIONS) as Permission[], // its own keys
}

/** Whether the role has the permission. What no route contract names is the admin's alone: null. */
export function isAllowed(role: Role, permission: Permission | null): boolean {
  return permission === null ? role === 'admin' : MAY[role].includes(permission)
}
