/**
 * Spans by OpenTelemetry's own API, which does nothing until `startTracing` has found somewhere to send them.
 * Names and attributes hold no payload, no query and nothing about a person.
 */
import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api'

import type { TraceRef } from '../../domain/trace-ref.ts'

const NAME = 'groundstop'

/** Makes the product's spans. */
export function tracer(): Tracer {
  return trace.getTracer(NAME)
}

/** What work is shown as. */
export type SpanOptions = {
  readonly kind?: SpanKind
  readonly attributes?: Attributes
  /** What it is part of; the work under way when left out. */
  readonly parent?: Context
}

/** Does `work` as a span, with everything that it starts. What it throws marks the span and is thrown on. */
export async function traced<T>(
  name: string,
  { kind = SpanKind.INTERNAL, attributes = {}, parent = context.active() }: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const span = tracer().startSpan(name, { kind, attributes }, parent)
  try {
    return await context.with(trace.setSpan(parent, span), () => work(span))
  } catch (error) {
    markFailed(span, error)
    throw error
  } finally {
    span.end()
  }
}

/** Its kind alone: messages of errors may hold what somebody sent. */
export function markFailed(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR })
  span.setAttribute('error.type', error instanceof Error ? error.name : typeof error)
}

/** The span under way as runs hand it on; null when nothing is traced. */
export function currentTrace(): TraceRef | null {
  return refOf(trace.getActiveSpan()?.spanContext())
}

function refOf(span: SpanContext | undefined): TraceRef | null {
  if (span === undefined || !isSpanContextValid(span)) return null
  const { traceId, spanId, traceFlags } = span
  return { traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }
}

/** What is part of a span of another process. `isSampled` answers for traces that nobody has asked for yet. */
export function contextOf(
  { traceId, spanId, isSampled }: TraceRef,
  isRecorded: (traceId: string) => boolean,
): Context {
  const traceFlags = (isSampled ?? isRecorded(traceId)) ? TraceFlags.SAMPLED : TraceFlags.NONE
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}
