/** Corrections of payees in Postgres. */
import { sql } from 'kysely'

import type { PayeeCorrected, PayeeCorrection, PayeeStore } from '../../domain/ports/payee-store.ts'
import type { Database } from '../client.ts'
import { isOfAnotherTenant } from './tenant-holders.ts'

/** The payee store over `db`. */
export function createPayeeStore(db: Database): PayeeStore {
  return {
    correct: (correction) =>
      correct(db, correction).catch((error: unknown) => {
        if (!isOfAnotherTenant(error)) throw error
        return { kind: 'foreign' }
      }),
  }
}

type Row = { state: string; is_open: boolean; is_changed: boolean }

async function correct(db: Database, correction: PayeeCorrection): Promise<PayeeCorrected> {
  const { payoutId, payeeRef, by, reason, at } = correction
  const { rows } = await sql<Row>`
    with found as materialized (
      select p.id, p.policy_id, p.state, p.payee_ref,
        p.state in ('CREATED', 'FAILED', 'RETURNED') as is_open
      from payout p
      where p.id = ${payoutId}::uuid
      for update
    ), corrected as (
      update payout p
      set payee_ref = ${payeeRef}, first_approved_by = null, first_approval_ref = null,
        updated_at = now()
      from found f
      where p.id = f.id and f.is_open and f.payee_ref <> ${payeeRef}
      returning p.id, p.policy_id, f.payee_ref as before
    ), of_policy as (
      update policy o set payee_ref = ${payeeRef}, updated_at = now()
      from corrected c
      where o.id = c.policy_id
    ), audited as (
      insert into audit_event (at, actor, action, subject, details)
      select ${at}::timestamptz, ${by}, 'payout.payee', 'payout:' || c.id,
        jsonb_build_object('reason', ${reason}::text, 'before', c.before, 'after', ${payeeRef}::text)
      from corrected c
    )
    select f.state, f.is_open, exists (select from corrected) as is_changed from found f`.execute(
    db,
  )
  const [row] = rows
  if (row === undefined) return { kind: 'no-such-payout' }
  if (!row.is_open) return { kind: 'refused', state: row.state }
  return { kind: 'done', isChanged: row.is_changed, state: row.state }
}
