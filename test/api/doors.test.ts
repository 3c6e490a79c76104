/** Who may call, what is served when a part is down, and how errors look. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startApi } from '../../api/main.ts'
import { ConfigError, loadConfig } from '../../config/config.ts'
import { services } from '../support/services.ts'
import {
  asker,
  createApiRig,
  eventually,
  RIG_NOW,
  type ApiRig,
  type ApiRigOptions,
} from './api-rig.ts'

const TOKEN = 'a-token-of-24-characters'
const STATUS = '/api/admin/scheduler/status'
const NOBODY = '127.0.0.1:9'

function useRig(options: ApiRigOptions = {}): () => ApiRig {
  let rig: ApiRig | undefined
  beforeAll(async () => {
    rig = await createApiRig(options)
  })
  afterAll(() => rig?.[Symbol.asyncDispose]())
  return () => {
    if (rig === undefined) throw new Error('the rig has not started')
    return rig
  }
}

function bearer(token: string) {
  return { headers: { authorization: `Bearer ${token}` } }
}

describe('on loopback without a token', () => {
  const rig = useRig()

  it('tells the clock and its speed', async () => {
    const answer = await rig().ask('GET', '/api/clock')
    expect([answer.status, answer.body]).toEqual([200, { now: RIG_NOW, speed: 0 }])
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  it('is live and ready', async () => {
    expect((await rig().ask('GET', '/health/live')).body).toEqual({ status: 'live' })
    const ready = await rig().ask('GET', '/health/ready')
    expect([ready.status, ready.body]).toEqual([
      200,
      { status: 'ready', checks: { database: 'ok', temporal: 'ok' } },
    ])
  })

  it('answers unknown paths with a problem that carries the correlation id of the caller', async () => {
    const headers = { 'x-correlation-id': 'caller-1' }
    const answer = await rig().ask('GET', '/api/nothing', { headers })
    expect(answer.status).toBe(404)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.headers.get('x-correlation-id')).toBe('caller-1')
    expect(answer.body).toEqual({
      type: 'urn:groundstop:problem:not-found',
      title: 'There is no such thing',
      status: 404,
      detail: 'nothing is served at /api/nothing',
      correlationId: 'caller-1',
    })
  })

  it('makes a correlation id of its own when the caller sends rubbish', async () => {
    const headers = { 'x-correlation-id': 'x'.repeat(65) }
    const answer = await rig().ask('GET', '/api/clock', { headers })
    expect(answer.headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it.each([
    ['PUT', STATUS, 'GET, HEAD'],
    ['DELETE', '/api/admin/scheduler/jobs', 'GET, POST, HEAD'],
    ['POST', '/api/clock', 'GET, HEAD'],
    ['DELETE', '/api/policies', 'GET, POST, HEAD'],
  ])('answers %s %s with 405 and what is allowed', async (method, path, allow) => {
    const answer = await rig().ask(method, path)
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe(allow)
    expect(answer.body).toMatchObject({ type: 'urn:groundstop:problem:method-not-allowed' })
  })

  it('refuses a host name that is not loopback', async () => {
    // What a browser would send for a page's name that was pointed at this machine.
    const { port } = new URL(rig().api.url)
    const { request } = await import('node:http')
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request({ port, host: '127.0.0.1', path: '/api/clock', headers: { host: 'evil.test' } })
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })
    expect(status).toBe(403)
  })

  it('refuses a path that is not valid UTF-8 with a problem', async () => {
    const answer = await rig().ask('GET', '/api/policies/%E0%A4%A')
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
  })

  it('writes one line per request and none with a secret', async () => {
    await rig().ask('GET', '/api/clock?apiKey=sk_live_0123456789', {
      headers: { 'x-correlation-id': 'line-1', authorization: 'Bearer sk_live_0123456789' },
    })
    const lines = rig().logLines.filter((line) => line['correlationId'] === 'line-1')
    expect(lines).toMatchObject([
      { event: 'request-answered', data: { method: 'GET', route: '/api/clock', status: 200 } },
    ])
    expect(JSON.stringify(rig().logLines)).not.toContain('sk_live')
  })

  it('sends the headers that keep browsers from guessing', async () => {
    const { headers } = await rig().ask('GET', '/api/clock')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-powered-by')).toBeNull()
  })
})

describe('with a token on loopback', () => {
  const rig = useRig({ token: TOKEN })

  it.each([
    [STATUS, undefined, 401],
    [STATUS, 'wrong-token-of-24-chars!', 401],
    [STATUS, '', 401],
    [STATUS, TOKEN, 200],
    ['/health/live', undefined, 200],
    ['/health/ready', undefined, 200],
    ['/api/clock', undefined, 200],
    ['/api/admin/scheduler/jobs', undefined, 401],
    ['/api/admin/scheduler/jobs', TOKEN, 200],
    ['/api/policies/P-1', undefined, 401],
    ['/api/policies/P-1', TOKEN, 404],
    ['/api/nothing', undefined, 401],
  ])('answers %s with the token %s by %i', async (path, token, status) => {
    const answer = await rig().ask('GET', path, token === undefined ? {} : bearer(token))
    expect(answer.status).toBe(status)
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null)
  })
})

describe('on an address that others reach', () => {
  const rig = useRig({ host: '0.0.0.0', token: TOKEN })

  it('keeps the clock for those with the token, and health open', async () => {
    const ask = asker(rig().api.url)
    expect((await ask('GET', '/api/clock')).status).toBe(401)
    expect((await ask('GET', '/api/clock', bearer(TOKEN))).status).toBe(200)
    expect((await ask('GET', '/health/live')).status).toBe(200)
  })

  it.each([['API_HOST'], ['METRICS_HOST']])(
    'does not start on %s without a token',
    async (name) => {
      const start = async () => {
        const { config, secrets } = loadConfig({
          [name]: '0.0.0.0',
          DATABASE_URL: 'postgres://x/y',
        })
        await using _api = await startApi({ config, secrets, env: {} })
      }
      await expect(start()).rejects.toThrow(ConfigError)
      await expect(start()).rejects.toThrow(name)
    },
  )
})

describe('without Temporal', () => {
  const rig = useRig({ temporalAddress: NOBODY })

  it('tells the clock, and is live but not ready', async () => {
    expect((await rig().ask('GET', '/api/clock')).status).toBe(200)
    expect((await rig().ask('GET', '/health/live')).status).toBe(200)
    const ready = await rig().ask('GET', '/health/ready')
    expect([ready.status, ready.body]).toEqual([
      503,
      { status: 'unavailable', checks: { database: 'ok', temporal: 'failed' } },
    ])
  })

  // Together: each waits for the client's own patience, and is measured by itself.
  it.concurrent.each([
    ['GET', STATUS, undefined],
    ['GET', '/api/admin/scheduler/jobs', undefined],
    ['GET', '/api/admin/scheduler/jobs/flight-monitor:all', undefined],
    ['DELETE', '/api/admin/scheduler/jobs/flight-monitor:all', undefined],
    ['POST', '/api/admin/scheduler/jobs', { type: 'FLIGHT_MONITOR' }],
  ])('answers %s %s with 503 within 10 s', async (method, path, body) => {
    const startedAtMs = performance.now()
    const answer = await rig().ask(method, path, body === undefined ? {} : { body })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(answer.body).toMatchObject({
      type: 'urn:groundstop:problem:unavailable',
      detail: 'temporal does not answer; try again shortly',
    })
    expect(performance.now() - startedAtMs).toBeLessThan(10_000)
  })
})

describe('when Temporal comes up after the API', () => {
  it('serves jobs without a restart', async () => {
    const [host = '', port = ''] = services().temporalAddress.split(':')
    const proxy = createProxy(host, Number(port))
    const address = await proxy.reserve()
    await using rig = await createApiRig({ temporalAddress: address })
    expect((await rig.ask('GET', STATUS)).status).toBe(503)
    await proxy.open()
    await eventually(async () => expect((await rig.ask('GET', STATUS)).status).toBe(200))
    await proxy.close()
  })
})

/** A port at which nothing answers until `open`, and then the server behind it does. */
function createProxy(host: string, port: number) {
  const sockets = new Set<Socket>()
  const server = createServer((incoming) => {
    const outgoing = connect(port, host)
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    incoming.pipe(outgoing).pipe(incoming)
  })
  let own = 0
  const listen = async (at: number): Promise<number> => {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  return {
    async reserve(): Promise<string> {
      own = await listen(0)
      await close()
      return `127.0.0.1:${own}`
    },
    open: () => listen(own),
    close,
  }
}

describe('without the database', () => {
  const rig = useRig({ databaseUrl: `postgres://nobody:secret-word@${NOBODY}/none` })

  it('answers 503, and keeps its password to itself', async () => {
    const clock = await rig().ask('GET', '/api/clock')
    expect(clock.status).toBe(503)
    expect(clock.body).toMatchObject({ detail: 'database does not answer; try again shortly' })
    const ready = await rig().ask('GET', '/health/ready')
    expect(ready.body).toMatchObject({ checks: { database: 'failed', temporal: 'ok' } })
    expect(JSON.stringify([clock.body, rig().logLines])).not.toContain('secret-word')
  })

  it('still tells what runs', async () => {
    expect((await rig().ask('GET', STATUS)).status).toBe(200)
  })
})
