/** Asks a service over HTTP whether it is there: any answer but a server's own error says that it is. */
import { request } from 'undici'

import type { ProbeAnswer, ProviderProbe } from '../domain/ports/provider-probe.ts'

/** Two of them fit into the time of a check. */
const TIMEOUT_MS = 5_000

/** What is asked. */
export type HttpProbeOptions = {
  readonly provider: string
  /** Never told to anybody: a key may be in its query. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** The request carries no key, so that its refusal is an answer. */
  readonly isWithoutKey?: boolean
  readonly timeoutMs?: number
}

/** Throws TypeError when the URL is not one. */
export function createHttpProbe(options: HttpProbeOptions): ProviderProbe {
  const url = new URL(options.url)
  return { provider: options.provider, probe: (signal) => ask(url, options, signal) }
}

async function ask(
  url: URL,
  options: HttpProbeOptions,
  signal: AbortSignal | undefined,
): Promise<ProbeAnswer> {
  signal?.throwIfAborted()
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS)
  const startedAtMs = performance.now()
  try {
    const { statusCode, body } = await request(url, {
      method: 'GET',
      headers: { accept: 'application/json', ...options.headers },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    await body.dump()
    if (statusCode >= 500) return { kind: 'silent', message: `HTTP ${statusCode}` }
    const isRefused = statusCode === 401 || statusCode === 403
    if (isRefused && options.isWithoutKey !== true) {
      return { kind: 'refused', message: `HTTP ${statusCode}` }
    }
    return { kind: 'answered', durationMs: performance.now() - startedAtMs }
  } catch (error) {
    signal?.throwIfAborted()
    return { kind: 'silent', message: `no answer: ${codeOf(error)}` }
  }
}

/** Never an error's message: it may hold the address. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' ? code : error.name
}
