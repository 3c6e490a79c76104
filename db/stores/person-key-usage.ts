/** What of persons still needs a key of the ring, and their keys closed anew with another. */
import { sql } from 'kysely'

import type { Contact } from '../../domain/contact.ts'
import { activeKey } from '../../domain/key-ring.ts'
import type { KeyRingSource, PayloadKeyUsage } from '../../domain/ports/key-rings.ts'
import type { Database } from '../client.ts'
import { writeContacts } from './contact-store.ts'
import { createPersonKeys, keepFromErasure, type PersonKeys } from './person-keys.ts'
import { sealBrowser } from './sealed-contact.ts'

/** Rows of one transaction: short locks. */
const ROWS_PER_BATCH = 500
/** Batches of one look at one table: some ten seconds; the next day's goes on. */
const BATCHES_AT_MOST = 200

/** Usage in this database, by the keys of this process. */
export function createPersonKeyUsage(db: Database, ring: KeyRingSource): PayloadKeyUsage {
  const keys = createPersonKeys(ring)
  return {
    async reseal() {
      const { keyId } = activeKey(await ring.refresh())
      const contacts = await inBatches(() => closeContacts(db, keys))
      const browsers = await inBatches(() => closeBrowsers(db, keys))
      const rewrapped = await inBatches(() => rewrap(db, keys, keyId))
      return contacts + browsers + rewrapped
    },
    async needed(replaced) {
      const { rows } = await sql<{ keyId: string }>`
        select n.key_id as "keyId"
        from unnest(${replaced.map(({ keyId }) => keyId)}::text[]) as n (key_id)
        where exists (select from person_key k where k.ring_key_id = n.key_id)`.execute(db)
      return rows.map(({ keyId }) => keyId)
    },
  }
}

async function inBatches(batch: () => Promise<number>): Promise<number> {
  let total = 0
  for (let n = 0; n < BATCHES_AT_MOST; n += 1) {
    const done = await batch()
    total += done
    if (done < ROWS_PER_BATCH) break
  }
  return total
}

/** Contacts from before there were keys of persons. */
function closeContacts(db: Database, keys: PersonKeys): Promise<number> {
  return db.transaction().execute(async (trx) => {
    await keepFromErasure(trx)
    const { rows } = await sql<Omit<Contact, 'push'>>`
      select c.holder_ref as "holderRef", c.display_name as "displayName", c.email, c.phone, c.locale,
        c.channels
      from contact c where c.sealed is null
      order by c.holder_ref limit ${ROWS_PER_BATCH} for update skip locked`.execute(trx)
    if (rows.length === 0) return 0
    await writeContacts(
      trx,
      keys,
      rows.map((row) => ({ ...row, push: null })),
    )
    return rows.length
  })
}

type ReadableBrowser = {
  readonly id: string
  readonly holderRef: string
  readonly endpoint: string
  readonly p256dh: string
  readonly auth: string
}

function closeBrowsers(db: Database, keys: PersonKeys): Promise<number> {
  return db.transaction().execute(async (trx) => {
    await keepFromErasure(trx)
    const { rows } = await sql<ReadableBrowser>`
      select s.id, s.holder_ref as "holderRef", s.endpoint, s.p256dh, s.auth
      from push_subscription s where s.sealed is null
      order by s.holder_ref limit ${ROWS_PER_BATCH} for update skip locked`.execute(trx)
    if (rows.length === 0) return 0
    const keyByRef = await keys.ensure(trx, [...new Set(rows.map(({ holderRef }) => holderRef))])
    const sealed = rows.map((row) => {
      const key = keyByRef.get(row.holderRef)
      if (key === undefined) throw new Error('a person was erased while their browser was closed')
      return sealBrowser(key, row.holderRef, row)
    })
    await sql`
      update push_subscription s
      set sealed = n.sealed, endpoint = null, p256dh = null, auth = null, updated_at = now()
      from unnest(${rows.map(({ id }) => id)}::uuid[], ${sealed}::bytea[]) as n (id, sealed)
      where s.id = n.id`.execute(trx)
    return rows.length
  })
}

/** Keys of persons that another key of the ring closes, or none. */
function rewrap(db: Database, keys: PersonKeys, activeKeyId: string): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ holderRef: string; ringKeyId: string | null; material: Buffer }>`
      select k.holder_ref as "holderRef", k.ring_key_id as "ringKeyId", k.material
      from person_key k where k.ring_key_id is distinct from ${activeKeyId}
      order by k.holder_ref limit ${ROWS_PER_BATCH} for update skip locked`.execute(trx)
    if (rows.length === 0) return 0
    const closed = []
    for (const { holderRef, ...stored } of rows) {
      const key = await keys.keyOf(holderRef, stored)
      if (key !== null) closed.push({ holderRef, ...keys.stored(holderRef, key) })
    }
    await sql`
      update person_key k set ring_key_id = n.ring_key_id, material = n.material, updated_at = now()
      from unnest(${closed.map(({ holderRef }) => holderRef)}::text[],
        ${closed.map(({ ringKeyId }) => ringKeyId)}::text[],
        ${closed.map(({ material }) => Buffer.from(material))}::bytea[]
      ) as n (holder_ref, ring_key_id, material)
      where k.holder_ref = n.holder_ref`.execute(trx)
    return rows.length
  })
}
