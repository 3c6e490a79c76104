/**
 * Keys of one purpose: one is active, others still open what they closed, or wait until every process
 * has them. Changes of a ring are pure; where its file lies and what its keys do is others' business.
 */
import type { Instant } from './time.ts'

/**
 * waiting: handed out, used for nothing new. active: closes and signs. replaced: only opens and
 * verifies. A key that is retired is in no ring any more.
 */
export const KEY_STATES = ['waiting', 'active', 'replaced'] as const
export type KeyState = (typeof KEY_STATES)[number]

/** One key. Times are wall time. */
export type RingKey = {
  /** Public: it stands beside what the key closed. */
  readonly keyId: string
  readonly state: KeyState
  /** Secret: base64, 32 bytes unless the purpose says otherwise. */
  readonly material: string
  readonly createdAt: Instant
  readonly activatedAt: Instant | null
  readonly replacedAt: Instant | null
}

/** All keys of a purpose, the newest last. Exactly one is active. */
export type KeyRing = { readonly keys: readonly RingKey[] }

/** A ring that must not be used: bad file or a change that breaks its rules. Not retried. */
export class KeyRingError extends Error {
  override readonly name = 'KeyRingError'
}

/** More is a rotation that never retires. */
const KEYS_AT_MOST = 50

const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** The ring itself when it keeps its rules. Throws KeyRingError that names what is wrong, no material. */
export function checkedKeyRing(ring: KeyRing): KeyRing {
  const { keys } = ring
  const ids = new Set(keys.map(({ keyId }) => keyId))
  const badId = keys.find(({ keyId }) => !KEY_ID.test(keyId))
  if (badId !== undefined) throw new KeyRingError(`a key id must match ${KEY_ID.source}`)
  if (ids.size !== keys.length) throw new KeyRingError('two keys have the same id')
  if (keys.length > KEYS_AT_MOST) throw new KeyRingError(`more than ${KEYS_AT_MOST} keys`)
  const active = keys.filter(({ state }) => state === 'active')
  if (active.length !== 1) {
    throw new KeyRingError(`exactly one key must be active, not ${active.length}`)
  }
  return ring
}

/** The key that closes and signs. */
export function activeKey(ring: KeyRing): RingKey {
  const key = ring.keys.find(({ state }) => state === 'active')
  if (key === undefined) throw new KeyRingError('exactly one key must be active, not 0')
  return key
}

/** The key of an id, whatever its state. */
export function findKey(ring: KeyRing, keyId: string): RingKey | undefined {
  return ring.keys.find((key) => key.keyId === keyId)
}

/** A ring of one key, for a first start. */
export function firstKeyRing(keyId: string, material: string, now: Instant): KeyRing {
  const times = { createdAt: now, activatedAt: now, replacedAt: null }
  return checkedKeyRing({ keys: [{ keyId, material, state: 'active', ...times }] })
}
