/** Rings whose keys rest closed by a KMS, over its wire protocol. */
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { createAwsKms } from '../../adapters/secrets/aws-kms.ts'
import { readKeyRingFile, writeKeyRingFile } from '../../adapters/secrets/key-ring-file.ts'
import { createKeyRingStore } from '../../adapters/secrets/key-ring-store.ts'
import { ensureKeyRingFile, openKeyRing } from '../../adapters/secrets/key-ring-sources.ts'
import { loadConfig } from '../../config/config.ts'
import { KeyRingError } from '../../domain/key-ring.ts'
import type { KeyWrapping } from '../../domain/ports/key-wrapping.ts'
import { startKmsServer } from '../support/kms-server.ts'
import { testKey } from '../support/payload-keys.ts'

const NAME = 'aws-kms:alias/groundstop'
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-real-secret' }
const TWO = { keys: [testKey('a'), testKey('b', { state: 'waiting' as const })] }

let kms: Awaited<ReturnType<typeof startKmsServer>>
let wrapping: KeyWrapping
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>
let path: string

const kmsAt = (endpoint: string, name = NAME): KeyWrapping =>
  createAwsKms(name, { endpoint, region: 'eu-central-1', credentials: CREDENTIALS })

beforeAll(async () => {
  kms = await startKmsServer('alias/groundstop')
  wrapping = kmsAt(kms.endpoint)
  folder = await mkdtempDisposable(join(tmpdir(), 'groundstop-kms-'))
})
afterAll(async () => {
  await kms[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})
beforeEach(({ task }) => {
  path = join(folder.path, `${task.id}.json`)
})

describe('a ring closed by a KMS', () => {
  test('opens with it to the keys that were written, none of which is in the file', async () => {
    await writeKeyRingFile(path, TWO, wrapping)
    const text = await readFile(path, 'utf8')
    for (const { keyId, material } of TWO.keys) {
      expect(text).toContain(keyId)
      expect(text).not.toContain(material)
    }
    expect((await readKeyRingFile(path, wrapping)).ring).toEqual(TWO)
    using held = await openKeyRing({ file: path, text: null, wrapping })
    expect(held?.current()).toEqual(TWO)
  })

  test('is made so at a first start, and closed anew when it is changed', async () => {
    expect(await ensureKeyRingFile(path, 'payload', wrapping)).toBe(true)
    expect(await ensureKeyRingFile(path, 'payload', wrapping)).toBe(false)
    const store = createKeyRingStore('payload', path, wrapping)
    await store.write(TWO)
    expect(await store.read()).toEqual(TWO)
  })

  test('does not open without it', async () => {
    await writeKeyRingFile(path, TWO, wrapping)
    await expect(readKeyRingFile(path)).rejects.toThrow(`is closed by ${NAME}: set KMS_KEY_ID`)
  })

  test('does not open when a key was put under the id of another', async () => {
    await writeKeyRingFile(path, TWO, wrapping)
    const file = JSON.parse(await readFile(path, 'utf8')) as typeof TWO
    const [a, b] = file.keys
    const swapped = { ...file, keys: [{ ...a, material: b?.material }, b] }
    await writeFile(path, JSON.stringify(swapped))
    const refused = readKeyRingFile(path, wrapping)
    await expect(refused).rejects.toThrow(/key a: .*InvalidCiphertextException/)
  })

  test('is not read while the service is away, and what a process holds goes on', async () => {
    const gone = kmsAt('http://127.0.0.1:1')
    await writeKeyRingFile(path, TWO, wrapping)
    const failed = await readKeyRingFile(path, gone).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(KeyRingError)
    expect(String(failed)).toMatch(/was not reached: ECONNREFUSED/)
    const problems: unknown[] = []
    let isAway = false
    const sometimes: KeyWrapping = {
      ...wrapping,
      unwrap: (...words) => (isAway ? gone : wrapping).unwrap(...words),
    }
    const place = { file: path, text: null, wrapping: sometimes }
    using held = await openKeyRing(place, (error) => problems.push(error))
    isAway = true
    await writeKeyRingFile(path, { keys: [testKey('a')] }, wrapping)
    expect(await held?.refresh()).toEqual(TWO)
    expect(problems).toHaveLength(1)
  })

  test('keeps the name of its key, so that the setting may name another for what is written next', async () => {
    await writeKeyRingFile(path, TWO, wrapping)
    const next = kmsAt(kms.endpoint, 'aws-kms:alias/next')
    expect((await readKeyRingFile(path, next)).ring).toEqual(TWO)
    await expect(writeKeyRingFile(path, TWO, next)).rejects.toThrow(/alias\/next .*NotFound/)
    // What could not be closed was not written.
    expect((await readKeyRingFile(path, wrapping)).ring).toEqual(TWO)
  })

  test('asks the service only when the file has changed', async () => {
    await writeKeyRingFile(path, TWO, wrapping)
    using held = await openKeyRing({ file: path, text: null, wrapping })
    const before = kms.calls.length
    await held?.refresh()
    expect(kms.calls).toHaveLength(before)
  })
})

test('a plain ring is read as it is, and is closed when it is written next', async () => {
  await writeKeyRingFile(path, TWO)
  expect((await readKeyRingFile(path, wrapping)).ring).toEqual(TWO)
  const store = createKeyRingStore('payload', path, wrapping)
  await store.write(await store.read())
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ version: 2, wrappedBy: NAME })
})

describe('KMS_KEY_ID', () => {
  const arn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

  test.each([NAME, `aws-kms:${arn}`])('may be %s', (KMS_KEY_ID) => {
    expect(loadConfig({ KMS_KEY_ID }).config.payloads.kmsKey).toBe(KMS_KEY_ID)
  })

  test.each(['alias/groundstop', 'aws-kms:', 'gcp-kms:key', 'aws-kms:a key'])(
    'may not be %s',
    (KMS_KEY_ID) => {
      expect(() => loadConfig({ KMS_KEY_ID })).toThrow(/KMS_KEY_ID/)
    },
  )
})
