/**
 * Spans of this process, sent to a collector by OTLP over HTTP in batches. A collector that is slow or away
 * costs memory for some thousand spans and nothing else: what does not fit is dropped.
 */
import { context, SpanKind, SpanStatusCode, trace, type Attributes } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace'

import type { Logger } from '../logger.ts'
import { createIds } from './ids.ts'
import { followHttpCalls } from './http-calls.ts'
import { contextOf, tracer } from './spans.ts'
import type { RunSpan, Tracing, TracingOptions } from './tracing.ts'

const QUEUE_SPANS = 4_096
const BATCH_SPANS = 512
const BATCH_EVERY_MS = 2_000
/** A process that stops waits no longer for its collector. */
const LAST_BATCH_MS = 3_000
/** Texts are names; longer ones are cut. */
const SPAN_LIMITS = { attributeValueLengthLimit: 256, attributeCountLimit: 32, linkCountLimit: 4 }

/** Starts it for the whole process. */
export function startOtlp({ config, headers, process, logger }: TracingOptions): Tracing {
  const root = new TraceIdRatioBasedSampler(config.ratio)
  const ids = createIds()
  const exporter = new OTLPTraceExporter({
    url: `${config.endpoint.replace(/\/$/, '')}/v1/traces`,
    headers: { ...headers },
    timeoutMillis: config.timeoutMs,
  })
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
        exporter: toldExporter(exporter, logger),
        maxQueueSize: QUEUE_SPANS,
        maxExportBatchSize: BATCH_SPANS,
        scheduledDelayMillis: BATCH_EVERY_MS,
        exportTimeoutMillis: config.timeoutMs,
      }),
    ],
  })
  const isRecorded = (traceId: string): boolean =>
    root.shouldSample(null, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(provider)
  const unfollow = followHttpCalls(config.endpoint)
  return {
    contextOf: (ref) => contextOf(ref, isRecorded),
    runEnded: (run) => ids.withSpan(run.span, () => record(run, isRecorded)),
    async [Symbol.asyncDispose]() {
      unfollow()
      await within(LAST_BATCH_MS, provider.shutdown())
      trace.disable()
      context.disable()
    },
  }
}

function record(run: RunSpan, isRecorded: (traceId: string) => boolean): void {
  const attributes: Attributes = { ...run.attributes }
  const options = { kind: SpanKind.SERVER, attributes, startTime: run.startMs }
  const span =
    run.parent === null
      ? tracer().startSpan(run.name, { ...options, root: true })
      : tracer().startSpan(run.name, options, contextOf(run.parent, isRecorded))
  if (run.isFailed) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end(run.endMs)
}

/** Says once that nothing arrives, and once that it does again. */
function toldExporter(exporter: SpanExporter, logger: Logger): SpanExporter {
  let isFailing = false
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const hasFailed = result.error !== undefined
        if (hasFailed && !isFailing) logger.warn({ error: result.error }, 'trace-export-failed')
        if (!hasFailed && isFailing) logger.info({}, 'trace-export-recovered')
        isFailing = hasFailed
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  }
}

/** What fails or takes longer is given up: the spans are lost, the process ends. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([work.catch(() => undefined), late]) // told by the exporter
  clearTimeout(timer)
}
