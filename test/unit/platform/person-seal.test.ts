/** What names a person opens with their key, in its place, unchanged; and with nothing else. */
import { expect, test } from 'vitest'

import { PersonSealError } from '../../../domain/ports/person-seals.ts'
import { newPersonKey, open, seal, unwrapKey, wrapKey } from '../../../platform/person-seal.ts'

const KEY = Buffer.alloc(32, 1)
const RING_KEY = Buffer.alloc(32, 2)
const TEXT = '["Zoë","zoe@example.com",null]'

test('a text opens with its key, in its place', () => {
  expect(open(KEY, 'contact|acct_1', seal(KEY, 'contact|acct_1', TEXT))).toBe(TEXT)
})

test('the same text is the same bytes, another one shares no nonce with it', () => {
  const sealed = seal(KEY, 'contact|acct_1', TEXT)
  expect(seal(KEY, 'contact|acct_1', TEXT)).toEqual(sealed)
  for (const other of [
    seal(KEY, 'contact|acct_1', `${TEXT} `),
    seal(KEY, 'contact|acct_2', TEXT),
    seal(newPersonKey(), 'contact|acct_1', TEXT),
  ]) {
    expect(other.subarray(0, 12)).not.toEqual(sealed.subarray(0, 12))
  }
})

test.each([
  ['another key', () => open(newPersonKey(), 'contact|acct_1', seal(KEY, 'contact|acct_1', TEXT))],
  ['another person', () => open(KEY, 'contact|acct_2', seal(KEY, 'contact|acct_1', TEXT))],
  ['another column', () => open(KEY, 'push|acct_1', seal(KEY, 'contact|acct_1', TEXT))],
  ['too few bytes', () => open(KEY, 'contact|acct_1', Buffer.alloc(5))],
  [
    'a changed byte',
    () => {
      const sealed = seal(KEY, 'contact|acct_1', TEXT)
      sealed.writeUInt8(sealed.readUInt8(20) ^ 1, 20)
      return open(KEY, 'contact|acct_1', sealed)
    },
  ],
])('a text does not open with %s', (_what, attempt) => {
  expect(attempt).toThrow(PersonSealError)
})

test("a person's key opens with the key of the ring, for that person alone", () => {
  const wrapped = wrapKey(RING_KEY, 'acct_1', KEY)
  expect(wrapped).toHaveLength(60)
  expect(Buffer.from(unwrapKey(RING_KEY, 'acct_1', wrapped))).toEqual(KEY)
  expect(() => unwrapKey(RING_KEY, 'acct_2', wrapped)).toThrow(PersonSealError)
  expect(() => unwrapKey(KEY, 'acct_1', wrapped)).toThrow(PersonSealError)
})
