/**
 * The HTTP frame of the local providers: plain node:http, one handler from request to reply, and the
 * ways in which a real service can fail to answer. Knows nothing of flights or payments.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A form or fault file of a megabyte is not one of ours. */
const BODY_LIMIT_BYTES = 1_048_576
/** Longer than any client keeps an idle connection, so that none is closed under a request. */
const KEEP_ALIVE_MS = 65_000
/** How long a stop waits for answers under way before it cuts connections. */
const DRAIN_MS = 1_000

export type SimulatorRequest = {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Answer = {
  readonly status: number
  readonly body: string
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** `reset`: the connection is cut without an answer. `hang`: no answer until the client gives up. */
export type Reply = Answer | 'reset' | 'hang'

export type Handler = (request: SimulatorRequest) => Reply | Promise<Reply>

/** A listening server. Disposing closes it, cutting what is not answered within a second. */
export type RunningServer = AsyncDisposable & { readonly url: string; readonly port: number }

class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

/** Starts a server on `host:port` (0 = any free port). Rejects with the system's error when it cannot. */
export async function startHttpServer(
  handler: Handler,
  address: { host: string; port: number },
): Promise<RunningServer> {
  const server = createServer((request, response) => {
    void respond(handler, request, response) // every outcome is written to the response
  })
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.headersTimeout = KEEP_ALIVE_MS + 1_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  })
  const { port } = server.address() as AddressInfo // a TCP server has an address object
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return {
    url: `http://${host}:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeIdleConnections()
      })
      clearTimeout(cut)
    },
  }
}

async function respond(
  handler: Handler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let reply: Reply
  try {
    reply = await handler(await readRequest(request))
  } catch (error) {
    const isTooLarge = error instanceof BodyTooLargeError
    const message = error instanceof Error ? error.message : String(error)
    reply = { status: isTooLarge ? 413 : 500, body: JSON.stringify({ error: { message } }) }
  }
  if (reply === 'hang' || response.destroyed) return
  if (reply === 'reset') {
    request.socket.destroy()
    return
  }
  response.writeHead(reply.status, {
    'content-type': reply.contentType ?? 'application/json; charset=UTF-8',
    'content-length': Buffer.byteLength(reply.body),
    ...reply.headers,
  })
  response.end(reply.body)
}

async function readRequest(request: IncomingMessage): Promise<SimulatorRequest> {
  const target = request.url ?? '/'
  const at = target.indexOf('?')
  return {
    method: request.method ?? 'GET',
    path: at === -1 ? target : target.slice(0, at),
    query: new URLSearchParams(at === -1 ? '' : target.slice(at + 1)),
    headers: request.headers,
    body: request.method === 'GET' ? '' : await readBody(request),
  }
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
      if (body.length > BODY_LIMIT_BYTES) reject(new BodyTooLargeError('request body too large'))
    })
    request.once('end', () => resolve(body))
    request.once('error', reject)
  })
}
