/** The tRPC door at `/api/trpc`: who calls is asked once for a request, whatever number of calls it has. */
import { createExpressMiddleware } from '@trpc/server/adapters/express'
import type { Express, Request, RequestHandler, Response } from 'express'

import type { Doorkeeper } from '../auth.ts'
import { problemDocument, toProblem } from '../problem.ts'
import { noteRoute, requestLogger } from '../request-context.ts'
import { JSON_LIMIT_BYTES, type RouteRecord } from '../routes.ts'
import { refusal } from './errors.ts'
import { namedRoutes } from './named-routes.ts'
import { procedureRouter, type ProcedureContext } from './procedures.ts'

/** What the door asks. */
export type ProcedureDeps = { readonly askWho: Doorkeeper }

/** The door; closed until it is told what it serves. */
export type ProcedureDoor = { readonly serve: (routes: readonly RouteRecord[]) => void }

/** Where procedures are called. */
export const PROCEDURES_PATH = '/api/trpc'

/** Calls in one request: a page of the dashboard asks a dozen things at once. */
const BATCH_LIMIT = 20

/**
 * Mounts the door before the one of the routes, whose refusals are no answers of tRPC. It serves once
 * `serve` names the routes; that throws when one of them has no name.
 */
export function mountProcedures(app: Express, deps: ProcedureDeps): ProcedureDoor {
  let handler: RequestHandler | undefined
  app.use(PROCEDURES_PATH, (request, response, next) => {
    noteRoute(response, PROCEDURES_PATH)
    if (handler === undefined) next()
    else handler(request, response, next)
  })
  return {
    serve(routes) {
      handler = createExpressMiddleware({
        router: procedureRouter(app, namedRoutes(routes)),
        createContext: ({ req, res }) => contextOf(deps, req, res),
        maxBatchSize: BATCH_LIMIT,
        maxBodySize: JSON_LIMIT_BYTES,
        onError: ({ error, ctx }) => {
          if (error.code !== 'INTERNAL_SERVER_ERROR' || ctx === undefined) return
          requestLogger(ctx.response).logger.error({ error }, 'procedure-failed')
        },
      })
    },
  }
}

async function contextOf(
  { askWho }: ProcedureDeps,
  request: Request,
  response: Response,
): Promise<ProcedureContext> {
  try {
    return { caller: await askWho(request), request, response }
  } catch (error) {
    const problem = toProblem(error)
    const { correlationId, logger } = requestLogger(response)
    if (problem.status >= 500) logger.warn({ error }, 'request-unavailable')
    response.set(problem.headers)
    throw refusal(problemDocument(problem, correlationId))
  }
}
