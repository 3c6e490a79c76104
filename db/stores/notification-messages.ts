/** Messages of a batch with where they go: the only statement that reads addresses. */
import { sql } from 'kysely'

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
import type { Database } from '../client.ts'

type Row = {
  readonly id: string
  readonly audience: 'holder' | 'operator'
  readonly template: NotificationTemplate
  readonly template_version: number
  readonly locale: MessageLocale
  readonly channel: NotificationChannel
  readonly attempts: number
  readonly age_ms: number
  readonly content: OperatorNotice | null
  readonly email: string | null
  readonly phone: string | null
  readonly display_name: string | null
  readonly endpoint: string | null
  readonly p256dh: string | null
  readonly auth: string | null
  readonly policy_number: string | null
  readonly payout_id: string | null
  readonly payout_state: PayoutState | null
  readonly amount_minor: number | null
  readonly currency: string | null
  readonly paid_at: Instant | null
}

const COLUMNS = sql`n.id, n.audience, n.template, n.template_version, n.locale, n.channel, n.attempts,
  floor(extract(epoch from now() - n.created_at) * 1000)::bigint as age_ms, n.content,
  c.email, c.phone, c.display_name, s.endpoint, s.p256dh, s.auth, p.policy_number,
  o.id as payout_id, o.state as payout_state, o.amount_minor, o.currency, o.paid_at`

const JOINS = sql`
  left join contact c on n.audience = 'holder' and c.holder_ref = n.to_ref
  left join push_subscription s on s.id = n.push_subscription_id
  left join policy p on p.id = n.policy_id
  left join payout o on o.id = n.payout_id`

/** Messages of a batch that may be tried now. */
export async function takeMessages(
  db: Database,
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
  return rows.map(toMessage)
}

/** One message as it would be sent, whatever its state; null when there is none. */
export async function readMessage(
  db: Database,
  notificationId: string,
): Promise<DueMessage | null> {
  const { rows } = await sql<Row>`
    select ${COLUMNS} from notification n ${JOINS}
    where n.id = ${notificationId}::uuid limit 1`.execute(db)
  return rows[0] === undefined ? null : toMessage(rows[0])
}

function toMessage(row: Row): DueMessage {
  return {
    notificationId: row.id,
    template: row.template,
    version: row.template_version,
    locale: row.locale,
    channel: row.channel,
    attempts: row.attempts,
    ageMs: row.age_ms,
    address: addressOf(row),
    displayName: row.display_name,
    policyNumber: row.policy_number,
    payout: payoutOf(row),
    notice: row.content,
  }
}

function addressOf(row: Row): NotifierAddress | null {
  // Where operators are told is a setting of each channel.
  if (row.audience === 'operator') return { kind: 'fixed' }
  switch (row.channel) {
    case 'email':
      return row.email === null ? null : { kind: 'email', email: row.email, name: row.display_name }
    case 'sms':
      return row.phone === null ? null : { kind: 'sms', phone: row.phone }
    case 'push': {
      const { endpoint, p256dh, auth } = row
      if (endpoint === null || p256dh === null || auth === null) return null
      return { kind: 'push', endpoint, p256dh, auth }
    }
    case 'slack':
    case 'webhook':
      return { kind: 'fixed' }
  }
}

function payoutOf(row: Row): DueMessage['payout'] {
  const { payout_id: payoutId, payout_state: state, amount_minor: minor, paid_at: paidAt } = row
  if (payoutId === null || state === null || minor === null || row.currency === null) return null
  const amount = { minor: minorUnits(minor), currency: currency(row.currency) }
  return { payoutId, state, amount, paidAt }
}
