/** What every request carries: a correlation id, a logger with it, and its line at the end. */
import { randomUUID } from 'node:crypto'

import type { RequestHandler, Response } from 'express'

import { isCorrelationId, parseTraceParent } from '../domain/correlation.ts'
import { withCorrelation } from '../platform/correlation.ts'
import type { Events } from '../platform/events.ts'
import type { Logger } from '../platform/logger.ts'

/** What code that answers a request may use of it. */
export type RequestContext = { readonly correlationId: string; readonly logger: Logger }

const KEY = 'requestContext'
const ROUTE = 'route'

/**
 * Takes `X-Correlation-Id`, `X-Request-Id` or the trace id of `traceparent` from the caller or makes
 * one, and gives it back. What the request starts works under it.
 */
export function requestContext(deps: {
  readonly logger: Logger
  readonly events: Events
}): RequestHandler {
  return (request, response, next) => {
    const startedAtMs = performance.now()
    const given = request.get('x-correlation-id') ?? request.get('x-request-id') ?? ''
    const traced = parseTraceParent(request.get('traceparent'))?.traceId ?? randomUUID()
    const correlationId = isCorrelationId(given) ? given : traced
    const logger = deps.logger.child({ correlationId })
    response.locals[KEY] = { correlationId, logger } satisfies RequestContext
    response.set('x-correlation-id', correlationId)
    response.once('close', () => {
      deps.events.requestAnswered({
        correlationId,
        method: request.method,
        route: routeOf(response),
        status: response.statusCode,
        durationMs: performance.now() - startedAtMs,
      })
    })
    withCorrelation(correlationId, next)
  }
}

/** The context of the request that is being answered. */
export function requestLogger(response: Response): RequestContext {
  return response.locals[KEY] as RequestContext // set before any route by `requestContext`
}

/** The pattern of the route that took the request; `none` when none did. */
export function routeOf(response: Response): string {
  const route: unknown = response.locals[ROUTE]
  return typeof route === 'string' ? route : 'none'
}

/** Notes the pattern of the route that took the request, for metrics. */
export function noteRoute(response: Response, pattern: string): void {
  response.locals[ROUTE] = pattern
}
