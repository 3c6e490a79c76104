/** Asking a service whether it is there, over real HTTP against the local servers. */
import { describe, expect, test } from 'vitest'

import { createHttpProbe } from '../../adapters/http-probe.ts'
import { loadConfig } from '../../config/config.ts'
import type { Reply } from '../../simulator/http-server.ts'
import { watchedProviders } from '../../workers/watched-providers.ts'
import { handClock, startFlights, startPayments, startScripted } from '../unit/adapters/fixtures.ts'

async function probe(reply: Reply, options: { isWithoutKey?: boolean } = {}) {
  await using server = await startScripted(() => reply)
  return await createHttpProbe({
    provider: 'aeroapi',
    url: `${server.url}/x?access_key=hunter2`,
    timeoutMs: 300,
    ...options,
  }).probe()
}

describe('a service', () => {
  test.each([200, 404, 429])('that answers %i is there', async (status) => {
    expect(await probe({ status, body: '{}' })).toMatchObject({ kind: 'answered' })
  })

  test.each([401, 403])('that answers %i refuses the key', async (status) => {
    expect(await probe({ status, body: '{}' })).toMatchObject({ kind: 'refused' })
  })

  test('that asks for the key that was not sent is there', async () => {
    const reply = { status: 401, body: '{}' }
    expect(await probe(reply, { isWithoutKey: true })).toMatchObject({ kind: 'answered' })
  })

  test.each<Reply>([{ status: 500, body: '' }, 'reset', 'hang'])(
    'that fails as %j is silent, and its address is not told',
    async (reply) => {
      const answer = await probe(reply)
      expect(answer.kind).toBe('silent')
      expect(JSON.stringify(answer)).not.toContain('hunter2')
    },
  )

  test('is not asked once the signal has fired', async () => {
    const http = createHttpProbe({ provider: 'x', url: 'http://127.0.0.1:9/' })
    await expect(http.probe(AbortSignal.abort())).rejects.toThrow(/abort/i)
  })
})

describe('the services of an installation', () => {
  async function ask(env: Record<string, string>): Promise<Record<string, string>> {
    await using flights = await startFlights([], handClock('2013-02-08T12:00:00Z'))
    await using payments = await startPayments()
    const { config, secrets } = loadConfig({
      AEROAPI_URL: `${flights.url}/aeroapi`,
      AVIATIONSTACK_URL: `${flights.url}/v1`,
      STRIPE_API_URL: payments.url,
      ...env,
    })
    const watched = watchedProviders(config, secrets)
    const answers = await Promise.all(watched.map(async (one) => one.probe.probe()))
    return Object.fromEntries(
      watched.map((one, i) => [one.probe.provider, answers[i]?.kind ?? 'none']),
    )
  }

  test('are those whose key is set', async () => {
    expect(await ask({ AEROAPI_KEY: 'k', STRIPE_API_KEY: 'sk_test' })).toEqual({
      aeroapi: 'answered',
      stripe: 'answered',
    })
  })

  test('are told apart from services that refuse the key', async () => {
    const keys = { AEROAPI_KEY: 'k_invalid', STRIPE_API_KEY: 'sk_invalid' }
    expect(await ask({ ...keys, AVIATIONSTACK_KEY: 'k' })).toEqual({
      aeroapi: 'refused',
      aviationstack: 'answered',
      stripe: 'refused',
    })
  })
})
