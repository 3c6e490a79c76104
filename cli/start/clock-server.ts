/**
 * Tells the local providers the time, as the API's `GET /api/clock` does, but on loopback alone,
 * without a token, and from before the API is up until after it stopped.
 */
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'

import type { ClockStore } from '../../db/stores/clock-store.ts'
import { instantFromMs } from '../../domain/time.ts'
import { LOOPBACK } from '../../platform/embedded/ports.ts'

type ReadClock = Pick<ClockStore, 'read'>

export type ClockServer = AsyncDisposable & { readonly url: string }

/** Listens on any free port until disposed. Answers 503 while the database is away. */
export async function startClockServer(clockStore: ReadClock): Promise<ClockServer> {
  const server = createServer((_request, response) => void answer(clockStore, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: 0, host: LOOPBACK }, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP address')
  return {
    url: `http://${LOOPBACK}:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(clockStore: ReadClock, response: ServerResponse): Promise<void> {
  response.setHeader('content-type', 'application/json')
  try {
    const reading = await clockStore.read()
    response.end(JSON.stringify(reading ?? { now: instantFromMs(Date.now()), speed: 1 }))
  } catch {
    // The reader repeats its question; what ails the database is told by those who work with it.
    response.writeHead(503).end('{}')
  }
}
