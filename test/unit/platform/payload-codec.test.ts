import { defaultPayloadConverter, type Payload } from '@temporalio/common'
import { describe, expect, test } from 'vitest'

import { createPayloadCodec, readable } from '../../../platform/temporal/payload-codec.ts'
import { ChangingKeys, testKey } from '../../support/payload-keys.ts'

const ROW = { policyId: 'P-1', payee: 'Ada Lovelace', amountMinor: 60_000 }

function payloadOf(value: unknown): Payload {
  return defaultPayloadConverter.toPayload(value)
}

async function closed(keys: ChangingKeys, plain = payloadOf(ROW)): Promise<Payload> {
  const [payload] = await createPayloadCodec(keys).encode([plain])
  if (payload === undefined) throw new Error('nothing was encoded')
  return payload
}

async function opened(keys: ChangingKeys | null, payload: Payload): Promise<unknown> {
  const [plain] = await createPayloadCodec(keys).decode([payload])
  return plain === undefined ? undefined : defaultPayloadConverter.fromPayload(plain)
}

const one = () => new ChangingKeys({ keys: [testKey('one')] })
const rotated = () =>
  new ChangingKeys({ keys: [testKey('one', { state: 'replaced' }), testKey('two')] })

describe('a payload', () => {
  test('is unreadable on the server and names the key', async () => {
    const payload = await closed(one())
    expect(Buffer.from(payload.data ?? []).toString('latin1')).not.toMatch(/Ada|payee|json/)
    const text = (name: string) => Buffer.from(payload.metadata?.[name] ?? []).toString()
    expect([text('encoding'), text('encryption-key-id')]).toEqual(['binary/encrypted', 'one'])
  })

  test.each([
    [ROW],
    [null],
    [undefined],
    [''],
    [new Uint8Array([0, 255])],
    [{ big: 'x'.repeat(1_000_000) }],
  ])('comes back as it was: %#', async (value) => {
    expect(await opened(one(), await closed(one(), payloadOf(value)))).toEqual(value)
  })

  test('differs each time, also for the same value', async () => {
    const [a, b] = [await closed(one()), await closed(one())]
    expect(Buffer.from(a.data ?? []).equals(Buffer.from(b.data ?? []))).toBe(false)
  })

  test('from before the first key passes as it is', async () => {
    expect(await opened(one(), payloadOf(ROW))).toEqual(ROW)
  })

  test('stays readable when it is marked, and only then', async () => {
    const marked = readable('operations').payload
    expect(await createPayloadCodec(one()).encode([marked])).toEqual([marked])
    expect(await opened(null, marked)).toBe('operations')
  })
})

describe('keys', () => {
  test('a replaced key still opens', async () => {
    expect(await opened(rotated(), await closed(one()))).toEqual(ROW)
  })

  test('only the active key closes', async () => {
    const payload = await closed(rotated())
    expect(Buffer.from(payload.metadata?.['encryption-key-id'] ?? []).toString()).toBe('two')
  })

  test('a waiting key opens, so that whoever was told later can still read', async () => {
    const early = new ChangingKeys({ keys: [testKey('one'), testKey('two', { state: 'waiting' })] })
    expect(await opened(early, await closed(rotated()))).toEqual(ROW)
  })

  test('one that is not there is looked for once in the source', async () => {
    const keys = one()
    keys.next = rotated().ring
    expect(await opened(keys, await closed(rotated()))).toEqual(ROW)
    expect(keys.refreshed).toBe(1)
  })

  test('one that is nowhere is named', async () => {
    await expect(opened(one(), await closed(rotated()))).rejects.toMatchObject({
      name: 'PayloadKeyError',
      code: 'KEY_MISSING',
      message: expect.stringContaining('key two, which this process does not have'),
    })
  })

  test('without any ring the needed one is named', async () => {
    await expect(opened(null, await closed(one()))).rejects.toThrow(
      'key one, which this process does not have: set PAYLOAD_KEYS_FILE',
    )
  })

  test('other material under the same id is told from a missing key', async () => {
    const material = testKey('other').material
    const wrong = new ChangingKeys({ keys: [testKey('one', { material })] })
    await expect(opened(wrong, await closed(one()))).rejects.toMatchObject({
      code: 'KEY_WRONG',
      keyId: 'one',
    })
  })

  test.each([0, 11, 12, 30, -1])('a payload changed at byte %i does not open', async (at) => {
    const payload = await closed(one())
    const data = Buffer.from(payload.data ?? [])
    const index = at < 0 ? data.length + at : at
    data[index] = (data[index] ?? 0) ^ 1
    await expect(opened(one(), { ...payload, data })).rejects.toMatchObject({ code: 'KEY_WRONG' })
  })

  test.each([0, 12, 27])('a payload cut to %i bytes does not open', async (length) => {
    const payload = await closed(one())
    const data = Buffer.from(payload.data ?? []).subarray(0, length)
    await expect(opened(one(), { ...payload, data })).rejects.toMatchObject({ code: 'KEY_WRONG' })
  })
})
