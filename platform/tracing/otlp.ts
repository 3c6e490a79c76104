/**
 * Spans of this process, sent to a collector by OTLP over HTTP in batches. A collector that is slow or away
 * costs memory for some thousand spans and nothing else: what does not fit is dropped.
 */
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

import { createIds } from './ids.ts'
import { followHttpCalls } from './http-calls.ts'
import { createSpanExporter } from './span-exporter.ts'
import { contextOf, tracer } from './spans.ts'
import type { RunSpan, Tracing, TracingOptions } from './tracing.ts'

const QUEUE_SPANS = 4_096
const BATCH_SPANS = 512
const BATCH_EVERY_MS = 2_000
/** A process that stops waits no longer for its collector. */
const LAST_BATCH_MS = 2_000
/** Texts are names; longer ones are cut. */
const SPAN_LIMITS = { attributeValueLengthLimit: 256, attributeCountLimit: 32, linkCountLimit: 4 }

/** Starts it for the whole process. */
export function startOtlp({ config, headers, process, logger }: TracingOptions): Tracing {
  const root = new TraceIdRatioBasedSampler(config.ratio)
  const ids = createIds()
  const { endpoint, timeoutMs } = config
  const exporter = createSpanExporter({ endpoint, headers, timeoutMs, logger })
  const provider = new TracerProvider({
    sampler: config.isParentBased ? new ParentBasedSampler({ root }) : root,
    spanLimits: SPAN_LIMITS,
    idGenerator: ids,
    resource: defaultResource().merge(
      resourceFromAttributes({
        ...config.attributes,
        'service.name': config.serviceName,
        'groundstop.process': process,
      }),
    ),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: QUEUE_SPANS,
        maxExportBatchSize: BATCH_SPANS,
        scheduledDelayMillis: BATCH_EVERY_MS,
        // The exporter gives up first, which is no failure of the process.
        exportTimeoutMillis: timeoutMs + BATCH_EVERY_MS,
      }),
    ],
  })
  const isRecorded = (traceId: string): boolean =>
    root.shouldSample(null, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(provider)
  const unfollow = followHttpCalls(endpoint)
  return {
    contextOf: (ref) => contextOf(ref, isRecorded),
    runEnded: (run) => ids.withSpan(run.span, () => record(run, isRecorded)),
    async [Symbol.asyncDispose]() {
      unfollow()
      const late = setTimeout(exporter.abort, LAST_BATCH_MS)
      await provider.shutdown()
      clearTimeout(late)
      trace.disable()
      context.disable()
    },
  }
}

function record(run: RunSpan, isRecorded: (traceId: string) => boolean): void {
  const { attributes, startMs: startTime } = run
  const options = { kind: SpanKind.SERVER, attributes, startTime }
  const span =
    run.parent === null
      ? tracer().startSpan(run.name, { ...options, root: true })
      : tracer().startSpan(run.name, options, contextOf(run.parent, isRecorded))
  if (run.isFailed) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end(run.endMs)
}
