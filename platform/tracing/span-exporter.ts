/**
 * Sends spans by OTLP over HTTP in protobuf: one try for a batch, within its time. A collector that is away
 * costs the batch and one line in the log, never a request or the end of the process.
 */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import { Agent, request } from 'undici'

import type { Logger } from '../logger.ts'

/** Where spans are sent. */
export type SpanExporterOptions = {
  /** Without `/v1/traces`. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  /** Of one batch, milliseconds. */
  readonly timeoutMs: number
  readonly logger: Logger
}

/** An exporter that can be told to give up what is under way. */
export type AbortableExporter = SpanExporter & { readonly abort: () => void }

type Done = Parameters<SpanExporter['export']>[1]

/** A lost batch is told here; told to the SDK, it would make the end of the process an error. */
const DONE = { code: 0 } // ExportResultCode.SUCCESS

/** One batch is under way at a time, and its answer is a few bytes. */
const CONNECTIONS = 1
const ANSWER_LIMIT_BYTES = 65_536

/** An exporter over one connection. */
export function createSpanExporter(options: SpanExporterOptions): AbortableExporter {
  const { endpoint, headers, timeoutMs, logger } = options
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`
  const agent = new Agent({ connections: CONNECTIONS, maxResponseSize: ANSWER_LIMIT_BYTES })
  const stopped = new AbortController()
  const tell = createTeller(logger)

  async function send(spans: ReadableSpan[], done: Done): Promise<void> {
    try {
      const { statusCode, body } = await request(url, {
        dispatcher: agent,
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/x-protobuf' },
        body: ProtobufTraceSerializer.serializeRequest(spans) ?? null,
        signal: AbortSignal.any([stopped.signal, AbortSignal.timeout(timeoutMs)]),
      })
      await body.dump()
      const isTaken = statusCode >= 200 && statusCode < 300
      tell(isTaken ? null : new Error(`the collector answered ${statusCode}`))
    } catch (error) {
      tell(error)
    }
    done(DONE)
  }

  return {
    export: (spans, done) => void send(spans, done),
    abort: () => stopped.abort(),
    shutdown: () => agent.destroy(),
  }
}

/** Tells of the first batch that was lost and of the first that arrived again. */
function createTeller(logger: Logger): (error: unknown) => void {
  let isAway = false
  return (error) => {
    if (error !== null && !isAway) logger.warn({ error }, 'trace-export-failed')
    if (error === null && isAway) logger.info({}, 'trace-export-recovered')
    isAway = error !== null
  }
}
