/**
 * The Stripe SDK's HTTP client over an undici pool. The SDK's own client costs about twice the
 * processor time per call, and retries a cut connection by itself; here every failure is reported.
 */
import { errors, Pool } from 'undici'
import type Stripe from 'stripe'
import { IDLE_AT_MOST_MS } from '../idle-connections.ts'
import { correlationHeader } from '../../platform/correlation.ts'

const CONNECT_TIMEOUT_MS = 3_000
/** A transfer is 1 kB, a page of a hundred 100 kB. */
const RESPONSE_LIMIT_BYTES = 2 * 1_024 * 1_024
/** Below the shortest idle limit of servers in the way, so that none is used as it closes. */
const KEEP_ALIVE_MS = 4_000

/**
 * The connection failed before a whole answer was read; the request may have been carried out. Its
 * `code` is never one that the SDK retries on its own.
 */
class StripeTransportError extends Error {
  override readonly name = 'StripeTransportError'
  readonly code: 'ETIMEDOUT' | 'ETRANSPORT'

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    const isTimeout =
      cause instanceof errors.HeadersTimeoutError ||
      cause instanceof errors.BodyTimeoutError ||
      cause instanceof errors.ConnectTimeoutError
    this.code = isTimeout ? 'ETIMEDOUT' : 'ETRANSPORT'
  }
}

/** What the SDK keeps as `lastResponse`. */
type RawResponse = {
  readonly statusCode: number
  readonly headers: Record<string, string | string[]>
}

/** A client that says how many connections it has open. */
export type StripeHttpClient = Stripe.HttpClient &
  AsyncDisposable & { readonly openConnections: () => number }

/**
 * A client for one origin, with a path before every path of the API ('' for none). `connections`
 * bounds the requests under way, more wait their turn.
 */
export function createStripeHttpClient(
  origin: string,
  prefix: string,
  connections: number,
): StripeHttpClient {
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: IDLE_AT_MOST_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    maxResponseSize: RESPONSE_LIMIT_BYTES,
  })
  return {
    openConnections: () => pool.stats.connected,
    getClientName: () => 'undici',
    async makeRequest(_host, _port, path, method, headers, body, _protocol, timeoutMs) {
      try {
        const response = await pool.request({
          path: `${prefix}${path}`,
          method,
          headers: { ...plainHeaders(headers), ...correlationHeader() },
          body: body === '' ? null : body,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
        })
        const raw = { statusCode: response.statusCode, headers: plainHeaders(response.headers) }
        return wrap(raw, await response.body.text())
      } catch (error) {
        throw new StripeTransportError(error)
      }
    },
    [Symbol.asyncDispose]: () => pool.close(),
  }
}

function wrap(raw: RawResponse, text: string): Stripe.HttpClientResponse {
  return {
    getStatusCode: () => raw.statusCode,
    getHeaders: () => raw.headers,
    getRawResponse: () => raw,
    toStream: () => {
      throw new Error('answers are read whole, never streamed')
    },
    toJSON: async () => JSON.parse(text),
  }
}

/** The headers that are set, numbers (the SDK's content length) as text. */
function plainHeaders(
  headers: Readonly<Record<string, string | number | string[] | undefined>>,
): Record<string, string | string[]> {
  const plain: Record<string, string | string[]> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) plain[name] = typeof value === 'number' ? String(value) : value
  }
  return plain
}
