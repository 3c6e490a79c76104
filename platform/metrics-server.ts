/** Serves `/metrics` on its own port, for one scraper at a time. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isLoopback } from '../config/config.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** Sources that take longer are left out of this scrape; Prometheus gives up after 10 s. */
const COLLECT_TIMEOUT_MS = 5_000

/** Brings gauges up to date before a scrape is answered. */
export type Collector = { readonly source: string; readonly collect: () => Promise<void> }

/** A running metrics endpoint. */
export type MetricsServer = AsyncDisposable & {
  /** Where it listens, `http://127.0.0.1:9090`. */
  readonly url: string
}

/** Where metrics are served. */
export type MetricsServerOptions = {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  readonly metrics: Metrics
  /** When given, `Authorization: Bearer` is asked for. Needed on anything but loopback. */
  readonly token?: string | undefined
  readonly collect?: readonly Collector[]
  readonly logger?: Logger
}

/** Metrics tell how much money moves: they are not for everybody who reaches the port. */
export class OpenMetricsError extends Error {
  override readonly name = 'OpenMetricsError'
}

/**
 * Starts listening. Rejects when the port is taken (`EADDRINUSE`), and with OpenMetricsError when
 * others than this machine would reach it without a token.
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  if (!isLoopback(options.host) && options.token === undefined) {
    throw new OpenMetricsError(`metrics at ${options.host} need a token: set API_TOKEN`)
  }
  let collecting: Promise<void> | null = null
  // Scrapes at the same time share one collection.
  const collectOnce = (): Promise<void> => {
    collecting ??= collectAll(options).finally(() => {
      collecting = null
    })
    return collecting
  }
  const server = createServer((request, response) => {
    answer(options, collectOnce, request, response).catch((error: unknown) => {
      options.logger?.error({ error }, 'metrics-scrape-failed')
      if (!response.headersSent) response.writeHead(500)
      response.end()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}

async function collectAll(options: MetricsServerOptions): Promise<void> {
  await Promise.all(
    (options.collect ?? []).map(async ({ source, collect }) => {
      try {
        await Promise.race([collect(), rejectAfter(COLLECT_TIMEOUT_MS)])
      } catch (error) {
        // A scrape without one source is worth more than none: the counter tells.
        options.metrics.collectErrors.inc({ source })
        options.logger?.warn({ source, error }, 'metrics-source-failed')
      }
    }),
  )
}

function rejectAfter(ms: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms).unref()
  })
}

async function answer(
  options: MetricsServerOptions,
  collectOnce: () => Promise<void>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0]
  if (options.token !== undefined && !hasToken(request.headers.authorization, options.token)) {
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
  } else if (path !== '/metrics') {
    response.writeHead(404).end()
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end()
  } else {
    await collectOnce()
    const page = await options.metrics.registry.metrics()
    response.writeHead(200, { 'content-type': options.metrics.registry.contentType }).end(page)
  }
}

/** Whether an `Authorization` header carries this bearer token; takes the same time when not. */
export function hasToken(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? ''
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}
