/**
 * Calls of outside services as spans: undici, and with it `fetch`, tells of every request over Node's
 * diagnostics channels. Method, host and status alone; paths and queries hold keys and accounts.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

import { SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api'

import { markFailed, tracer } from './spans.ts'

const MESSAGES = {
  created: 'undici:request:create',
  headers: 'undici:request:headers',
  done: 'undici:request:trailers',
  error: 'undici:request:error',
} as const

const FIRST_REFUSAL = 400

type Message = {
  readonly request: object & { readonly method?: unknown; readonly origin?: unknown }
  readonly response?: { readonly statusCode: number }
  readonly error?: unknown
}

/** Begins; the answer ends it. Calls outside of any traced work, and of `endpoint` itself, are none. */
export function followHttpCalls(endpoint: string): () => void {
  const spans = new WeakMap<object, Span>()
  const own = new URL(endpoint).origin
  const handlers: Readonly<Record<keyof typeof MESSAGES, (message: Message) => void>> = {
    created({ request }) {
      const { method, origin } = request
      const url = URL.parse(String(origin))
      if (trace.getActiveSpan() === undefined || url === null || url.origin === own) return
      const attributes = {
        'http.request.method': String(method),
        'server.address': url.hostname,
        'server.port': Number(url.port === '' ? defaultPort(url) : url.port),
      }
      const name = `${String(method)} ${url.hostname}`
      spans.set(request, tracer().startSpan(name, { kind: SpanKind.CLIENT, attributes }))
    },
    headers({ request, response }) {
      const status = response?.statusCode ?? 0
      const span = spans.get(request)
      span?.setAttribute('http.response.status_code', status)
      if (status >= FIRST_REFUSAL) span?.setStatus({ code: SpanStatusCode.ERROR })
    },
    done: ({ request }) => spans.get(request)?.end(),
    error({ request, error }) {
      const span = spans.get(request)
      if (span === undefined) return
      markFailed(span, error)
      span.end()
    },
  }
  const subscriptions = Object.entries(MESSAGES).map(([name, channel]) => {
    const handle = handlers[name as keyof typeof MESSAGES] // its own keys
    const listener = (message: unknown) => handle(message as Message) // what undici sends there
    subscribe(channel, listener)
    return () => unsubscribe(channel, listener)
  })
  return () => subscriptions.forEach((end) => end())
}

function defaultPort({ protocol }: URL): string {
  return protocol === 'https:' ? '443' : '80'
}
