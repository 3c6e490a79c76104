import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import express from 'express'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { requestContext } from '../../../api/request-context.ts'
import { currentCorrelation } from '../../../platform/correlation.ts'
import { createEvents } from '../../../platform/events.ts'
import { createLogger } from '../../../platform/logger.ts'
import { createMetrics } from '../../../platform/metrics.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const lines: { event: string; correlationId?: string }[] = []
let url: string
const server = createServer()

beforeAll(async () => {
  const write = (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number])
  const logger = createLogger({ destination: { write } })
  const app = express()
  app.use(requestContext({ logger, events: createEvents({ logger, metrics: createMetrics() }) }))
  app.use(async (_request, response) => {
    // What it starts works later, and still under its id.
    await new Promise((resolve) => setImmediate(resolve))
    logger.info({}, 'at-work')
    response.json({ underWay: currentCorrelation() })
  })
  server.on('request', app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => server.close())

async function ask(headers: Record<string, string>) {
  const response = await fetch(url, { headers })
  const { underWay } = (await response.json()) as { underWay: string }
  return { underWay, answered: response.headers.get('x-correlation-id') }
}

test.each([
  ['its own header', { 'x-correlation-id': 'order-7' }, 'order-7'],
  ['a request id', { 'x-request-id': 'r.1:2' }, 'r.1:2'],
  ['a trace', { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }, TRACE],
  [
    'its own header before a trace',
    { 'x-correlation-id': 'order-7', traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
    'order-7',
  ],
])('a request works under %s', async (_what, headers, correlationId) => {
  expect(await ask(headers)).toEqual({ underWay: correlationId, answered: correlationId })
  expect(lines.findLast(({ event }) => event === 'at-work')?.correlationId).toBe(correlationId)
})

test.each([
  ['text that is no id', { 'x-correlation-id': 'a b' }],
  ['a trace of zeros', { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` }],
  ['a torn trace', { traceparent: `00-${TRACE}` }],
  ['nothing', {}],
])('with %s a request has an id of its own', async (_what, headers) => {
  const [one, two] = [await ask(headers), await ask(headers)]
  expect(one.underWay).toMatch(/^[0-9a-f-]{36}$/)
  expect(one.underWay).not.toBe(two.underWay)
})
