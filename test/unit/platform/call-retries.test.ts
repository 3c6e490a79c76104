/** Calls to a Temporal server that is away, and what becomes of them when the process stops. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

import { expect, it } from 'vitest'

import { lazyClient } from '../../../platform/temporal/connection.ts'

/** A server that hangs up on everybody. */
async function startRefusal(): Promise<
  AsyncDisposable & { address: string; refused: () => number }
> {
  let refused = 0
  const server = createServer((socket) => {
    refused += 1
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused: () => refused,
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

it('a call that is being retried when its connection closes is rejected, and nothing else throws', async () => {
  await using refusal = await startRefusal()
  const owned = lazyClient(
    { address: refusal.address, namespace: 'default' },
    { env: {}, connectTimeoutMs: 3_000, keys: null },
  )
  const calls = Array.from({ length: 20 }, () =>
    owned.client.workflowService.getSystemInfo({}).then(
      () => 'answered',
      (error: unknown) => String(error),
    ),
  )
  await expect.poll(refusal.refused).toBeGreaterThan(0)
  await owned[Symbol.asyncDispose]()
  for (const outcome of await Promise.all(calls)) {
    expect(outcome).toMatch(/connection is closed|CANCELLED|UNAVAILABLE/)
  }
})
