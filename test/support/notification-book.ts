/** Books and contacts for tests of notifications. */
import { sql } from 'kysely'

import type { Database } from '../../db/client.ts'
import { createContactStore } from '../../db/stores/contact-store.ts'
import { parseContactRow, type RawContactRow } from '../../domain/contact.ts'

/** Saves contacts given as rows. */
export async function saveContacts(db: Database, rows: readonly RawContactRow[]): Promise<void> {
  const contacts = rows.map((row) => {
    const parsed = parseContactRow(row)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    return parsed.contact
  })
  await createContactStore(db, null).save(contacts)
}

export type NotificationRow = {
  readonly id: string
  readonly template: string
  readonly channel: string
  readonly locale: string
  readonly state: string
  readonly reason: string | null
  readonly attempts: number
  readonly last_code: string | null
  readonly provider_ref: string | null
  readonly batch_id: string | null
  readonly policy_number: string | null
}

/** All notifications with their policies' numbers, in a stable order. */
export async function readNotifications(db: Database): Promise<readonly NotificationRow[]> {
  const { rows } = await sql<NotificationRow>`
    select n.id, n.template, n.channel, n.locale, n.state, n.reason, n.attempts, n.last_code,
      n.provider_ref, n.batch_id, p.policy_number
    from notification n left join policy p on p.id = n.policy_id
    order by p.policy_number, n.template, n.channel, n.id`.execute(db)
  return rows
}

/** Payments as the rail's acceptance leaves them. */
export async function pay(db: Database, policyNumber: string, transfer = 'tr'): Promise<void> {
  for (const state of ['APPROVED', 'SUBMITTED', 'PAID']) {
    const isPaid = state === 'PAID'
    await sql`
      update payout o set state = ${state}, approved_by = 'rule',
        paid_at = case when ${isPaid} then '2013-02-08T21:00:00Z'::timestamptz end,
        transfer_id = case when ${isPaid} then ${transfer}::text || '_' || o.id end
      from policy p where p.id = o.policy_id and p.policy_number = ${policyNumber}`.execute(db)
  }
}

/** The rail gave the money of a paid payout back. */
export async function giveBack(db: Database, policyNumber: string): Promise<void> {
  await sql`
    update payout o set state = 'RETURNED', paid_at = null
    from policy p where p.id = o.policy_id and p.policy_number = ${policyNumber}`.execute(db)
}

/** As if nothing had been paid or told; contacts are gone too. */
export async function forgetPayments(db: Database): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`truncate notification, contact, operator_notice, told_case cascade`.execute(trx)
    await sql`alter table payout disable trigger legal_move`.execute(trx)
    await sql`
      update payout set state = 'CREATED', paid_at = null, transfer_id = null, approved_by = null`.execute(
      trx,
    )
    await sql`alter table payout enable trigger legal_move`.execute(trx)
    await sql`truncate notification_fact`.execute(trx)
  })
}
