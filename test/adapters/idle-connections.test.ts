/** Connections to outside services: counted while they are open, closed when they lie idle. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { createHttpAgent, sendHttp } from '../../adapters/notify/http-outcome.ts'
import { createStripeHttpClient } from '../../adapters/payments/stripe-http-client.ts'

// It promises to keep idle connections for ten minutes, as some proxies do.
const server = createServer((_request, response) => {
  response.setHeader('connection', 'keep-alive')
  response.setHeader('keep-alive', 'timeout=600')
  response.end('{}')
})
server.keepAliveTimeout = 600_000
let url: string

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function connectionOf(send: () => Promise<unknown>): Promise<Socket> {
  const connected = once(server, 'connection')
  await send()
  const [socket] = (await connected) as [Socket]
  return socket
}

test('an idle connection is closed at its limit, whatever the server promised', async () => {
  const agent = createHttpAgent(1, 500)
  const socket = await connectionOf(() => sendHttp(agent, { url, headers: {} }, undefined))
  if (!socket.destroyed) await once(socket, 'close')
  expect(socket.destroyed).toBe(true)
  await agent.close()
})

test('counts the connections that are open, and none before the first call or after the end', async () => {
  const client = createStripeHttpClient(url, '', 2)
  expect(client.openConnections()).toBe(0)
  const { port } = server.address() as AddressInfo
  const call = () =>
    client.makeRequest('127.0.0.1', String(port), '/', 'GET', {}, '', 'http', 1_000)
  await Promise.all([call(), call()])
  expect(client.openConnections()).toBe(2)
  server.closeAllConnections()
  await expect.poll(() => client.openConnections(), { interval: 10 }).toBe(0)
  await call()
  expect(client.openConnections()).toBe(1)
  await client[Symbol.asyncDispose]()
  expect(client.openConnections()).toBe(0)
})
