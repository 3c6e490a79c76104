import fc from 'fast-check'
import { expect, test } from 'vitest'

import { canonicalJson, sha256 } from '../../../operations/canonical-json.ts'

test('the order of keys does not matter, the order of a list does', () => {
  expect(canonicalJson({ b: 1, a: { d: null, c: [1, 2] } })).toBe(
    '{"a":{"c":[1,2],"d":null},"b":1}',
  )
  expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]))
})

test('it reads back as the same data', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // -0 is written as 0 by JSON itself.
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('the hash is lower-case SHA-256', () => {
  expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})
