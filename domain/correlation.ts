/** The id that binds a request to the run it starts, that run's steps, their calls and their log lines. */

/** Header of Temporal's calls that carries it. */
export const CORRELATION_HEADER = 'groundstop-correlation-id'

/** Ids from outside go into logs and headers: short and plain. */
const CORRELATION_ID = /^[A-Za-z0-9._:-]{1,64}$/

/** `traceparent` of W3C Trace Context: version, trace id, parent id, flags. */
const TRACE_PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/
const NO_ID = /^0+$/

/** Whether a text from outside may be a correlation id. */
export function isCorrelationId(value: unknown): value is string {
  return typeof value === 'string' && CORRELATION_ID.test(value)
}

/** The span that a `traceparent` header names; null when it names none. */
export function parseTraceParent(
  traceparent: string | undefined,
): { readonly traceId: string; readonly spanId: string } | null {
  const [, traceId, spanId] = TRACE_PARENT.exec(traceparent ?? '') ?? []
  if (traceId === undefined || spanId === undefined) return null
  return NO_ID.test(traceId) || NO_ID.test(spanId) ? null : { traceId, spanId }
}
