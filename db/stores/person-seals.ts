/** Texts about persons, closed with the keys that the database has of them. */
import { sql } from 'kysely'

import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import type { PersonSeals } from '../../domain/ports/person-seals.ts'
import { open, seal } from '../../platform/person-seal.ts'
import type { Database } from '../client.ts'
import { createPersonKeys, keepFromErasure, type StoredPersonKey } from './person-keys.ts'

/** Seals over `db`, with the ring that closes persons' keys; null: there is none. */
export function createPersonSeals(db: Database, ring: KeyRingSource | null): PersonSeals {
  const keys = createPersonKeys(ring)
  return {
    seal: (holderRef, place, text) =>
      db.transaction().execute(async (trx) => {
        await keepFromErasure(trx)
        const key = (await keys.ensure(trx, [holderRef])).get(holderRef)
        if (key === undefined) throw new Error('a person was erased while a text was closed')
        return seal(key, place, text)
      }),
    async open(holderRef, place, sealed) {
      const { rows } = await sql<StoredPersonKey>`
        select k.ring_key_id as "ringKeyId", k.material from person_key k
        where k.holder_ref = ${holderRef} limit 1`.execute(db)
      const key = rows[0] === undefined ? null : await keys.keyOf(holderRef, rows[0])
      return key === null ? null : open(key, place, sealed)
    },
  }
}
