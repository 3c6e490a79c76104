/**
 * What every procedure is made from: what it is called with, how its errors are told, and whom it lets
 * in. One that says nothing of that is the admin's alone, as a route without a contract is.
 */
import { initTRPC, type AnyTRPCProcedure, type AnyTRPCRouter } from '@trpc/server'
import type { Request, Response } from 'express'

import { forbiddenProblem, houseProblem, type Caller } from '../caller.ts'
import { problemDocument } from '../problem.ts'
import { requestLogger } from '../request-context.ts'
import type { Permission } from '../roles.ts'
import { problemOf, refusal } from './errors.ts'

/** Who calls procedures, and what their request and its answer are. */
export type ProcedureContext = {
  readonly caller: Caller
  readonly request: Request
  readonly response: Response
  /** Calls in the request. */
  readonly calls: number
}

/** What a procedure says of itself. */
export type ProcedureMeta = {
  /** Null is the admin's alone, `open` is for whoever is let in at all. */
  readonly permission: Permission | 'open' | null
  /** `GET /api/policies`: what it asks; a subscription asks none. */
  readonly routes: readonly string[]
}

/** A procedure as it is served. */
export type ServedProcedure = ProcedureMeta & {
  /** `policies.list`. */
  readonly name: string
  readonly kind: 'query' | 'mutation' | 'subscription'
}

const PING_MS = 15_000

const t = initTRPC
  .context<ProcedureContext>()
  .meta<ProcedureMeta>()
  .create({
    // Stacks are for the log.
    isDev: false,
    sse: {
      // Proxies close what is silent; a client that hears nothing for three of them connects again.
      ping: { enabled: true, intervalMs: PING_MS },
      client: { reconnectAfterInactivityMs: 3 * PING_MS },
    },
    errorFormatter({ shape, error }) {
      const problem = problemOf(error)
      const { code, path } = shape.data
      const data = {
        code,
        httpStatus: problem.status,
        ...(path === undefined ? {} : { path }),
        problem,
      }
      return { ...shape, message: problem.detail, data }
    },
  })

/** A router of procedures by group and name. */
export const router = t.router

/** What a procedure is made of; `.meta()` says whom it lets in. */
export const procedure = t.procedure.use(({ ctx: { caller, response }, meta, next }) => {
  // One route alone asks by itself, as it does over REST: after it has counted the call.
  if (meta?.routes.length === 1 || meta?.permission === 'open') return next()
  // What is of tRPC alone is the whole installation's.
  const forbidden = forbiddenProblem(caller, meta?.permission ?? null) ?? houseProblem(caller)
  if (forbidden === null) return next()
  throw refusal(problemDocument(forbidden, requestLogger(response).correlationId))
})

/** Every procedure of the router, in order. */
export function servedProcedures({ _def }: AnyTRPCRouter): readonly ServedProcedure[] {
  const procedures = _def.procedures as Record<string, AnyTRPCProcedure> // what a router keeps there
  return Object.entries(procedures).map(([name, { _def: own }]) => {
    const { permission = null, routes = [] } = (own.meta ?? {}) as Partial<ProcedureMeta> // `.meta()`
    return { name, kind: own.type, permission, routes }
  })
}
