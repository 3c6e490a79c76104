/** The tRPC door at `/api/trpc`: who calls is asked once for a request, whatever number of calls it has. */
import type { AnyTRPCRouter } from '@trpc/server'
import { createExpressMiddleware } from '@trpc/server/adapters/express'
import type { Express, RequestHandler } from 'express'

import type { Doorkeeper } from '../auth.ts'
import { callerOf, noteCaller } from '../caller.ts'
import { problemDocument, toProblem } from '../problem.ts'
import { noteRoute, requestLogger } from '../request-context.ts'
import { JSON_LIMIT_BYTES, requireType, type RouteRecord } from '../routes.ts'
import { refusal } from './errors.ts'
import { createLive, type LiveDeps } from './live.ts'
import { namedRoutes } from './named-routes.ts'
import { servedProcedures, type ServedProcedure } from './procedure-base.ts'
import { procedureRouter, routeStatus } from './procedures.ts'

/** What the door asks. */
export type ProcedureDeps = LiveDeps & { readonly askWho: Doorkeeper }

/** The door; closed until it is told what it serves. */
export type ProcedureDoor = { readonly serve: (routes: readonly RouteRecord[]) => void }

/** Where procedures are called. */
export const PROCEDURES_PATH = '/api/trpc'

const RECORDS = 'procedureRecords'

/** Every procedure that the app serves, in order. */
export function proceduresOf(app: Express): readonly ServedProcedure[] {
  return (app.locals[RECORDS] ?? []) as ServedProcedure[] // written by the door alone
}

/** Calls in one request: a page of the dashboard asks a dozen things at once. */
const BATCH_LIMIT = 20

/** What an input has around its body: names, the path's parts and a key of 255 characters. */
const ENVELOPE_BYTES = 4_096

/**
 * Mounts the door before the one of the routes, whose refusals are no answers of tRPC. It serves once
 * `serve` names the routes; that throws when one of them has no name.
 */
export function mountProcedures(app: Express, deps: ProcedureDeps): ProcedureDoor {
  let handler: RequestHandler | undefined
  const live = createLive(deps)
  const json = requireType(['application/json'])
  app.use(PROCEDURES_PATH, (request, response, next) => {
    noteRoute(response, PROCEDURES_PATH)
    // Forms are what a page of another site can send unasked.
    if (request.method === 'POST') json(request, response, next)
    else next()
  })
  app.use(PROCEDURES_PATH, enter(deps))
  app.use(PROCEDURES_PATH, (request, response, next) => {
    if (handler === undefined) next()
    else handler(request, response, next)
  })
  return {
    serve(routes) {
      const named = namedRoutes(routes)
      const router = procedureRouter(app, named, live)
      app.locals[RECORDS] = servedProcedures(router)
      const usual = handlerOf(router, JSON_LIMIT_BYTES)
      const others = new Map<string, RequestHandler>(
        named.flatMap(({ group, name, contract }) => {
          const limitBytes = contract?.bodyLimitBytes
          return limitBytes === undefined
            ? []
            : [[`/${group}.${name}`, handlerOf(router, limitBytes)] as const]
        }),
      )
      // A batch has several names in its path, and so the usual limit for all its calls together.
      handler = (request, response, next) =>
        (others.get(request.path) ?? usual)(request, response, next)
    },
  }
}

/** Serves requests up to a limit; the body within is held to it once more, exactly, by its route. */
function handlerOf(router: AnyTRPCRouter, limitBytes: number): RequestHandler {
  return createExpressMiddleware({
    router,
    // Refused first of all: whoever is not let in does not even learn what procedures there are.
    middleware: (_request, response, next) => void next(response.locals[REFUSED]),
    createContext: ({ req, res, info }) => ({
      ...{ caller: callerOf(res), request: req, response: res },
      calls: info.calls.length,
    }),
    // A batch has one status for several calls, and keeps tRPC's.
    responseMeta: ({ ctx, info, errors }) => {
      const isOne = ctx !== undefined && info?.isBatchCall === false && errors.length === 0
      return isOne ? { status: routeStatus(ctx.response) } : {}
    },
    maxBatchSize: BATCH_LIMIT,
    maxBodySize: limitBytes + ENVELOPE_BYTES,
    onError: ({ error, ctx }) => {
      if (error.code !== 'INTERNAL_SERVER_ERROR' || ctx === undefined) return
      requestLogger(ctx.response).logger.error({ error }, 'procedure-failed')
    },
  })
}

const REFUSED = 'refused'

/** Notes who calls, or what keeps the caller out: told later, in the words of tRPC. */
function enter({ askWho }: ProcedureDeps): RequestHandler {
  return async (request, response, next) => {
    try {
      noteCaller(response, await askWho(request))
    } catch (error) {
      const problem = toProblem(error)
      const { correlationId, logger } = requestLogger(response)
      if (problem.status >= 500) logger.warn({ error }, 'request-unavailable')
      response.set(problem.headers)
      response.locals[REFUSED] = refusal(problemDocument(problem, correlationId))
    }
    next()
  }
}
