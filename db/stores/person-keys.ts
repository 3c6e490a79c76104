/** The keys of persons: one each, stored closed with the ring's active key, gone when they are erased. */
import { sql, type Transaction } from 'kysely'

import { activeKey, findKey, KeyRingError, type RingKey } from '../../domain/key-ring.ts'
import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import { newPersonKey, unwrapKey, wrapKey, type PersonKey } from '../../platform/person-seal.ts'
import type { DB } from '../types.generated.ts'

/** A person's key as it is stored; both null when they have none. */
export type StoredPersonKey = {
  readonly ringKeyId: string | null
  readonly material: Uint8Array | null
}

/** Opens and makes keys of persons. */
export type PersonKeys = {
  /** Null: they have none, or were erased. Throws KeyRingError when the ring lacks the key it needs. */
  keyOf(holderRef: string, stored: StoredPersonKey): Promise<PersonKey | null>
  /** The keys of these persons; who has none gets one. */
  ensure(trx: Transaction<DB>, holderRefs: readonly string[]): Promise<Map<string, PersonKey>>
  /** A key as it is stored now. */
  stored(holderRef: string, key: PersonKey): StoredPersonKey & { readonly material: Uint8Array }
}

/** Keys over a ring. Null: none is configured, and keys are stored as they are. */
export function createPersonKeys(ring: KeyRingSource | null): PersonKeys {
  const keyOf: PersonKeys['keyOf'] = async (holderRef, { ringKeyId, material }) => {
    if (material === null) return null
    if (ringKeyId === null) return material
    return unwrapKey(bytesOf(await ringKeyOf(ring, ringKeyId)), holderRef, material)
  }
  const stored: PersonKeys['stored'] = (holderRef, key) => {
    if (ring === null) return { ringKeyId: null, material: key }
    const active = activeKey(ring.current())
    return { ringKeyId: active.keyId, material: wrapKey(bytesOf(active), holderRef, key) }
  }
  const read = async (trx: Transaction<DB>, refs: readonly string[]) => {
    const { rows } = await sql<StoredPersonKey & { holderRef: string }>`
      select k.holder_ref as "holderRef", k.ring_key_id as "ringKeyId", k.material
      from person_key k where k.holder_ref = any(${refs}::text[])`.execute(trx)
    const keys = new Map<string, PersonKey>()
    for (const { holderRef, ...row } of rows) {
      const key = await keyOf(holderRef, row)
      if (key !== null) keys.set(holderRef, key)
    }
    return keys
  }
  return {
    keyOf,
    stored,
    async ensure(trx, holderRefs) {
      const known = await read(trx, holderRefs)
      const missing = holderRefs.filter((ref) => !known.has(ref)).toSorted()
      if (missing.length === 0) return known
      const made = missing.map((ref) => stored(ref, newPersonKey()))
      await sql`
        insert into person_key (holder_ref, ring_key_id, material)
        select n.holder_ref, n.ring_key_id, n.material from unnest(${missing}::text[],
          ${made.map(({ ringKeyId }) => ringKeyId)}::text[],
          ${made.map(({ material }) => Buffer.from(material))}::bytea[]
        ) as n (holder_ref, ring_key_id, material)
        on conflict do nothing`.execute(trx)
      // Read again: somebody else may have made one in the same moment.
      return new Map([...known, ...(await read(trx, missing))])
    },
  }
}

function bytesOf({ material }: RingKey): Buffer {
  return Buffer.from(material, 'base64')
}

async function ringKeyOf(ring: KeyRingSource | null, keyId: string): Promise<RingKey> {
  if (ring !== null) {
    const key = findKey(ring.current(), keyId) ?? findKey(await ring.refresh(), keyId)
    if (key !== undefined) return key
  }
  const how = ring === null ? 'set PAYLOAD_KEYS_FILE to a ring that has it' : 'add it to the ring'
  throw new KeyRingError(`keys of persons are closed with key ${keyId}, which is not here: ${how}`)
}

/** Whoever saves shares this lock, whoever erases has it alone: nobody comes back in the same moment. */
const ERASURE_LOCK = sql`hashtextextended('person-erasure', 0)`

/** Until the transaction ends nobody is erased. */
export async function keepFromErasure(trx: Transaction<DB>): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${ERASURE_LOCK})`.execute(trx)
}

/** Waits for those who save; until the transaction ends nobody else does. */
export async function holdForErasure(trx: Transaction<DB>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${ERASURE_LOCK})`.execute(trx)
}
