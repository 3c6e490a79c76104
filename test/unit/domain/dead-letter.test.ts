import { expect, test } from 'vitest'

import { fingerprintOf } from '../../../domain/dead-letter.ts'

test.each([
  ['batch 5f0c6a52-2f0e-5d1c-8a37-6f1f3f0e9c01 not found', 'batch <id> not found'],
  ['transfer tr_1NXu12ab refused after 3 tries', 'transfer <id> refused after <n> tries'],
  ['no answer at 2026-03-01T12:00:00.000Z', 'no answer at <time>'],
  ['gone\n  for a moment', 'gone for a moment'],
  [null, ''],
])('%j reads %j', (message, fingerprint) => {
  expect(fingerprintOf(message)).toBe(fingerprint)
})

test('messages that differ in more than ids stay apart', () => {
  expect(fingerprintOf('disk full')).not.toBe(fingerprintOf('disk gone'))
})

test('is at most 200 characters long', () => {
  expect(fingerprintOf('x '.repeat(500))).toHaveLength(200)
})
