/** Contacts in Postgres. */
import { sql } from 'kysely'

import type { Contact } from '../../domain/contact.ts'
import { CONTACTS_PER_SAVE } from '../../domain/ports/contact-store.ts'
import type { ContactStore, SavedContacts } from '../../domain/ports/contact-store.ts'
import type { Database } from '../client.ts'

/** The contact store over `db`. */
export function createContactStore(db: Database): ContactStore {
  return {
    save: (contacts, savedBy) => save(db, contacts, savedBy),
    async erase(holderRef, { by, reason }) {
      // The token stays in the trail: it is no name, and policies keep it as well.
      const { rows } = await sql<{ holder_ref: string }>`
        with erased as (
          delete from contact where holder_ref = ${holderRef} returning holder_ref
        )
        insert into audit_event (at, actor, action, subject, details)
        select now(), ${by}, 'contacts.erase', 'holder:' || holder_ref,
          ${JSON.stringify({ reason })}::jsonb
        from erased
        returning subject as holder_ref`.execute(db)
      return rows.length === 1
    },
  }
}

/** The last of several rows of one holder counts, as if they had come one after the other. */
async function save(
  db: Database,
  given: readonly Contact[],
  savedBy: string | undefined,
): Promise<SavedContacts> {
  if (given.length > CONTACTS_PER_SAVE) {
    throw new RangeError(`at most ${CONTACTS_PER_SAVE} contacts at once: ${given.length}`)
  }
  const contacts = [...new Map(given.map((contact) => [contact.holderRef, contact])).values()]
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ created: boolean }>`
      insert into contact (holder_ref, display_name, email, phone, locale, channels)
      select c.holder_ref, c.display_name, c.email, c.phone, c.locale,
        coalesce(string_to_array(nullif(c.channels, ''), ','), '{}')
      from unnest(
        ${contacts.map((c) => c.holderRef)}::text[], ${contacts.map((c) => c.displayName)}::text[],
        ${contacts.map((c) => c.email)}::text[], ${contacts.map((c) => c.phone)}::text[],
        ${contacts.map((c) => c.locale)}::text[],
        ${contacts.map((c) => c.channels.join(','))}::text[]
      ) as c (holder_ref, display_name, email, phone, locale, channels)
      order by c.holder_ref
      on conflict (holder_ref) do update
      set display_name = excluded.display_name, email = excluded.email, phone = excluded.phone,
        locale = excluded.locale, channels = excluded.channels, updated_at = now()
      where (contact.display_name, contact.email, contact.phone, contact.locale, contact.channels)
        is distinct from (excluded.display_name, excluded.email, excluded.phone, excluded.locale,
          excluded.channels)
      returning xmax = 0 as created`.execute(trx)
    const pushed = contacts.flatMap(({ holderRef, push }) =>
      push === null ? [] : [{ holderRef, ...push }],
    )
    // A browser that somebody else signs in on is theirs from then on.
    await sql`
      insert into push_subscription (id, holder_ref, endpoint, p256dh, auth)
      select groundstop_id('push|' || s.endpoint), s.holder_ref, s.endpoint, s.p256dh, s.auth
      from unnest(
        ${pushed.map((s) => s.holderRef)}::text[], ${pushed.map((s) => s.endpoint)}::text[],
        ${pushed.map((s) => s.p256dh)}::text[], ${pushed.map((s) => s.auth)}::text[]
      ) as s (holder_ref, endpoint, p256dh, auth)
      on conflict (endpoint) do update
      set holder_ref = excluded.holder_ref, p256dh = excluded.p256dh, auth = excluded.auth,
        updated_at = now()
      where (push_subscription.holder_ref, push_subscription.p256dh, push_subscription.auth)
        is distinct from (excluded.holder_ref, excluded.p256dh, excluded.auth)`.execute(trx)
    const created = rows.filter((row) => row.created).length
    const changed = rows.length - created
    if (savedBy !== undefined && rows.length > 0) {
      const details = JSON.stringify({ after: { created, changed } })
      await sql`
        insert into audit_event (at, actor, action, subject, details)
        values (now(), ${savedBy}, 'contacts.save', 'holders', ${details}::jsonb)`.execute(trx)
    }
    return { created, changed, unchanged: contacts.length - created - changed }
  })
}
