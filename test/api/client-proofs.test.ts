/** The client with a key that is bound to a key pair, against the real API; a door before it asks for nonces. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as askServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createGroundstopClient, itemsOf } from '../../client/client.ts'
import { createProofKey, type PrivateJwk, type ProofKey } from '../../client/dpop.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const NOTE = { reason: 'drill' }

let rig: ApiRig
let proofKey: ProofKey
let apiKey = ''

beforeAll(async () => {
  rig = await createApiRig()
  proofKey = await createProofKey()
  apiKey = await keyBoundTo(proofKey)
})
afterAll(() => rig[Symbol.asyncDispose]())

async function keyBoundTo({ thumbprint }: ProofKey): Promise<string> {
  const client = createGroundstopClient({ url: rig.api.url })
  const { secret } = await client.apiKeys.create({
    body: { ...NOTE, by: 'ann', name: randomUUID(), role: 'operator', dpopThumbprint: thumbprint },
  })
  return secret ?? ''
}

type Sent = { readonly url: string; readonly init: RequestInit }

/** A `fetch` that keeps what it is asked. */
function keeping(sent: Sent[]): typeof fetch {
  return (address, init = {}) => {
    const { url } = new Request(address)
    sent.push({ url, init })
    return fetch(url, init)
  }
}

const proofOf = ({ init }: Sent) => decodeJwt(new Headers(init.headers).get('dpop') ?? '')

describe('a client with a proof key', () => {
  it('reads, changes and reads on, with a proof of its own for each request', async () => {
    const sent: Sent[] = []
    const client = createGroundstopClient({
      ...{ url: rig.api.url, apiKey, proofKey, fetch: keeping(sent) },
    })
    await client.queues.pause({ name: 'reports', body: NOTE })
    await client.queues.resume({ name: 'reports', body: NOTE })
    await client.scheduler.listRuns({ limit: 1 })
    await Array.fromAsync(itemsOf(client.policies.list, { limit: 1 }))
    expect(sent).toHaveLength(4)
    for (const { url, init } of sent) {
      const { htm, htu } = proofOf({ url, init })
      expect([htm, htu]).toEqual([init.method, url.split('?')[0]])
    }
    expect(new Set(sent.map((one) => proofOf(one).jti)).size).toBe(4)
  })

  it('sends what nobody else can send again', async () => {
    const sent: Sent[] = []
    const own = { url: rig.api.url, apiKey, proofKey, fetch: keeping(sent) }
    await createGroundstopClient(own).providers.list()
    const [first] = sent
    if (first === undefined) throw new Error('nothing was sent')
    const again = await fetch(first.url, first.init)
    expect([again.status, await again.json()]).toMatchObject([
      401,
      { detail: expect.stringContaining('shown before') as string },
    ])
  })

  it.each([
    ['with another key pair', async () => ({ proofKey: await createProofKey() })],
    ['without a key pair', async () => ({})],
  ])('is refused %s, and does not ask again', async (_what, own) => {
    const sent: Sent[] = []
    const fetching = { url: rig.api.url, apiKey, fetch: keeping(sent) }
    const client = createGroundstopClient({ ...fetching, ...(await own()) })
    await expect(client.providers.list()).rejects.toMatchObject({
      ...{ name: 'ProblemResponseError', status: 401, code: 'dpop-proof' },
    })
    expect(sent).toHaveLength(1)
  })

  it('proves a repeat anew, under the same idempotency key', async () => {
    const sent: Sent[] = []
    const keep = keeping(sent)
    const client = createGroundstopClient({
      ...{ url: rig.api.url, apiKey, proofKey, retryDelayMs: 1 },
      fetch: async (...asked) => {
        const answer = await keep(...asked)
        if (sent.length === 1) throw new TypeError('the answer is lost')
        return answer
      },
    })
    await client.queues.pause({ name: 'maintenance', body: NOTE })
    const [first = '', second = ''] = sent.map((one) => String(proofOf(one).jti))
    const keys = sent.map(({ init }) => new Headers(init.headers).get('idempotency-key'))
    expect(first).not.toBe(second)
    expect(keys).toEqual([expect.any(String), keys[0]])
  })

  it('is none without the key or token that is bound to it', () => {
    expect(() => createGroundstopClient({ url: rig.api.url, proofKey })).toThrow(TypeError)
  })
})

describe('a proof key', () => {
  it.each(['ES256', 'ES384', 'Ed25519'])(
    'may be given, as a pair or as JWK: %s',
    async (algorithm) => {
      const pair = await generateKeyPair(algorithm, { extractable: true })
      const jwk = await exportJWK(pair.privateKey)
      const thumbprint = await calculateJwkThumbprint(jwk)
      // jose's type allows every kind of key.
      for (const given of [pair, jwk as unknown as PrivateJwk]) {
        const own = await createProofKey(given)
        expect(own.thumbprint).toBe(thumbprint)
        const client = createGroundstopClient({
          ...{ url: rig.api.url, proofKey: own, apiKey: await keyBoundTo(own) },
        })
        expect(await client.clock.read()).toMatchObject({ speed: 0 })
      }
    },
  )

  it('of another curve is none', async () => {
    const { privateKey } = await generateKeyPair('ES512', { extractable: true })
    const jwk = (await exportJWK(privateKey)) as unknown as PrivateJwk
    await expect(createProofKey(jwk)).rejects.toThrow('P-256, P-384, Ed25519')
  })
})

/** A door before the API that wants a nonce of each request's proof, and names one with each answer. */
async function withNonces(
  { wants, names }: { readonly wants: readonly string[]; readonly names: readonly string[] },
  work: (url: string, seen: (string | undefined)[]) => Promise<void>,
): Promise<void> {
  const seen: (string | undefined)[] = []
  const passOn = async (request: IncomingMessage): Promise<IncomingMessage> => {
    const { port } = new URL(rig.api.url)
    const { method, url: path, headers } = request
    const passed = askServer({ ...{ host: '127.0.0.1', port, method, path, headers } })
    request.pipe(passed)
    const [answer] = (await once(passed, 'response')) as [IncomingMessage]
    return answer
  }
  const server = createServer((request, response) => {
    void (async () => {
      const { nonce } = decodeJwt(String(request.headers['dpop']))
      const [wanted, named] = [wants[seen.length], names[seen.length]]
      seen.push(nonce as string | undefined)
      if (nonce === wanted) {
        const answer = await passOn(request)
        response.writeHead(answer.statusCode ?? 500, { 'dpop-nonce': named })
        answer.pipe(response)
        return
      }
      await text(request)
      const asked = { 'www-authenticate': 'DPoP error="use_dpop_nonce"' }
      response.writeHead(401, { ...asked, 'dpop-nonce': named }).end()
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('a nonce', () => {
  it('that is asked for is repeated at once, and the newest one from then on', async () => {
    await withNonces(
      { wants: ['a', 'a', 'b', 'c'], names: ['a', 'b', 'c', 'd'] },
      async (url, seen) => {
        const client = createGroundstopClient({ url, apiKey, proofKey, attempts: 1 })
        await client.clock.read()
        await client.queues.pause({ name: 'payouts', body: NOTE })
        await client.clock.read()
        expect(seen).toEqual([undefined, 'a', 'b', 'c'])
      },
    )
  })

  it('that is asked for again and again is a refusal', async () => {
    await withNonces({ wants: ['x', 'x', 'x'], names: ['a', 'b', 'c'] }, async (url, seen) => {
      const client = createGroundstopClient({ url, apiKey, proofKey })
      // The door wants another than it names.
      await expect(client.clock.read()).rejects.toMatchObject({ status: 401 })
      expect(seen).toEqual([undefined, 'a'])
    })
  })
})
