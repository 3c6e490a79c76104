/**
 * One GET to AeroAPI: rate, concurrency, time-outs, size limit and circuit breaker. Every way in which
 * a service can fail comes back as a value; only cancellation throws.
 */
import { hash } from 'node:crypto'
import { errors, Pool } from 'undici'
import type { z } from 'zod'
import type { ProviderResult } from '../../domain/ports/flight-data-provider.ts'
import type { BreakerState } from '../circuit.ts'
import { failure, failureOfStatus } from './aeroapi-failure.ts'
import { createCallLimits, type CallLimitOptions, type CallOptions } from './call-limits.ts'
import { IDLE_AT_MOST_MS } from '../idle-connections.ts'
import { correlationHeader } from '../../platform/correlation.ts'

const CONNECT_TIMEOUT_MS = 3_000
const TOTAL_TIMEOUT_MS = 10_000
/** A page of 15 records is 30 kB. */
const BODY_LIMIT_BYTES = 2 * 1_024 * 1_024
const KEEP_ALIVE_MS = 4_000

/** Where AeroAPI is and how hard it may be asked. */
export type AeroHttpOptions = CallLimitOptions & {
  readonly baseUrl: string
  readonly apiKey: string
  readonly timeoutMs?: number
}

/** AeroAPI's GET with rate, concurrency and breaker applied. */
export interface AeroHttp extends AsyncDisposable {
  readonly breakerState: BreakerState
  /** Connections that are open now, idle ones included. */
  readonly openConnections: number
  /** The checked body of `GET base + path`. Rejects only with the signal's reason. */
  get<S extends z.ZodType>(
    path: string,
    schema: S,
    options?: CallOptions,
  ): Promise<ProviderResult<z.infer<S>>>
  /**
   * The path to ask next for a page's link; null when it is none. A server behind a proxy links with a
   * name of its own, so the host is left out: the key goes to the configured server alone.
   */
  pathOfLink(link: string): string | null
}

type RawResult = ProviderResult<string>

/** Throws TypeError when the base URL is not one. */
export function createAeroHttp(options: AeroHttpOptions): AeroHttp {
  const base = new URL(options.baseUrl)
  const prefix = base.pathname.replace(/\/$/, '')
  const pool = new Pool(base.origin, {
    connections: options.concurrency,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: IDLE_AT_MOST_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    maxResponseSize: BODY_LIMIT_BYTES,
  })
  const limits = createCallLimits(options)
  const request = async (path: string, signal: AbortSignal | undefined): Promise<RawResult> => {
    const first = await ask(pool, options, `${prefix}${path}`, signal)
    // A server may close an idle connection just as it is used again; asking twice does no harm.
    return isCutOff(first) ? await ask(pool, options, `${prefix}${path}`, signal) : first
  }
  return {
    get breakerState() {
      return limits.breakerState
    },
    get openConnections() {
      return pool.stats.connected
    },
    async get(path, schema, call = {}) {
      const result = await limits.run(() => request(path, call.signal), call)
      if (!result.ok) {
        return { ...result, message: result.message.replaceAll(options.apiKey, '[key]') }
      }
      const checked = checkBody(result.value, schema)
      return checked.ok ? { ...result, value: checked.value } : checked
    },
    pathOfLink(link) {
      const url = URL.canParse(link, base.href) ? new URL(link, base) : null
      if (url === null) return null
      const isPrefixed = prefix !== '' && url.pathname.startsWith(`${prefix}/`)
      return `${isPrefixed ? url.pathname.slice(prefix.length) : url.pathname}${url.search}`
    },
    [Symbol.asyncDispose]: () => pool.close(),
  }
}

const CUT_OFF = /^no answer: (?:UND_ERR_SOCKET|ECONNRESET|EPIPE)$/

function isCutOff(result: RawResult): boolean {
  return !result.ok && CUT_OFF.test(result.message)
}

/** One request, whatever becomes of it. */
async function ask(
  pool: Pool,
  options: AeroHttpOptions,
  path: string,
  signal: AbortSignal | undefined,
): Promise<RawResult> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TOTAL_TIMEOUT_MS)
  try {
    const response = await pool.request({
      method: 'GET',
      path,
      headers: {
        'x-apikey': options.apiKey,
        accept: 'application/json',
        ...correlationHeader(),
      },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    const body = await response.body.text()
    if (response.statusCode === 200) {
      const payloadSha256 = hash('sha256', body)
      return { ok: true, value: body, httpStatus: 200, payloadSha256, units: 1 }
    }
    const retryAfter = response.headers['retry-after']
    const header = typeof retryAfter === 'string' ? retryAfter : null
    return failureOfStatus(response.statusCode, body, header)
  } catch (error) {
    if (signal?.aborted) throw error
    if (error instanceof errors.ResponseExceededMaxSizeError) {
      return failure('MALFORMED', `answer larger than ${BODY_LIMIT_BYTES} bytes`)
    }
    return failure('UNAVAILABLE', `no answer: ${describe(error)}`)
  }
}

function checkBody<S extends z.ZodType>(
  body: string,
  schema: S,
): { ok: true; value: z.infer<S> } | ReturnType<typeof failure> {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return failure('MALFORMED', 'the answer is not JSON', { httpStatus: 200 })
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return { ok: true, value: parsed.data }
  const issue = parsed.error.issues[0]
  const where = issue?.path.join('.') ?? ''
  return failure('MALFORMED', `the answer's ${where}: ${issue?.message}`, { httpStatus: 200 })
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' ? code : error.name
}
