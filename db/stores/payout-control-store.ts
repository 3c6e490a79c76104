/** The controls of payouts in Postgres. */
import { sql } from 'kysely'

import {
  changePause,
  isSamePause,
  readPause,
  type PauseChange,
} from '../../domain/payout-controls.ts'
import type {
  ControlNote,
  PayoutControls,
  PayoutControlStore,
} from '../../domain/ports/payout-control-store.ts'
import {
  PAYOUTS_APPROVAL_LIMIT,
  PAYOUTS_DAILY_CEILING,
  PAYOUTS_PAUSED,
} from '../../domain/ports/setting-store.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** Rails times currencies: a few in any installation. */
const DRY_RAILS_LIMIT = 100

/** The control store over `db`. */
export function createPayoutControlStore(db: Database): PayoutControlStore {
  return {
    changePause: (change, note) => changeSwitch(db, change, note),
    read: (at) => read(db, at),
  }
}

function changeSwitch(
  db: Database,
  change: PauseChange,
  note: ControlNote,
): ReturnType<PayoutControlStore['changePause']> {
  const { by, reason, at } = note
  return db.transaction().execute(async (trx) => {
    const { product } = change
    const known = product === undefined ? [] : await productCodes(trx)
    if (product !== undefined && !known.includes(product)) return { kind: 'unknown-product', known }
    await sql`
      insert into setting (key, value, updated_by) values (${PAYOUTS_PAUSED}, 'false', ${by})
      on conflict do nothing`.execute(trx)
    const found = await sql<{ value: unknown }>`
      select s.value from setting s where s.key = ${PAYOUTS_PAUSED} for update`.execute(trx)
    const before = readPause(found.rows[0]?.value ?? null)
    const after = changePause(before, change)
    if (isSamePause(before, after)) return { kind: 'done', before, after }
    await sql`
      with changed as (
        update setting s
        set value = ${JSON.stringify(after)}::jsonb, updated_by = ${by}, updated_at = now()
        where s.key = ${PAYOUTS_PAUSED}
      )
      insert into audit_event (at, actor, action, subject, details)
      values (${at}::timestamptz, ${by}, ${`payouts.${change.action}`},
        ${product === undefined ? 'payouts' : `product:${product}`},
        ${JSON.stringify({ before, after, reason })}::jsonb)`.execute(trx)
    return { kind: 'done', before, after }
  })
}

/** Versions are never deleted, so a code that was paused once is known for ever. */
async function productCodes(trx: Database): Promise<string[]> {
  const { rows } = await sql<{ code: string }>`
    select distinct v.code from product_version v order by v.code`.execute(trx)
  return rows.map((row) => row.code)
}

type ControlsRow = {
  paused: unknown
  changed_by: string | null
  changed_at: Instant | null
  ceiling: unknown
  limit: unknown
}

async function read(db: Database, at: Instant): Promise<PayoutControls> {
  const settings = await sql<ControlsRow>`
    select k.value as paused, k.updated_by as changed_by, k.updated_at as changed_at,
      (select s.value from setting s where s.key = ${PAYOUTS_DAILY_CEILING}) as ceiling,
      (select s.value from setting s where s.key = ${PAYOUTS_APPROVAL_LIMIT}) as limit
    from (values (1)) as one (row)
    left join setting k on k.key = ${PAYOUTS_PAUSED}`.execute(db)
  const today = await sql<{ currency: string; approved_minor: string }>`
    select d.currency, d.approved_minor from payout_day d
    where d.day = (${at}::timestamptz at time zone 'UTC')::date
    order by d.currency`.execute(db)
  const rails = await sql<{
    provider: string
    currency: string
    held_since: Instant
    next_probe_at: Instant
  }>`
    select h.provider, h.currency, h.held_since, h.next_probe_at from rail_hold h
    order by h.provider, h.currency limit ${DRY_RAILS_LIMIT}`.execute(db)
  const row = settings.rows[0]
  return {
    pause: readPause(row?.paused ?? null),
    changedBy: row?.changed_by ?? null,
    changedAt: row?.changed_at ?? null,
    today: today.rows.map((day) => ({
      currency: day.currency,
      approvedMinor: day.approved_minor,
    })),
    dailyCeilingMinor: row?.ceiling ?? null,
    approvalLimitMinor: row?.limit ?? null,
    dryRails: rails.rows.map((rail) => ({
      provider: rail.provider,
      currency: rail.currency,
      since: rail.held_since,
      nextProbeAt: rail.next_probe_at,
    })),
  }
}
