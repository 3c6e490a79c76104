/** Declares routes so that a wrong method is a 405, a wrong content type a 415, and both are problems. */
import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'

import { actAsCaller, requireHouse, requirePermission } from './caller.ts'
import { isForTenants, namesActor, type Contract } from './contract.ts'
import { ProblemError } from './problem.ts'
import { noteRoute } from './request-context.ts'

/** Methods that routes may have; HEAD follows from GET. */
export type Method = 'get' | 'post' | 'delete'

/** Handles one request; a rejection becomes a problem document. */
export type Handler = (request: Request, response: Response) => Promise<void> | void

/** Bodies of everything but bulk imports. Temporal refuses inputs above 2 MB. */
export const JSON_LIMIT_BYTES = 1_000_000

/** Reads a JSON body up to a limit. Anything but `application/json` is refused. */
export function jsonBody(limitBytes = JSON_LIMIT_BYTES): RequestHandler[] {
  return [requireType(['application/json']), express.json({ limit: limitBytes, strict: false })]
}

/** Refuses other content types, and a body without one. */
export function requireType(types: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    if (request.is([...types]) !== false && request.get('content-type') !== undefined) return next()
    throw new ProblemError(415, 'unsupported-media-type', `send ${types.join(' or ')}`, {
      headers: { accept: types.join(', ') },
    })
  }
}

type Methods = Partial<Record<Method, readonly [...RequestHandler[], Handler] | Handler>>

/** What each method of a route promises. */
export type Contracts = Partial<Record<Method, Contract>>

/** A path that is served; a method without a contract is the admin's alone. */
export type RouteRecord = {
  readonly path: string
  readonly methods: Readonly<Partial<Record<Method, Contract | null>>>
}

const RECORDS = 'routeRecords'

/** Every route that was added to the app, in order. */
export function routesOf(app: Express): readonly RouteRecord[] {
  return (app.locals[RECORDS] ?? []) as RouteRecord[] // written by `addRoute` alone
}

/**
 * Adds a path with its methods and what they promise; every other method gets a 405 that names the
 * allowed ones.
 */
export function addRoute(
  app: Express,
  path: string,
  methods: Methods,
  contracts: Contracts = {},
): void {
  const note: RequestHandler = (_request, response, next) => {
    noteRoute(response, path)
    next()
  }
  const route = app.route(path).all(note)
  const allowed: string[] = []
  const promised: Partial<Record<Method, Contract | null>> = {}
  for (const method of ['get', 'post', 'delete'] as const) {
    const handlers = methods[method]
    if (handlers === undefined) continue
    allowed.push(method.toUpperCase())
    const contract = contracts[method] ?? null
    promised[method] = contract
    const chain = typeof handlers === 'function' ? [handlers] : handlers
    route[method](...guarded(contract, chain.map(asMiddleware)))
  }
  app.locals[RECORDS] = [...routesOf(app), { path, methods: promised }]
  const allow = (allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed).join(', ')
  route.all((request) => {
    throw new ProblemError(
      405,
      'method-not-allowed',
      `${request.method} is not allowed here; allowed: ${allow}`,
      { headers: { allow } },
    )
  })
}

/** Asks who may before a body is read, and says who acts before it is checked. */
function guarded(contract: Contract | null, chain: readonly RequestHandler[]): RequestHandler[] {
  const permission = contract === null ? null : contract.permission
  if (permission === 'open') return [...chain]
  const acting = contract !== null && namesActor(contract) ? [actAsCaller()] : []
  const whose = isForTenants(contract) ? [] : [requireHouse()]
  return [
    requirePermission(permission),
    ...whose,
    ...chain.slice(0, -1),
    ...acting,
    ...chain.slice(-1),
  ]
}

function asMiddleware(handler: RequestHandler | Handler): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) =>
    handler(request, response, next)
}
