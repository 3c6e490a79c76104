/** Each request as a span, named by the pattern of its route. */
import {
  context,
  isSpanContextValid,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Link,
} from '@opentelemetry/api'
import type { RequestHandler } from 'express'

import { parseTraceParent } from '../domain/correlation.ts'
import { tracer } from '../platform/tracing/spans.ts'
import { requestLogger, routeOf } from './request-context.ts'

const FIRST_FAULT = 500

/**
 * What the request starts is part of its span. The caller's own trace is linked and not continued: nobody
 * outside decides what is recorded here. Mounted after `requestContext`.
 */
export function requestTracing(): RequestHandler {
  return (request, response, next) => {
    const span = tracer().startSpan(request.method, { kind: SpanKind.SERVER })
    if (!isSpanContextValid(span.spanContext())) {
      next()
      return
    }
    span.setAttribute('http.request.method', request.method)
    span.setAttribute('groundstop.correlation_id', requestLogger(response).correlationId)
    span.addLinks(linksTo(request.get('traceparent')))
    response.once('close', () => {
      const route = routeOf(response)
      span.updateName(`${request.method} ${route}`)
      span.setAttribute('http.route', route)
      span.setAttribute('http.response.status_code', response.statusCode)
      if (response.statusCode >= FIRST_FAULT) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    })
    context.with(trace.setSpan(context.active(), span), next)
  }
}

function linksTo(traceParent: string | undefined): Link[] {
  const ref = parseTraceParent(traceParent)
  if (ref === null) return []
  return [{ context: { ...ref, traceFlags: TraceFlags.NONE, isRemote: true } }]
}
