/**
 * The procedures of tRPC, made from the routes: each asks its route within the process, so that checks,
 * permission, limits, idempotency, audit and answer are the route's own.
 */
import type { AnyTRPCRouter, TRPCRouterRecord } from '@trpc/server'
import type { Express, Response } from 'express'

import {
  ProcedureInputError,
  PROCEDURES,
  routeCall,
  type RouteCall,
} from '../../client/procedures.ts'
import { invalidRequest, problemDocument, ProblemError, type ProblemDocument } from '../problem.ts'
import { requestLogger } from '../request-context.ts'
import type { Permission } from '../roles.ts'
import { keyOfCall } from './call-key.ts'
import { refusal } from './errors.ts'
import { askInside, type InnerAnswer } from './inner-call.ts'
import { FOLLOWING, type Live, type LiveInput } from './live.ts'
import { permissionOf, type NamedRoute } from './named-routes.ts'
import { procedure, router, type ProcedureContext } from './procedure-base.ts'

/** The router of these routes. */
export function procedureRouter(
  app: Express,
  routes: readonly NamedRoute[],
  live: Live,
): AnyTRPCRouter {
  const groups: Record<string, TRPCRouterRecord> = {}
  for (const entry of routes) {
    const { group, name } = entry
    groups[group] = { ...groups[group], [name]: procedureOf(app, entry) }
  }
  groups['scheduler'] = {
    ...groups['scheduler'],
    toggleJob: toggle(app, routes),
    runChanges: followed(FOLLOWING.runChanges).subscription(({ ctx, input, signal }) =>
      live.runChanges({ context: ctx, input, signal }),
    ),
    schedulerStatus: followed(FOLLOWING.schedulerStatus).subscription(({ ctx, input, signal }) =>
      live.schedulerStatus({ context: ctx, input, signal }),
    ),
  }
  return router(groups)
}

/** What is asked is checked by the route. */
const asIs = (input: unknown): unknown => input

function followed(permission: Permission) {
  return procedure.meta({ permission, routes: [] }).input(liveInput)
}

/** What resumes a subscription; anything else is passed over. */
function liveInput(value: unknown): LiveInput {
  if (typeof value !== 'object' || value === null || !('lastEventId' in value)) return undefined
  const { lastEventId } = value
  return typeof lastEventId === 'string' ? { lastEventId } : undefined
}

/** A switch that goes both ways, as a page wants it; both of its routes need the same. */
function toggle(app: Express, routes: readonly NamedRoute[]): TRPCRouterRecord[string] {
  const both: readonly string[] = [PROCEDURES.scheduler.enableJob, PROCEDURES.scheduler.disableJob]
  const [enable] = routes.filter(({ route }) => both.includes(route))
  return procedure
    .meta({ permission: enable === undefined ? null : permissionOf(enable), routes: both })
    .input(asIs)
    .mutation(({ ctx, input }) => askRoute(app, toggled(input, ctx), ctx))
}

/** The route that is asked, by the way that the switch goes. */
function toggled(input: unknown, { response }: ProcedureContext) {
  const { enableJob, disableJob } = PROCEDURES.scheduler
  if (typeof input === 'object' && input !== null && 'enabled' in input) {
    const { enabled, ...rest } = input
    if (typeof enabled === 'boolean')
      return { route: enabled ? enableJob : disableJob, input: rest }
  }
  const problem = invalidRequest([{ path: 'enabled', message: 'true or false' }])
  throw refusal(problemDocument(problem, requestLogger(response).correlationId))
}

/** Reads are queries, everything else is a mutation: tRPC takes those by POST alone. */
function procedureOf(app: Express, entry: NamedRoute): TRPCRouterRecord[string] {
  const { route } = entry
  const taken = procedure.meta({ permission: permissionOf(entry), routes: [route] }).input(asIs)
  const ask = ({ ctx, input }: { ctx: ProcedureContext; input: unknown }) =>
    askRoute(app, { route, input }, ctx)
  return route.startsWith('GET ') ? taken.query(ask) : taken.mutation(ask)
}

async function askRoute(
  app: Express,
  { route, input }: { readonly route: string; readonly input: unknown },
  context: ProcedureContext,
): Promise<unknown> {
  const { caller, request, response } = context
  const { correlationId } = requestLogger(response)
  const { method, url, body, idempotencyKey } = callOf(route, input, context)
  const headers = {
    host: request.get('host') ?? '',
    'x-correlation-id': correlationId,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  }
  const text = body === undefined ? undefined : JSON.stringify(body)
  const answer = await askInside(app, { method, url, headers, body: text }, caller)
  passHeaders(response, answer)
  response.locals[STATUS] = answer.status
  const told: unknown = answer.text === '' ? null : JSON.parse(answer.text)
  if (answer.status < 400) return told
  throw refusal(told as ProblemDocument) // what every refused request is answered with
}

const STATUS = 'routeStatus'

/** The status of the route that was asked, the last one of a batch; 200 when none was. */
export function routeStatus({ locals }: Response): number {
  return (locals[STATUS] ?? 200) as number // written by `askRoute` alone
}

/** What says how long to wait; in a batch the last one that says it. */
const PASSED_ON = ['retry-after', 'ratelimit', 'ratelimit-policy']

function passHeaders(response: Response, { headers }: InnerAnswer): void {
  // A streamed batch has begun to answer.
  if (response.headersSent) return
  for (const name of PASSED_ON) {
    const value = headers[name]
    if (value !== undefined) response.setHeader(name, value)
  }
}

/** What the route is asked; a change has its key, a read has none. */
function callOf(route: string, input: unknown, context: ProcedureContext): RouteCall {
  try {
    const call = routeCall(route, input)
    if (call.method === 'GET') return call
    return { ...call, idempotencyKey: keyOfCall(context, call.idempotencyKey) }
  } catch (error) {
    const { correlationId } = requestLogger(context.response)
    if (error instanceof ProblemError) throw refusal(problemDocument(error, correlationId))
    if (!(error instanceof ProcedureInputError)) throw error
    const problem = invalidRequest([{ path: error.path, message: error.message }], 'query')
    throw refusal(problemDocument(problem, correlationId))
  }
}
