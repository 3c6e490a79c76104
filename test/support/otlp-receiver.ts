/** A collector that takes OTLP over HTTP, as protobuf, and keeps the spans it is sent. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

import protobuf from 'protobufjs'

/** The part of opentelemetry-proto's trace/v1 that is looked at. */
const PROTO = `
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
    fixed64 start = 7; fixed64 end = 8; repeated KeyValue attributes = 9; repeated Link links = 13;
    Status status = 15;
  }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
`
const REQUEST = protobuf.parse(PROTO).root.lookupType('Request')
const ERROR = 2

/** A span as it arrived. */
export type ReceivedSpan = {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | null
  readonly name: string
  readonly durationMs: number
  readonly isFailed: boolean
  readonly attributes: Readonly<Record<string, unknown>>
  /** Trace ids of linked spans. */
  readonly links: readonly string[]
  /** Of the process. */
  readonly resource: Readonly<Record<string, unknown>>
}

/** The collector. */
export type OtlpReceiver = AsyncDisposable & {
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
  /** Headers of what arrived last. */
  readonly headers: () => IncomingHttpHeaders
}

/** Listens on a free port of loopback. `status`: what it answers; null: nothing. */
export async function startOtlpReceiver(status: number | null = 200): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  let headers: IncomingHttpHeaders = {}
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      headers = request.headers
      if (status === 200 && request.url === '/v1/traces') spans.push(...decode(body))
      if (status !== null) response.writeHead(status).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    headers: () => headers,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

type Attribute = { readonly key: string; readonly value: Readonly<Record<string, unknown>> }
type Decoded = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: string
        readonly spanId: string
        readonly parentSpanId: string
        readonly name: string
        readonly start: number
        readonly end: number
        readonly attributes: readonly Attribute[]
        readonly links: readonly { readonly traceId: string }[]
        readonly status: { readonly code?: number } | null
      }[]
    }[]
  }[]
}

function decode(body: Uint8Array): ReceivedSpan[] {
  const options = { bytes: String, longs: Number, arrays: true, defaults: true }
  const decoded = REQUEST.toObject(REQUEST.decode(body), options) as Decoded // the message above
  return decoded.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentId: span.parentSpanId === '' ? null : hex(span.parentSpanId),
        name: span.name,
        durationMs: (span.end - span.start) / 1e6,
        isFailed: span.status?.code === ERROR,
        attributes: plain(span.attributes),
        links: span.links.map(({ traceId }) => hex(traceId)),
        resource: plain(resource.attributes),
      })),
    ),
  )
}

function plain(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value['stringValue'] || value['intValue'] || value['boolValue'] || value['doubleValue'],
    ]),
  )
}

function hex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex')
}
