/** Who sent a request, as its token or session says, and what that means for its audit rows. */
import type { IncomingMessage } from 'node:http'

import type { RequestHandler, Response } from 'express'

import { DEFAULT_TENANT } from '../domain/role.ts'
import { invalidRequest, ProblemError } from './problem.ts'
import { isAllowed, type Permission, type Role } from './roles.ts'

/** Who sent a request. */
export type Caller = {
  readonly name: string
  readonly role: Role
  /** Whose things it may see and change; the house's callers see those of all. */
  readonly tenant: string
  /** Whether the token stands for one person or program; others say `by` whom they act. */
  readonly isNamed: boolean
}

/** Everybody on this machine while no token is configured. */
export const LOCAL_CALLER: Caller = {
  name: 'local',
  role: 'admin',
  tenant: DEFAULT_TENANT,
  isNamed: false,
}

const KEY = 'caller'

/** Callers of requests that were made within the process; nothing from the network is in here. */
const handed = new WeakMap<IncomingMessage, Caller>()

/** Says who asks by a request that is made within the process. */
export function handCaller(request: IncomingMessage, caller: Caller): void {
  handed.set(request, caller)
}

/** Who was said to ask by a request of our own; undefined for those from the network. */
export function handedCaller(request: IncomingMessage): Caller | undefined {
  return handed.get(request)
}

/** Notes who sent the request. */
export function noteCaller(response: Response, caller: Caller): void {
  response.locals[KEY] = caller
}

/** Who sent the request that is being answered; asked only behind the doors that note it. */
export function callerOf(response: Response): Caller {
  const caller: unknown = response.locals[KEY]
  if (caller === undefined) throw new Error('the request passed no door that asks who it is')
  return caller as Caller // set by `noteCaller` alone
}

/** Refuses a caller whose role lacks the permission; null is the admin's alone. */
export function requirePermission(permission: Permission | null): RequestHandler {
  return (_request, response, next) => {
    const forbidden = forbiddenProblem(callerOf(response), permission)
    if (forbidden === null) return next()
    throw forbidden
  }
}

/** Refuses callers of a tenant what is about the whole installation. */
export function requireHouse(): RequestHandler {
  return (_request, response, next) => {
    const forbidden = houseProblem(callerOf(response))
    if (forbidden === null) return next()
    throw forbidden
  }
}

/** The 403 problem of a caller of a tenant; null for the house's. */
export function houseProblem({ name, tenant }: Caller): ProblemError | null {
  if (tenant === DEFAULT_TENANT) return null
  const detail = `${name} belongs to the tenant ${tenant}: this is for the house alone`
  return new ProblemError(403, 'forbidden', detail)
}

/** The 403 problem of a caller whose role lacks the permission; null when it has it. */
export function forbiddenProblem(
  { name, role }: Caller,
  permission: Permission | null,
): ProblemError | null {
  if (isAllowed(role, permission)) return null
  const detail = `${name} has the role ${role}, which lacks ${permission ?? 'admin'}`
  return new ProblemError(403, 'forbidden', detail)
}

/** A named token acts under its own name: `by` may be left out, and is nobody else's. */
export function actAsCaller(): RequestHandler {
  return (request, response, next) => {
    const { name, isNamed } = callerOf(response)
    const body: unknown = request.body
    if (!isNamed || typeof body !== 'object' || body === null || Array.isArray(body)) return next()
    const by: unknown = Object.hasOwn(body, 'by') && 'by' in body ? body.by : undefined
    if (by !== undefined && by !== name) {
      throw invalidRequest([{ path: 'by', message: `you act as ${name}: leave it out` }])
    }
    request.body = { ...body, by: name }
    next()
  }
}
