/** Messages of a batch with where they go: the only statement that reads addresses. */
import { sql } from 'kysely'

import { ALERTS_OWNERS, isMailAddress } from '../../domain/alert-owners.ts'
import { currency, minorUnits } from '../../domain/money.ts'
import type {
  MessageLocale,
  NotificationChannel,
  NotificationTemplate,
} from '../../domain/notification.ts'
import type { OperatorNotice } from '../../domain/messages/render.ts'
import type { PayoutState } from '../../domain/payout.ts'
import type { DueMessage } from '../../domain/ports/notification-store.ts'
import type { NotifierAddress } from '../../domain/ports/notifier.ts'
import type { Instant } from '../../domain/time.ts'
import type { PushSubscription } from '../../domain/contact.ts'
import type { Database } from '../client.ts'
import type { PersonKeys } from './person-keys.ts'
import {
  openBrowser,
  openNames,
  type ContactNames,
  type StoredBrowser,
  type StoredNames,
} from './sealed-contact.ts'

type Row = StoredNames &
  Omit<StoredBrowser, 'sealed'> & {
    readonly id: string
    readonly to_ref: string
    readonly browser_sealed: Uint8Array | null
    readonly audience: 'holder' | 'operator'
    readonly template: NotificationTemplate
    readonly template_version: number
    readonly locale: MessageLocale
    readonly channel: NotificationChannel
    readonly attempts: number
    readonly age_ms: number
    readonly content: OperatorNotice | null
    readonly owner_email: unknown
    readonly policy_number: string | null
    readonly payout_id: string | null
    readonly payout_state: PayoutState | null
    readonly amount_minor: number | null
    readonly currency: string | null
    readonly paid_at: Instant | null
  }

/** What reading messages works over. */
export type MessageDeps = { readonly db: Database; readonly keys: PersonKeys }

const COLUMNS = sql`n.id, n.to_ref, n.audience, n.template, n.template_version, n.locale, n.channel, n.attempts,
  floor(extract(epoch from now() - n.created_at) * 1000)::bigint as age_ms, n.content,
  e.value -> n.to_ref -> 'email' as owner_email,
  c.sealed, c.email, c.phone, c.display_name, k.ring_key_id as "ringKeyId", k.material,
  s.sealed as browser_sealed, s.endpoint, s.p256dh, s.auth, p.policy_number,
  o.id as payout_id, o.state as payout_state, o.amount_minor, o.currency, o.paid_at`

const JOINS = sql`
  left join contact c on n.audience = 'holder' and c.holder_ref = n.to_ref
  left join setting e on n.audience = 'operator' and e.key = ${ALERTS_OWNERS}
  left join person_key k on n.audience = 'holder' and k.holder_ref = n.to_ref
  left join push_subscription s on s.id = n.push_subscription_id and s.holder_ref = n.to_ref
  left join policy p on p.id = n.policy_id
  left join payout o on o.id = n.payout_id`

/** Messages of a batch that may be tried now. */
export async function takeMessages(
  { db, keys }: MessageDeps,
  batchId: string,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<readonly DueMessage[]> {
  await sql`
    update notification
    set claimed_until = now() + ${leaseMs}::int * interval '1 millisecond', updated_at = now()
    where batch_id = ${batchId}::uuid and state = 'QUEUED'`.execute(db)
  const { rows } = await sql<Row>`
    select ${COLUMNS} from notification n ${JOINS}
    where n.batch_id = ${batchId}::uuid and n.state = 'QUEUED' and n.next_attempt_at <= now()
    order by n.next_attempt_at, n.id
    limit ${limit}`.execute(db)
  return Promise.all(rows.map((row) => toMessage(keys, row)))
}

/** One message as it would be sent, whatever its state; null when there is none. */
export async function readMessage(
  { db, keys }: MessageDeps,
  notificationId: string,
): Promise<DueMessage | null> {
  const { rows } = await sql<Row>`
    select ${COLUMNS} from notification n ${JOINS}
    where n.id = ${notificationId}::uuid limit 1`.execute(db)
  return rows[0] === undefined ? null : toMessage(keys, rows[0])
}

async function toMessage(keys: PersonKeys, row: Row): Promise<DueMessage> {
  const names = await openNames(keys, row.to_ref, row)
  const stored = { ...row, sealed: row.browser_sealed }
  const browser = row.channel === 'push' ? await openBrowser(keys, row.to_ref, stored) : null
  return {
    notificationId: row.id,
    template: row.template,
    version: row.template_version,
    locale: row.locale,
    channel: row.channel,
    attempts: row.attempts,
    ageMs: row.age_ms,
    address: addressOf(row, names, browser),
    displayName: names.displayName,
    policyNumber: row.policy_number,
    payout: payoutOf(row),
    notice: row.content,
  }
}

function addressOf(
  { audience, channel, owner_email: ownerEmail }: Row,
  { displayName: name, email, phone }: ContactNames,
  browser: PushSubscription | null,
): NotifierAddress | null {
  if (audience === 'operator') return addressOfOwner(channel, ownerEmail)
  switch (channel) {
    case 'email':
      return email === null ? null : { kind: 'email', email, name }
    case 'sms':
      return phone === null ? null : { kind: 'sms', phone }
    case 'push':
      return browser === null ? null : { kind: 'push', ...browser }
    case 'slack':
    case 'webhook':
      return { kind: 'fixed' }
  }
}

/** Where operators are told is a setting of each channel, but for mail to owners with an address of their own. */
function addressOfOwner(channel: NotificationChannel, email: unknown): NotifierAddress {
  const isOwn = channel === 'email' && isMailAddress(email)
  return isOwn ? { kind: 'email', email, name: null } : { kind: 'fixed' }
}

function payoutOf(row: Row): DueMessage['payout'] {
  const { payout_id: payoutId, payout_state: state, amount_minor: minor, paid_at: paidAt } = row
  if (payoutId === null || state === null || minor === null || row.currency === null) return null
  const amount = { minor: minorUnits(minor), currency: currency(row.currency) }
  return { payoutId, state, amount, paidAt }
}
