import { describe, expect, test } from 'vitest'

import { KeyRingError, type KeyRing, type RingKey } from '../../../domain/key-ring.ts'
import { afterStep, planRing, type RotationStep } from '../../../domain/key-rotation.ts'
import { addMs, DAY_MS, MINUTE_MS, parseInstant, type Instant } from '../../../domain/time.ts'
import { testKey } from '../../support/payload-keys.ts'

const MADE = parseInstant('2026-11-01T00:00:00Z')
const POLICY = { maxAgeMs: 90 * DAY_MS, graceMs: 7 * DAY_MS, distributionMs: 5 * MINUTE_MS }
const NOTHING_KNOWN = { missingKeyIds: [], neededKeyIds: [] }

const one: KeyRing = { keys: [testKey('a')] }
const handedOut: KeyRing = { keys: [testKey('a'), testKey('b', { state: 'waiting' })] }
const replaced: RingKey = testKey('a', { state: 'replaced', replacedAt: MADE })
const after: KeyRing = { keys: [replaced, testKey('b')] }

function plan(ring: KeyRing, atMs: number, change: Partial<Parameters<typeof planRing>[1]> = {}) {
  return planRing(ring, {
    ...{ now: addMs(MADE, atMs), policy: POLICY, facts: NOTHING_KNOWN },
    ...{ isForced: false, newKeyId: 'new' },
    ...change,
  })
}

describe('a new key', () => {
  const add = { steps: [{ action: 'add', keyId: 'new' }], isWaiting: true }

  test('is made when the active one has its age, not a millisecond before', () => {
    expect(plan(one, 90 * DAY_MS - 1)).toEqual({ steps: [], isWaiting: false })
    expect(plan(one, 90 * DAY_MS)).toEqual(add)
  })

  test('is made at once when it is forced, and not twice by the same run', () => {
    expect(plan(one, 0, { isForced: true })).toEqual(add)
    const made: KeyRing = { keys: [replaced, testKey('new')] }
    expect(plan(made, 0, { isForced: true })).toEqual({ steps: [], isWaiting: false })
  })

  test('is not made while another one waits', () => {
    expect(plan(handedOut, 0, { isForced: true })).toEqual({ steps: [], isWaiting: true })
  })

  test('is used after it was handed out long enough, not before', () => {
    expect(plan(handedOut, 5 * MINUTE_MS - 1)).toEqual({ steps: [], isWaiting: true })
    const activate = { steps: [{ action: 'activate', keyId: 'b' }], isWaiting: false }
    expect(plan(handedOut, 5 * MINUTE_MS)).toEqual(activate)
  })

  test('is not used while a live process lacks it, however long that takes', () => {
    const facts = { ...NOTHING_KNOWN, missingKeyIds: ['b'] }
    expect(plan(handedOut, 30 * DAY_MS, { facts })).toEqual({ steps: [], isWaiting: true })
  })
})

describe('a replaced key', () => {
  test('is retired after its grace time, not before', () => {
    expect(plan(after, 7 * DAY_MS - 1).steps).toEqual([])
    expect(plan(after, 7 * DAY_MS).steps).toEqual([{ action: 'retire', keyId: 'a' }])
  })

  test('is kept while something needs it', () => {
    const facts = { ...NOTHING_KNOWN, neededKeyIds: ['a'] }
    expect(plan(after, 60 * DAY_MS, { facts }).steps).toEqual([])
  })
})

describe('a step', () => {
  const now: Instant = addMs(MADE, DAY_MS)
  const make = { now, material: () => testKey('made').material }
  const taken = (ring: KeyRing, action: RotationStep['action'], keyId: string) =>
    afterStep(ring, { action, keyId }, make)

  test('adds a key that waits', () => {
    const added = taken(one, 'add', 'b').keys
    expect(added.map(({ keyId, state }) => [keyId, state])).toEqual([
      ['a', 'active'],
      ['b', 'waiting'],
    ])
    expect(added[1]).toMatchObject({ createdAt: now, activatedAt: null, replacedAt: null })
  })

  test('activates the waiting key, and the active one is replaced', () => {
    expect(taken(handedOut, 'activate', 'b').keys).toMatchObject([
      { keyId: 'a', state: 'replaced', replacedAt: now },
      { keyId: 'b', state: 'active', activatedAt: now },
    ])
  })

  test('retires a replaced key', () => {
    expect(taken(after, 'retire', 'a').keys.map(({ keyId }) => keyId)).toEqual(['b'])
  })

  test.each([
    ['add', 'b', handedOut],
    ['add', 'c', handedOut],
    ['add', 'a', one],
    ['activate', 'b', after],
    ['activate', 'gone', one],
    ['retire', 'b', after],
    ['retire', 'b', handedOut],
    ['retire', 'gone', after],
  ] as const)('changes nothing when it was taken or does not fit: %s %s', (action, keyId, ring) => {
    expect(taken(ring, action, keyId)).toBe(ring)
  })

  test('never makes a ring that breaks its rules', () => {
    expect(() => taken(one, 'add', 'an id with blanks')).toThrow(KeyRingError)
  })
})
