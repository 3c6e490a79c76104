/**
 * One GET to aviationstack: rate, concurrency, time-outs, size limit and circuit breaker. The key goes
 * in the query, so no URL ever leaves this file, in no message and no error.
 */
import { hash } from 'node:crypto'
import { errors, Pool } from 'undici'
import type { z } from 'zod'
import type { ProviderFailure, ProviderResult } from '../../domain/ports/flight-data-provider.ts'
import type { BreakerState } from '../circuit.ts'
import { failure } from './aeroapi-failure.ts'
import { failureOfBareStatus, failureOfError, statedErrorOf } from './aviationstack-failure.ts'
import { createCallLimits, type CallLimitOptions, type CallOptions } from './call-limits.ts'
import { IDLE_AT_MOST_MS } from '../idle-connections.ts'
import { correlationHeader } from '../../platform/correlation.ts'

const CONNECT_TIMEOUT_MS = 3_000
const TOTAL_TIMEOUT_MS = 10_000
/** A page of 100 records is 120 kB. */
const BODY_LIMIT_BYTES = 2 * 1_024 * 1_024
const KEEP_ALIVE_MS = 4_000

/** Where aviationstack is and how hard it may be asked. */
export type AviationHttpOptions = CallLimitOptions & {
  readonly baseUrl: string
  readonly apiKey: string
  readonly timeoutMs?: number
}

/** aviationstack's GET with rate, concurrency and breaker applied. */
export interface AviationHttp extends AsyncDisposable {
  readonly breakerState: BreakerState
  /** Connections that are open now, idle ones included. */
  readonly openConnections: number
  /** The checked body of `GET base + path`. Rejects only with the signal's reason. */
  get<S extends z.ZodType>(
    path: string,
    query: Readonly<Record<string, string>>,
    schema: S,
    options?: CallOptions,
  ): Promise<ProviderResult<z.infer<S>>>
}

/** Throws TypeError when the base URL is not one. */
export function createAviationHttp(options: AviationHttpOptions): AviationHttp {
  const base = new URL(options.baseUrl)
  const prefix = base.pathname.replace(/\/$/, '')
  const timeoutMs = options.timeoutMs ?? TOTAL_TIMEOUT_MS
  const pool = new Pool(base.origin, {
    connections: options.concurrency,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: IDLE_AT_MOST_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    maxResponseSize: BODY_LIMIT_BYTES,
  })
  const limits = createCallLimits(options)
  const request = async (target: string, signal: AbortSignal | undefined) => {
    const first = await ask(pool, target, timeoutMs, signal)
    // A server may close an idle connection just as it is used again; asking twice does no harm.
    return isCutOff(first) ? await ask(pool, target, timeoutMs, signal) : first
  }
  return {
    get breakerState() {
      return limits.breakerState
    },
    get openConnections() {
      return pool.stats.connected
    },
    async get(path, query, schema, call = {}) {
      const parameters = new URLSearchParams({ ...query, access_key: options.apiKey })
      const target = `${prefix}${path}?${parameters.toString()}`
      const result = await limits.run(() => request(target, call.signal), call)
      if (!result.ok) return { ...result, message: redact(result.message, options.apiKey) }
      const checked = checkBody(result.value, schema)
      return checked.ok ? { ...result, value: checked.value } : checked
    },
    [Symbol.asyncDispose]: () => pool.close(),
  }
}

/** A message without the key: bare, as it stands in a URL, or cut short behind its name. */
function redact(message: string, apiKey: string): string {
  const unnamed = message.replaceAll(/access_key=[^&\s"']*/gi, 'access_key=[key]')
  if (apiKey === '') return unnamed
  return unnamed.replaceAll(apiKey, '[key]').replaceAll(encodeURIComponent(apiKey), '[key]')
}

const CUT_OFF = /^no answer: (?:UND_ERR_SOCKET|ECONNRESET|EPIPE)$/

function isCutOff(result: ProviderResult<string>): boolean {
  return !result.ok && CUT_OFF.test(result.message)
}

/** One request, whatever becomes of it. */
async function ask(
  pool: Pool,
  target: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<ProviderResult<string>> {
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const response = await pool.request({
      method: 'GET',
      path: target,
      headers: { accept: 'application/json', ...correlationHeader() },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    const body = await response.body.text()
    const retryAfter = response.headers['retry-after']
    const refusal = refusalIn(
      body,
      response.statusCode,
      typeof retryAfter === 'string' ? retryAfter : null,
    )
    if (refusal !== null) return refusal
    return { ok: true, value: body, httpStatus: 200, payloadSha256: hash('sha256', body), units: 1 }
  } catch (error) {
    if (signal?.aborted) throw error
    if (error instanceof errors.ResponseExceededMaxSizeError) {
      return failure('MALFORMED', `answer larger than ${BODY_LIMIT_BYTES} bytes`)
    }
    return failure('UNAVAILABLE', `no answer: ${describe(error)}`)
  }
}

/** The body's error before the status: an error with 200 is none the less one. */
function refusalIn(
  body: string,
  httpStatus: number,
  retryAfter: string | null,
): ProviderFailure | null {
  const error = statedErrorOf(parse(body))
  if (error !== null) return failureOfError(error, httpStatus, retryAfter)
  return httpStatus === 200 ? null : failureOfBareStatus(httpStatus, retryAfter)
}

/** The body as JSON; undefined when it is none. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined // an error page, or half an answer: the caller says which
  }
}

function checkBody<S extends z.ZodType>(
  body: string,
  schema: S,
): { ok: true; value: z.infer<S> } | ProviderFailure {
  const json = parse(body)
  if (json === undefined) {
    return failure('MALFORMED', 'the answer is not JSON', { httpStatus: 200 })
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return { ok: true, value: parsed.data }
  const issue = parsed.error.issues[0]
  const where = issue?.path.join('.') ?? ''
  return failure('MALFORMED', `the answer's ${where}: ${issue?.message}`, { httpStatus: 200 })
}

/** Never an error's message: it may hold the address, and the address holds the key. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' ? code : error.name
}
