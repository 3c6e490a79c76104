/** The switches of cover in Postgres. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import type {
  CoverSwitch,
  CoverSwitches,
  CoverSwitching,
  SwitchOutcome,
} from '../../domain/ports/cover-switch.ts'
import type { Database } from '../client.ts'
import type { DB } from '../types.generated.ts'

/** Products are a few dozen in any installation. */
const SWITCHES_LIMIT = 1_000

/** The switches over `db`. */
export function createCoverSwitches(db: Database): CoverSwitches {
  return {
    switchCover: (switching) => db.transaction().execute((trx) => switchCover(trx, switching)),
    async list() {
      const { rows } = await sql<CoverSwitch>`
        select c.product, c.is_armed as "isArmed", c.changed_by as "changedBy", c.reason,
          c.changed_at as "changedAt"
        from cover_switch c order by c.product limit ${SWITCHES_LIMIT}`.execute(db)
      return rows
    },
  }
}

async function switchCover(
  trx: Transaction<DB>,
  switching: CoverSwitching,
): ReturnType<CoverSwitches['switchCover']> {
  const { product, isArmed, by, reason, at, ref } = switching
  // Requests about one product take turns, also while it has no row.
  await sql`select pg_advisory_xact_lock(hashtextextended('cover|' || ${product}, 0))`.execute(trx)
  const done = await sql<{ outcome: SwitchOutcome }>`
    select d.outcome from cover_switch_change d where d.ref = ${ref}`.execute(trx)
  const [before] = done.rows
  if (before !== undefined) return { kind: 'done', outcome: before.outcome }
  const { rows } = await sql<{ code: string }>`
    select distinct v.code from product_version v order by v.code limit ${SWITCHES_LIMIT}
  `.execute(trx)
  const known = rows.map(({ code }) => code)
  if (!known.includes(product)) return { kind: 'unknown-product', known }
  const outcome = switching.isMissed ? 'missed' : await move(trx, switching)
  await sql`
    insert into cover_switch_change (ref, product, is_armed, outcome, at)
    values (${ref}, ${product}, ${isArmed}::boolean, ${outcome}, ${at}::timestamptz)`.execute(trx)
  if (outcome !== 'unchanged') {
    const done = isArmed ? 'armed' : 'disarmed'
    await sql`
      insert into audit_event (at, actor, action, subject, details)
      values (${at}::timestamptz, ${by}, ${outcome === 'missed' ? 'cover.missed' : `cover.${done}`},
        ${`product:${product}`}, ${JSON.stringify({ reason, ref, isArmed })}::jsonb)`.execute(trx)
  }
  return { kind: 'done', outcome }
}

async function move(
  trx: Transaction<DB>,
  { product, isArmed, by, reason, at }: CoverSwitching,
): Promise<SwitchOutcome> {
  const { rows } = await sql`
    insert into cover_switch as c (product, is_armed, changed_by, reason, changed_at)
    select ${product}, ${isArmed}::boolean, ${by}, ${reason}, ${at}::timestamptz
    -- On sale is where every product begins.
    where not ${isArmed}::boolean or exists (select from cover_switch o where o.product = ${product})
    on conflict (product) do update
    set is_armed = excluded.is_armed, changed_by = excluded.changed_by, reason = excluded.reason,
      changed_at = excluded.changed_at, updated_at = now()
    where c.is_armed <> excluded.is_armed
    returning c.product`.execute(trx)
  return rows.length > 0 ? 'switched' : 'unchanged'
}
