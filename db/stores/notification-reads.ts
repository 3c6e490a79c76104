/** Reads notifications for people; only `find` reads what is needed to show the message itself. */
import { sql } from 'kysely'

import type {
  ListedNotification,
  NotificationFilter,
  NotificationReads,
} from '../../domain/ports/notification-reads.ts'
import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import type { Database } from '../client.ts'
import { keyPart, microsOf, pageOf, readKey, timeOfMicros } from '../keyset.ts'
import { readMessage } from './notification-messages.ts'
import { createPersonKeys } from './person-keys.ts'

const LISTED = sql`n.id as "notificationId", n.template, n.template_version as version, n.locale,
  n.channel, n.audience, p.policy_number as "policyNumber", n.state, n.reason, n.attempts,
  n.last_code as "lastCode", n.provider_ref as "providerRef", n.next_attempt_at as "nextAttemptAt",
  n.sent_at as "sentAt", n.created_at as "createdAt", n.resend_of as "resendOf"`

/** The reader over this database, with the ring that closes persons' keys; null: there is none. */
export function createNotificationReads(
  db: Database,
  ring: KeyRingSource | null,
): NotificationReads {
  const keys = createPersonKeys(ring)
  return {
    async list(filter, page) {
      const scope = ['notifications', filter]
      const key = readKey(page, scope, [keyPart.micros, keyPart.uuid])
      const { rows } = await sql<ListedNotification & { micros: string }>`
        select ${LISTED}, ${microsOf(sql`n.created_at`)} as micros
        from notification n left join policy p on p.id = n.policy_id
        where ${conditions(filter, key)}
        order by n.created_at desc, n.id desc
        limit ${page.limit + 1}`.execute(db)
      return pageOf(rows, page, scope, {
        item: ({ micros: _micros, ...row }) => row,
        key: ({ micros, notificationId }) => [micros, notificationId],
      })
    },
    async find(notificationId) {
      const { rows } = await sql<ListedNotification>`
        select ${LISTED} from notification n left join policy p on p.id = n.policy_id
        where n.id = ${notificationId}::uuid limit 1`.execute(db)
      const [listed] = rows
      const message = await readMessage({ db, keys }, notificationId)
      return listed === undefined || message === null ? null : { listed, message }
    },
  }
}

function conditions(filter: NotificationFilter, key: readonly string[] | null) {
  const { state, channel, template, audience, policyNumber } = filter
  const all = [sql`true`]
  if (key !== null) {
    all.push(sql`(n.created_at, n.id) < (${timeOfMicros(key[0] ?? null)}, ${key[1]}::uuid)`)
  }
  if (state !== undefined) all.push(sql`n.state = ${state}`)
  if (channel !== undefined) all.push(sql`n.channel = ${channel}`)
  if (template !== undefined) all.push(sql`n.template = ${template}`)
  if (audience !== undefined) all.push(sql`n.audience = ${audience}`)
  if (policyNumber !== undefined) {
    all.push(sql`n.policy_id = (select o.id from policy o where o.policy_number = ${policyNumber})`)
  }
  return sql.join(all, sql` and `)
}
