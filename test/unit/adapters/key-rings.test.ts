import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

import {
  keyRingText,
  readKeyRingFile,
  writeKeyRingFile,
} from '../../../adapters/secrets/key-ring-file.ts'
import { ensureKeyRingFile, openKeyRing } from '../../../adapters/secrets/key-ring-sources.ts'
import { activeKey, KeyRingError } from '../../../domain/key-ring.ts'
import { testKey } from '../../support/payload-keys.ts'

const ONE = { keys: [testKey('one')] }
const TWO = { keys: [testKey('one', { state: 'replaced' }), testKey('two')] }

let folder: string
let path: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'groundstop-keys-'))
})

beforeEach(() => {
  path = join(folder, `${crypto.randomUUID()}.json`)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(text: string, mode = 0o600): void {
  writeFileSync(path, text)
  chmodSync(path, mode)
}

describe('a file', () => {
  test('comes back as it was written, for its owner alone', async () => {
    await writeKeyRingFile(path, TWO)
    expect((await readKeyRingFile(path)).ring).toEqual(TWO)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test.each([0o600, 0o400, 0o440, 0o640])('of mode %o is read', async (mode) => {
    write(keyRingText(ONE), mode)
    expect((await readKeyRingFile(path)).ring).toEqual(ONE)
  })

  test.each([0o644, 0o604, 0o620, 0o660, 0o666])('of mode %o is refused', async (mode) => {
    write(keyRingText(ONE), mode)
    await expect(readKeyRingFile(path)).rejects.toThrow(/others may read or write it, chmod 600/)
  })

  test('that a crash cut short before its renaming leaves the old ring', async () => {
    await writeKeyRingFile(path, ONE)
    writeFileSync(`${path}.new`, '{"version": 1, "keys": [{"keyId"', { mode: 0o644 })
    expect((await readKeyRingFile(path)).ring).toEqual(ONE)
    await writeKeyRingFile(path, TWO)
    expect((await readKeyRingFile(path)).ring).toEqual(TWO)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(existsSync(`${path}.new`)).toBe(false)
  })

  test.each([
    ['not JSON', '{', /it is not JSON/],
    ['another version', '{"version": 2, "keys": []}', /no key ring of version 1/],
    ['no keys', '{"version": 1, "keys": []}', /exactly one key must be active, not 0/],
    ['short material', changed({ material: 'c2hvcnQ=' }), /key one: material is not 32 bytes/],
    ['an unknown state', changed({ state: 'retired' }), /key one: state is not/],
    ['an id with blanks', changed({ keyId: 'a b' }), /a key id must match/],
    ['no time', changed({ createdAt: 'yesterday' }), /key one: createdAt is no instant/],
  ])('with %s is refused without its content', async (_what, text, message) => {
    write(text)
    const error: unknown = await readKeyRingFile(path).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(KeyRingError)
    expect(String(error)).toMatch(message)
    expect(String(error)).not.toContain(testKey('one').material)
  })

  test('with two active keys, or one id twice, cannot be written', () => {
    expect(() => keyRingText({ keys: [testKey('one'), testKey('two')] })).toThrow(/active, not 2/)
    const twice = [testKey('one'), testKey('one', { state: 'replaced' })]
    expect(() => keyRingText({ keys: twice })).toThrow(/same id/)
  })
})

function changed(change: Readonly<Record<string, string>>): string {
  return JSON.stringify({ version: 1, keys: [{ ...testKey('one'), ...change }] })
}

describe('a ring that is made at the first start', () => {
  test('has one active key, and the next start keeps it', async () => {
    expect(await ensureKeyRingFile(path, 'payload')).toBe(true)
    const first = readFileSync(path, 'utf8')
    expect(await ensureKeyRingFile(path, 'payload')).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe(first)
    const { keyId, material } = activeKey((await readKeyRingFile(path)).ring)
    expect(keyId).toMatch(/^payload-\d{4}-\d\d-\d\d-[0-9a-f]{6}$/)
    expect(Buffer.from(material, 'base64')).toHaveLength(32)
  })

  test('never replaces one that cannot be used', async () => {
    write('{"torn": ')
    await expect(ensureKeyRingFile(path, 'payload')).rejects.toThrow(/not JSON/)
    expect(readFileSync(path, 'utf8')).toBe('{"torn": ')
  })
})

describe('a source', () => {
  test('without a place there is none', async () => {
    expect(await openKeyRing({ file: null, text: null })).toBeNull()
  })

  test('takes one key or a whole ring from the environment', async () => {
    using short = await openKeyRing({ file: null, text: `one:${testKey('one').material}` })
    expect(short?.current().keys.map(({ keyId }) => keyId)).toEqual(['one'])
    using whole = await openKeyRing({ file: null, text: keyRingText(TWO) })
    expect(whole?.current()).toEqual(TWO)
    await expect(openKeyRing({ file: null, text: 'one:short' })).rejects.toThrow(KeyRingError)
  })

  test('refuses to start with a bad file', async () => {
    await expect(openKeyRing({ file: path, text: null })).rejects.toThrow(/cannot be read: ENOENT/)
  })

  test('has a changed file at once when asked, and by itself soon', async () => {
    await writeKeyRingFile(path, ONE)
    using asked = await openKeyRing({ file: path, text: null })
    const { file, text } = { file: path, text: null }
    using waiting = await openKeyRing({ file, text }, undefined, 50)
    await writeKeyRingFile(path, TWO)
    expect(asked?.current()).toEqual(ONE)
    expect(await asked?.refresh()).toEqual(TWO)
    await vi.waitFor(() => expect(waiting?.current()).toEqual(TWO), { timeout: 2_000 })
  })

  test('goes on with the last good ring and tells when the file turns bad', async () => {
    await writeKeyRingFile(path, ONE)
    const problems: unknown[] = []
    using keys = await openKeyRing({ file: path, text: null }, (error) => problems.push(error))
    write('torn')
    expect(await keys?.refresh()).toEqual(ONE)
    expect(String(problems[0])).toMatch(/not JSON/)
  })
})
