/** Payloads opened for Temporal's own tools: by the real command, from a browser's page, and by whom not. */
import { createHash, randomUUID } from 'node:crypto'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { ROLES, type Role } from '../../api/roles.ts'
import { writeKeyRingFile } from '../../adapters/secrets/key-ring-file.ts'
import { findTemporalProgram, TEMPORAL_CLI } from '../../platform/embedded/temporal-binary.ts'
import { createPayloadCodec, payloadConverter } from '../../platform/temporal/payload-codec.ts'
import { ChangingKeys, testKey } from '../support/payload-keys.ts'
import { services } from '../support/services.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const UI = 'http://127.0.0.1:8233'
const RING = { keys: [testKey('one')] }
const tokenOf = (role: Role) => `a-token-of-the-role-${role}`
const bearer = (role: Role) => ({ authorization: `Bearer ${tokenOf(role)}` })

let folder: string
let rig: ApiRig

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-codec-'))
  const [keysFile, tokensFile] = [join(folder, 'keys.json'), join(folder, 'tokens.json')]
  await writeKeyRingFile(keysFile, RING)
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const grants = ROLES.map((role) => ({ name: `${role}-1`, role, sha256: sha256(tokenOf(role)) }))
  await writeFile(tokensFile, JSON.stringify(grants))
  rig = await createApiRig({
    env: { API_TOKENS_FILE: tokensFile, PAYLOAD_KEYS_FILE: keysFile, CODEC_ORIGINS: UI },
  })
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

type Json = { metadata: Record<string, string>; data: string }

const base64 = (text: string) => Buffer.from(text).toString('base64')
const PLAIN: Json = {
  metadata: { encoding: base64('json/plain') },
  data: base64('{"payee":"Ada"}'),
}

async function ask(what: 'encode' | 'decode', payloads: unknown, headers: Record<string, string>) {
  return rig.ask('POST', `/api/codec/${what}`, { body: { payloads }, headers })
}

describe('the codec', () => {
  test('closes and opens payloads in their order', async () => {
    const second: Json = { ...PLAIN, data: base64('2') }
    const closed = await ask('encode', [PLAIN, second], bearer('operator'))
    const { payloads } = closed.body as { payloads: Json[] }
    expect(payloads[0]?.metadata['encoding']).toBe(base64('binary/encrypted'))
    const opened = await ask('decode', payloads, bearer('operator'))
    expect(opened.body).toEqual({ payloads: [PLAIN, second] })
  })

  test('opens what a client closed', async () => {
    const [closed] = await createPayloadCodec(new ChangingKeys(RING)).encode([
      { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"x"') },
    ])
    const text = (bytes: Uint8Array | null | undefined) =>
      Buffer.from(bytes ?? []).toString('base64')
    const metadata = Object.fromEntries(
      Object.entries(closed?.metadata ?? {}).map(([key, value]) => [key, text(value)]),
    )
    const opened = await ask('decode', [{ metadata, data: text(closed?.data) }], bearer('admin'))
    expect(opened.body).toMatchObject({ payloads: [{ data: base64('"x"') }] })
  })

  test('passes what is not encrypted', async () => {
    expect((await ask('decode', [PLAIN], bearer('admin'))).body).toEqual({ payloads: [PLAIN] })
  })

  test('names the key that it has not', async () => {
    const metadata = {
      encoding: base64('binary/encrypted'),
      'encryption-key-id': base64('gone'),
    }
    const answer = await ask('decode', [{ metadata, data: PLAIN.data }], bearer('admin'))
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ detail: expect.stringContaining('with key gone') })
  })

  test.each([
    ['viewer', 403],
    ['claims', 403],
    ['operator', 200],
    ['admin', 200],
  ] as const)('answers a %s with %i', async (role, status) => {
    expect((await ask('decode', [PLAIN], bearer(role))).status).toBe(status)
  })

  test('answers nobody without a token', async () => {
    expect((await ask('decode', [PLAIN], {})).status).toBe(401)
  })

  test.each([
    ['what is no base64', [{ metadata: {}, data: '%' }]],
    ['more payloads than a page has', Array.from({ length: 5_001 }, () => ({}))],
  ])('refuses %s', async (_what, payloads) => {
    expect((await ask('decode', payloads, bearer('admin'))).status).toBe(422)
  })

  test('takes payloads of 2 MB, and no body above 8 MB', async () => {
    const large = { ...PLAIN, data: Buffer.alloc(2_000_000, 120).toString('base64') }
    expect((await ask('decode', [large], bearer('admin'))).status).toBe(200)
    expect((await ask('decode', [large, large, large, large], bearer('admin'))).status).toBe(413)
  })
})

describe('browsers', () => {
  const preflight = async (origin: string) =>
    fetch(`${rig.api.url}/api/codec/decode`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-namespace',
      },
    })

  test('of the Web UI may ask, with their credentials', async () => {
    const answer = await preflight(UI)
    expect(answer.status).toBe(204)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': UI,
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': expect.stringContaining('x-namespace'),
    })
    const asked = await ask('decode', [PLAIN], { ...bearer('admin'), origin: UI })
    expect(asked.headers.get('access-control-allow-origin')).toBe(UI)
  })

  test.each(['http://evil.example', 'http://127.0.0.1:8234', 'null'])(
    'of %s may not, whatever token they have',
    async (origin) => {
      const answer = await preflight(origin)
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([
        403,
        null,
      ])
      expect((await ask('decode', [PLAIN], { ...bearer('admin'), origin })).status).toBe(403)
    },
  )
})

describe('the `temporal` command', () => {
  const PAYEE = 'Ada Lovelace'
  let workflowId: string
  let program: string
  let limitMs = 20_000

  beforeAll(async () => {
    program = await findTemporalProgram(TEMPORAL_CLI, { env: process.env })
    const dataConverter = payloadConverter(new ChangingKeys(RING))
    const { connection } = rig.client
    const client = new Client({ connection, namespace: rig.namespace, dataConverter })
    workflowId = randomUUID()
    await client.workflow.start('payout', {
      taskQueue: 'nobody',
      workflowId,
      args: [{ payee: PAYEE }],
      memo: { note: PAYEE },
    })
  })

  const temporal = async (...args: string[]): Promise<string> => {
    const where = ['--address', services().temporalAddress, '--namespace', rig.namespace]
    const all = [...args, '-w', workflowId, ...where]
    const { stdout } = await promisify(execFile)(program, all, { timeout: limitMs })
    return stdout
  }

  test('shows cipher text by itself', async () => {
    expect(await temporal('workflow', 'describe')).not.toContain(PAYEE)
  })

  test('shows what runs carry to whoever may see it', async () => {
    const codec = ['--codec-endpoint', `${rig.api.url}/api/codec`]
    const auth = ['--codec-auth', bearer('operator').authorization]
    expect(await temporal('workflow', 'describe', ...codec, ...auth)).toContain(PAYEE)
    const shown = await temporal('workflow', 'show', '--detailed', ...codec, ...auth)
    expect(shown).toContain(PAYEE)
  })

  test('shows it to nobody else', async () => {
    const codec = ['--codec-endpoint', `${rig.api.url}/api/codec`]
    const auth = ['--codec-auth', bearer('viewer').authorization]
    // It asks again and again when it is refused.
    limitMs = 2_000
    const shown = await temporal('workflow', 'describe', ...codec, ...auth).catch(String)
    expect(shown).not.toContain(PAYEE)
  })
})
