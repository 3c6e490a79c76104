/** API keys as bearers' tokens, and bound to a key pair whose proofs go with each request (RFC 9449). */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type GenerateKeyPairResult,
  type JWK,
} from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createProofStore } from '../../db/stores/proof-store.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const NOTE = { by: 'ana', reason: 'integration' }
const FILE_TOKEN = 'a-token-of-the-file-bound-to-a-key'
const STATUS = '/api/airports/JFK'

let rig: ApiRig
let folder = ''
let pair: GenerateKeyPairResult
let jwk: JWK
let thumbprint = ''

beforeAll(async () => {
  pair = await generateKeyPair('ES256', { extractable: true })
  jwk = await exportJWK(pair.publicKey)
  thumbprint = await calculateJwkThumbprint(jwk)
  folder = await mkdtemp(join(tmpdir(), 'keys-'))
  const file = join(folder, 'tokens.json')
  const sha256 = createHash('sha256').update(FILE_TOKEN).digest('hex')
  const grant = { name: 'rail', role: 'viewer', sha256, dpopThumbprint: thumbprint }
  await writeFile(file, JSON.stringify([grant]))
  rig = await createApiRig({
    token: 'the-token-of-the-environment',
    env: { API_TOKENS_FILE: file },
  })
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const ADMIN = { authorization: 'Bearer the-token-of-the-environment' }
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return rig.ask('POST', path, { body, headers: { ...ADMIN, ...headers } })
}

type Made = { readonly apiKey: { readonly apiKeyId: string }; readonly secret: string }

async function make(more: Record<string, unknown> = {}): Promise<Made> {
  const body = { ...NOTE, name: `bot-${randomUUID()}`, role: 'viewer', ...more }
  const answer = await post('/api/api-keys', body)
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body as Made
}

async function statusWith(secret: string, path = '/api/providers'): Promise<number> {
  return (await rig.ask('GET', path, { headers: bearer(secret) })).status
}

describe('an API key', () => {
  it('lets in with its role and under its name', async () => {
    const { secret } = await make({ name: 'desk', role: 'operator' })
    expect(await statusWith(secret)).toBe(200)
    expect(await statusWith(secret, '/api/audit')).toBe(403)
    const body = { reason: 'drill', product: 'FD45' }
    expect((await post('/api/payouts/controls/pause', body, bearer(secret))).status).toBe(200)
    const trail = await rig.ask('GET', '/api/audit?action=payouts.pause', { headers: ADMIN })
    expect(trail.body).toMatchObject({ items: [{ actor: 'key:desk' }] })
  })

  it('lets nobody in who changes one letter of it', async () => {
    const { secret } = await make()
    const other = secret.endsWith('A') ? 'B' : 'A'
    expect(await statusWith(secret.slice(0, -1) + other)).toBe(401)
  })

  it('opens nothing once it is revoked', async () => {
    const { apiKey, secret } = await make()
    const revoke = () => post(`/api/api-keys/${apiKey.apiKeyId}/revoke`, NOTE)
    expect(await revoke()).toMatchObject({ status: 200, body: { changed: true } })
    expect(await statusWith(secret)).toBe(401)
    expect(await revoke()).toMatchObject({ status: 200, body: { changed: false } })
  })

  it('opens nothing once it has expired, and until then everything', async () => {
    const { apiKey, secret } = await make({ expiresAt: '2099-01-01T00:00:00Z' })
    const expire = (seconds: number) =>
      sql`update api_key set expires_at = now() + ${seconds} * interval '1 second'
        where id = ${apiKey.apiKeyId}`.execute(rig.database.db)
    await expire(60)
    expect(await statusWith(secret)).toBe(200)
    await expire(-1)
    expect(await statusWith(secret)).toBe(401)
    const past = { ...NOTE, name: 'past', role: 'viewer', expiresAt: '2020-01-01T00:00:00Z' }
    expect((await post('/api/api-keys', past)).status).toBe(422)
  })

  it('is shown once, kept nowhere, and listed without itself', async () => {
    const body = { ...NOTE, name: 'once', role: 'viewer' }
    const headers = { 'idempotency-key': 'make-once' }
    const first = await post('/api/api-keys', body, headers)
    const again = await post('/api/api-keys', body, headers)
    const { secret, apiKey } = first.body as Made
    expect(again).toMatchObject({ status: 201, body: { apiKey, secret: null } })
    await statusWith(secret)
    const list = await rig.ask('GET', '/api/api-keys?limit=200', { headers: ADMIN })
    expect(JSON.stringify(list.body)).toContain('"once"')
    const kept = await Promise.all(
      ['api_key', 'idempotent_request', 'audit_event'].map((table) =>
        sql`select * from ${sql.table(table)}`.execute(rig.database.db),
      ),
    )
    const rows = kept.map((result) => result.rows)
    expect(JSON.stringify([rows, list.body, rig.logLines])).not.toContain(secret)
  })

  it('has a name that no other key has, until it is revoked', async () => {
    const { apiKey } = await make({ name: 'twin' })
    const body = { ...NOTE, name: 'twin', role: 'viewer' }
    expect((await post('/api/api-keys', body)).status).toBe(409)
    await post(`/api/api-keys/${apiKey.apiKeyId}/revoke`, NOTE)
    expect((await post('/api/api-keys', body)).status).toBe(201)
  })

  it('of another tenant is not there', async () => {
    const { apiKey } = await make()
    await sql`update api_key set tenant = 'other' where id = ${apiKey.apiKeyId}`.execute(
      rig.database.db,
    )
    const path = `/api/api-keys/${apiKey.apiKeyId}`
    expect((await rig.ask('GET', path, { headers: ADMIN })).status).toBe(404)
    expect((await post(`${path}/revoke`, NOTE)).status).toBe(404)
  })
})

type ProofChange = {
  readonly htm?: string
  readonly htu?: string
  readonly ath?: string | null
  readonly jti?: string
  readonly typ?: string
  readonly agedS?: number
  readonly signedBy?: CryptoKey
  readonly jwk?: JWK
}

async function proofOf(secret: string, change: ProofChange = {}): Promise<string> {
  const { htm = 'GET', htu = `${rig.api.url}${STATUS}`, jti = randomUUID(), agedS = 0 } = change
  const ath = change.ath ?? createHash('sha256').update(secret).digest('base64url')
  return new SignJWT({ htm, htu, jti, ...(change.ath === null ? {} : { ath }) })
    .setProtectedHeader({ alg: 'ES256', typ: change.typ ?? 'dpop+jwt', jwk: change.jwk ?? jwk })
    .setIssuedAt(Math.floor(Date.now() / 1_000) - agedS)
    .sign(change.signedBy ?? pair.privateKey)
}

function askWith(secret: string, dpop: string | undefined, scheme = 'DPoP', path = STATUS) {
  const headers = { authorization: `${scheme} ${secret}`, ...(dpop === undefined ? {} : { dpop }) }
  return rig.ask('GET', path, { headers })
}

describe('a key that is bound to a key pair', () => {
  let secret = ''
  beforeAll(async () => {
    ;({ secret } = await make({ dpopThumbprint: thumbprint }))
  })

  it('is taken with a proof, which may carry a query in its address', async () => {
    expect((await askWith(secret, await proofOf(secret))).status).not.toBe(401)
    const htu = `${rig.api.url}${STATUS}?a=1`
    expect((await askWith(secret, await proofOf(secret, { htu }))).status).not.toBe(401)
  })

  it('is not taken without one', async () => {
    const answers = [
      await askWith(secret, undefined),
      await askWith(secret, await proofOf(secret), 'Bearer'),
    ]
    for (const answer of answers) {
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toMatch(
        /^DPoP error="invalid_token", algs="ES256/,
      )
      expect(answer.body).toMatchObject({ type: 'urn:groundstop:problem:dpop-proof' })
    }
  })

  it('is taken once with each proof, however many times it comes at once', async () => {
    const proof = await proofOf(secret)
    const answers = await Promise.all([1, 2, 3, 4].map(() => askWith(secret, proof)))
    expect(answers.filter(({ status }) => status !== 401)).toHaveLength(1)
    const refused = answers.find(({ status }) => status === 401)
    expect(refused?.headers.get('www-authenticate')).toContain('invalid_dpop_proof')
    expect(refused?.body).toMatchObject({ detail: expect.stringContaining('shown before') })
  })

  it.each<[string, () => ProofChange | Promise<ProofChange>, string]>([
    ['for another method', () => ({ htm: 'POST' }), 'htm must be GET'],
    ['for another path', () => ({ htu: `${rig.api.url}/api/audit` }), 'see htu'],
    ['for another host', () => ({ htu: `https://evil.example${STATUS}` }), 'see htu'],
    ['for no address', () => ({ htu: 'x' }), 'see htu'],
    ['with another token', () => ({ ath: 'x' }), 'see ath'],
    ['without a token', () => ({ ath: null }), 'see ath'],
    ['older than a minute', () => ({ agedS: 62 }), 'older than 60 s'],
    ['from the future', () => ({ agedS: -15 }), 'in the future'],
    ['without an id', () => ({ jti: '' }), 'jti must be'],
    ['of another type', () => ({ typ: 'JWT' }), 'typ'],
    [
      'signed by another key',
      async () => ({ signedBy: (await generateKeyPair('ES256')).privateKey }),
      'signature verification failed',
    ],
    [
      'that shows its private key',
      async () => ({ jwk: await exportJWK(pair.privateKey) }),
      'public key',
    ],
  ])('is not taken with a proof %s', async (_what, change, told) => {
    const answer = await askWith(secret, await proofOf(secret, await change()))
    expect(answer.status).toBe(401)
    expect((answer.body as { detail: string }).detail).toContain(told)
  })

  it('is taken with a proof that is just less than a minute old', async () => {
    expect((await askWith(secret, await proofOf(secret, { agedS: 57 }))).status).not.toBe(401)
  })

  it('is not taken with a proof of another pair', async () => {
    const other = await generateKeyPair('ES256', { extractable: true })
    const change = { signedBy: other.privateKey, jwk: await exportJWK(other.publicKey) }
    const answer = await askWith(secret, await proofOf(secret, change))
    expect(answer.status).toBe(401)
    expect((answer.body as { detail: string }).detail).toContain('of another key')
  })

  it.each(['x', 'a.b.c', `${'e'.repeat(20)}.e.e`])(
    'is not taken with %s for a proof',
    async (text) => {
      expect((await askWith(secret, text)).status).toBe(401)
    },
  )

  it('may be a token of the file', async () => {
    expect((await askWith(FILE_TOKEN, undefined, 'Bearer')).status).toBe(401)
    expect((await askWith(FILE_TOKEN, await proofOf(FILE_TOKEN))).status).not.toBe(401)
  })

  it('does not make a proof of one that is bound to none', async () => {
    const { secret: plain } = await make()
    expect((await askWith(plain, await proofOf(plain))).status).toBe(401)
  })
})

describe('proofs that were seen', () => {
  it('are forgotten when they have expired for a minute, and not before', async () => {
    const { db } = rig.database
    const proofs = createProofStore(db)
    const [old = '', young = ''] = ['a', 'b'].map((letter) => letter.repeat(64))
    await sql`truncate dpop_proof`.execute(db)
    await sql`insert into dpop_proof (id, expires_at) values
      (${old}, now() - interval '61 seconds'), (${young}, now() - interval '50 seconds')`.execute(
      db,
    )
    expect(await proofs.removeExpired(10)).toBe(1)
    const { rows } = await sql<{ id: string }>`select id from dpop_proof`.execute(db)
    expect(rows).toEqual([{ id: young }])
  })
})
