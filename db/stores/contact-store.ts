/** Contacts in Postgres: what names a person is closed with their own key before it is written. */
import { sql, type Transaction } from 'kysely'

import type { Contact } from '../../domain/contact.ts'
import { CONTACTS_PER_SAVE } from '../../domain/ports/contact-store.ts'
import type {
  ContactSaver,
  ContactStore,
  ErasureNote,
  SavedContacts,
} from '../../domain/ports/contact-store.ts'
import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import { DEFAULT_TENANT } from '../../domain/role.ts'
import type { Database } from '../client.ts'
import type { DB } from '../types.generated.ts'
import { shredPerson } from './person-erasure.ts'
import {
  createPersonKeys,
  holdForErasure,
  keepFromErasure,
  type PersonKeys,
} from './person-keys.ts'
import { sealBrowser, sealNames } from './sealed-contact.ts'
import { claimHolders, foreignHolders } from './tenant-holders.ts'

/** The contact store over `db`, with the ring that closes persons' keys; null: there is none. */
export function createContactStore(db: Database, ring: KeyRingSource | null): ContactStore {
  const keys = createPersonKeys(ring)
  return {
    save: (contacts, from = {}) => save(db, keys, { ...from, given: contacts }),
    erase: (holderRef, note) => db.transaction().execute((trx) => erase(trx, holderRef, note)),
  }
}

async function erase(
  trx: Transaction<DB>,
  holderRef: string,
  { by, reason }: ErasureNote,
): Promise<boolean> {
  await holdForErasure(trx)
  if (!(await shredPerson(trx, holderRef))) return false
  // The token stays in the trail: it is no name, and policies keep it as well.
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    values (now(), ${by}, 'contacts.erase', ${`holder:${holderRef}`},
      ${JSON.stringify({ reason })}::jsonb)`.execute(trx)
  return true
}

type Saving = ContactSaver & { readonly given: readonly Contact[] }

/** The last of several rows of one holder counts, as if they had come one after the other. */
async function save(
  db: Database,
  keys: PersonKeys,
  { given, by, tenant = DEFAULT_TENANT }: Saving,
): Promise<SavedContacts> {
  if (given.length > CONTACTS_PER_SAVE) {
    throw new RangeError(`at most ${CONTACTS_PER_SAVE} contacts at once: ${given.length}`)
  }
  const last = [...new Map(given.map((contact) => [contact.holderRef, contact])).values()]
  return db.transaction().execute(async (trx) => {
    await keepFromErasure(trx)
    const erased = await erasedOf(trx, last)
    const foreign = tenant === DEFAULT_TENANT ? [] : await claim(trx, last, tenant)
    const refused = new Set([...erased, ...foreign])
    const contacts = last.filter(({ holderRef }) => !refused.has(holderRef))
    const rows = await writeContacts(trx, keys, contacts)
    const created = rows.filter((row) => row.created).length
    const changed = rows.length - created
    if (by !== undefined && rows.length > 0) {
      const details = JSON.stringify({ after: { created, changed } })
      await sql`
        insert into audit_event (at, actor, action, subject, details)
        values (now(), ${by}, 'contacts.save', 'holders', ${details}::jsonb)`.execute(trx)
    }
    return { created, changed, unchanged: contacts.length - created - changed, erased, foreign }
  })
}

/** Takes the holders for the tenant; those who are another's are given back and stay so. */
async function claim(
  trx: Transaction<DB>,
  contacts: readonly Contact[],
  tenant: string,
): Promise<string[]> {
  const holders = contacts.map(({ holderRef }) => ({ holderRef, tenant }))
  const foreign = await foreignHolders(trx, holders)
  await claimHolders(
    trx,
    holders.filter(({ holderRef }) => !foreign.has(holderRef)),
  )
  return [...foreign]
}

/** Those who asked to be erased: they do not come back with an old file. */
async function erasedOf(trx: Transaction<DB>, contacts: readonly Contact[]): Promise<string[]> {
  const { rows } = await sql<{ holderRef: string }>`
    select e.holder_ref as "holderRef" from erased_person e
    where e.holder_ref = any(${contacts.map((c) => c.holderRef)}::text[])`.execute(trx)
  return rows.map(({ holderRef }) => holderRef)
}

/** Writes contacts and browsers, closed; the rows that changed. */
export async function writeContacts(
  trx: Transaction<DB>,
  keys: PersonKeys,
  contacts: readonly Contact[],
): Promise<readonly { readonly created: boolean }[]> {
  const keyByRef = await keys.ensure(
    trx,
    contacts.map(({ holderRef }) => holderRef),
  )
  const closed = contacts.map((contact) => {
    const { holderRef, push } = contact
    const key = keyByRef.get(holderRef)
    if (key === undefined) throw new Error('a person was erased while their contact was written')
    return {
      contact,
      names: sealNames(key, holderRef, contact),
      browser: push === null ? null : sealBrowser(key, holderRef, push),
    }
  })
  const { rows } = await sql<{ created: boolean }>`
    insert into contact (holder_ref, sealed, has_email, has_phone, locale, channels)
    select c.holder_ref, c.sealed, c.has_email, c.has_phone, c.locale,
      coalesce(string_to_array(nullif(c.channels, ''), ','), '{}')
    from unnest(
      ${contacts.map((c) => c.holderRef)}::text[], ${closed.map((c) => c.names)}::bytea[],
      ${contacts.map((c) => c.email !== null)}::boolean[],
      ${contacts.map((c) => c.phone !== null)}::boolean[],
      ${contacts.map((c) => c.locale)}::text[],
      ${contacts.map((c) => c.channels.join(','))}::text[]
    ) as c (holder_ref, sealed, has_email, has_phone, locale, channels)
    order by c.holder_ref
    on conflict (holder_ref) do update
    set sealed = excluded.sealed, has_email = excluded.has_email, has_phone = excluded.has_phone,
      display_name = null, email = null, phone = null,
      locale = excluded.locale, channels = excluded.channels, updated_at = now()
    where (contact.sealed, contact.locale, contact.channels)
      is distinct from (excluded.sealed, excluded.locale, excluded.channels)
    returning xmax = 0 as created`.execute(trx)
  const pushed = closed.flatMap(({ contact: { holderRef, push }, browser }) =>
    push === null || browser === null ? [] : [{ holderRef, endpoint: push.endpoint, browser }],
  )
  // A browser that somebody else signs in on is theirs from then on.
  await sql`
    insert into push_subscription (id, holder_ref, sealed)
    select groundstop_id('push|' || s.endpoint), s.holder_ref, s.sealed
    from unnest(
      ${pushed.map((s) => s.holderRef)}::text[], ${pushed.map((s) => s.endpoint)}::text[],
      ${pushed.map((s) => s.browser)}::bytea[]
    ) as s (holder_ref, endpoint, sealed)
    on conflict (id) do update
    set holder_ref = excluded.holder_ref, sealed = excluded.sealed, endpoint = null, p256dh = null,
      auth = null, updated_at = now()
    where (push_subscription.holder_ref, push_subscription.sealed)
      is distinct from (excluded.holder_ref, excluded.sealed)`.execute(trx)
  return rows
}
