/** Rows that have had their time, class by class: one statement a batch, found by an index. */
import { sql, type RawBuilder } from 'kysely'

import type { AgedThings, Amount } from '../../domain/ports/aged-things.ts'
import type { RetentionClass } from '../../domain/retention.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** The classes that are rows. */
export type RowClass = Exclude<RetentionClass, 'files' | 'logs'>

/** What of which table, `r`, has had its time. */
export type AgedRows = {
  readonly table: string
  readonly isAged: (before: Instant) => RawBuilder<unknown>
  /** By which the oldest are found; an index has it. */
  readonly oldestFirst: RawBuilder<unknown>
  /** For tables that refuse a plain delete: the function of the schema that may. */
  readonly remover?: string
}

const ROWS: Readonly<Record<Exclude<RowClass, 'observations'>, AgedRows>> = {
  'holder-messages': messagesTo('holder'),
  'operator-messages': messagesTo('operator'),
  'operator-notices': {
    table: 'operator_notice',
    // A notice that is gone counts its episodes from one again, as do the ids of its messages: as long
    // as one of those is kept, a new one would be taken for it and never be sent.
    isAged: (before) => sql`r.recovered_at < ${before}::timestamptz and r.recovered_at < coalesce(
      (select min(n.created_at) from notification n where n.audience = 'operator'), 'infinity')`,
    oldestFirst: sql`r.recovered_at`,
  },
  'idempotent-requests': {
    table: 'idempotent_request',
    isAged: (before) => sql`r.created_at < ${before}::timestamptz
      and (r.response_status is not null or r.locked_until < ${before}::timestamptz)`,
    oldestFirst: sql`r.created_at`,
  },
  'run-logs': {
    table: 'run_log_line',
    isAged: (before) => sql`r.at < ${before}::timestamptz`,
    oldestFirst: sql`r.at`,
  },
  quotes: {
    table: 'quote',
    isAged: (before) =>
      sql`r.state in ('QUOTED', 'LAPSED') and r.expires_at < ${before}::timestamptz`,
    oldestFirst: sql`r.expires_at`,
    remover: 'remove_lapsed_quotes',
  },
  'listed-transfers': {
    table: 'listed_transfer',
    isAged: (before) => sql`r.created_at < ${before}::timestamptz`,
    oldestFirst: sql`r.created_at`,
  },
  'rail-holds': {
    table: 'rail_hold',
    isAged: (before) => sql`r.next_probe_at < ${before}::timestamptz`,
    oldestFirst: sql`r.next_probe_at`,
  },
  'rail-events': {
    table: 'payment_event',
    isAged: (before) => sql`r.outcome is not null and r.closed_at < ${before}::timestamptz`,
    oldestFirst: sql`r.closed_at`,
    remover: 'remove_applied_events',
  },
  'ended-tasks': {
    table: 'task',
    // Not while the server has yet to be told that its schedule is over.
    isAged: (before) => sql`r.state in ('DONE', 'FAILED', 'MISSED', 'CANCELLED')
      and r.updated_at < ${before}::timestamptz and r.applied_revision >= r.revision`,
    oldestFirst: sql`r.updated_at`,
  },
}

/** Every class of rows over `db`. */
export function createAgedRows(db: Database): Readonly<Record<RowClass, AgedThings>> {
  const entries = Object.entries(ROWS).map(([name, rows]) => [name, agedRows(db, rows)])
  const tables = Object.fromEntries(entries) as Record<keyof typeof ROWS, AgedThings> // same names
  return { ...tables, observations: agedObservations(db) }
}

/** Legs are gone through rather than observations: a settled one has some fifteen, few of which go. */
const OBSERVATIONS_PER_LEG = 10

/** What no decision rests on, of closed legs: the schema's own rule, see `remove_observations`. */
function agedObservations(db: Database): AgedThings {
  return {
    count: (before) =>
      amountOf(
        db,
        sql`
        select count(*) as items, coalesce(sum(pg_column_size(o.*)), 0)::bigint as bytes
        from flight_leg l join flight_observation o on o.leg_id = l.id
        where l.settled_at < ${before}::timestamptz and l.last_polled_at < ${before}::timestamptz
          and l.observations_removed is null and is_leg_closed(l)
          and o.last_seen_at < ${before}::timestamptz and not is_evidence(o)`,
      ),
    async removeBatch(before, limit) {
      const legsAtMost = Math.max(1, Math.floor(limit / OBSERVATIONS_PER_LEG))
      const { rows } = await sql<Amount & { readonly legs: number }>`
        select legs, items, bytes
        from remove_observations(${before}::timestamptz, ${legsAtMost})`.execute(db)
      const { legs, items, bytes } = rows[0] ?? { legs: 0, items: 0, bytes: 0 }
      return { items, bytes, hasMore: legs === legsAtMost }
    },
  }
}

/** Aged rows of one table as things that may go. */
export function agedRows(db: Database, rows: AgedRows): AgedThings {
  return {
    count: (before) =>
      amountOf(
        db,
        sql`
        select count(*) as items, coalesce(sum(pg_column_size(r.*)), 0)::bigint as bytes
        from ${sql.table(rows.table)} r where ${rows.isAged(before)}`,
      ),
    removeBatch: (before, limit) =>
      amountOf(
        db,
        rows.remover === undefined
          ? plainDelete(rows, before, limit)
          : sql`select items, bytes from ${sql.id(rows.remover)}(${before}::timestamptz, ${limit})`,
      ),
  }
}

/** By place in the table: the rows are locked, so that they do not move meanwhile. */
function plainDelete({ table, isAged, oldestFirst }: AgedRows, before: Instant, limit: number) {
  return sql`
    with aged as (
      select r.ctid as place, pg_column_size(r.*) as size
      from ${sql.table(table)} r where ${isAged(before)}
      order by ${oldestFirst} limit ${limit} for update of r skip locked
    ), gone as (
      delete from ${sql.table(table)} as d using aged a where d.ctid = a.place returning a.size
    )
    select count(*) as items, coalesce(sum(size), 0)::bigint as bytes from gone`
}

async function amountOf(db: Database, query: RawBuilder<unknown>): Promise<Amount> {
  const { rows } = await (query as RawBuilder<Amount>).execute(db) // both texts select these columns
  return rows[0] ?? { items: 0, bytes: 0 }
}

/** Messages that were sent or given up; one that was sent again goes after its repetition. */
function messagesTo(audience: 'holder' | 'operator'): AgedRows {
  return {
    table: 'notification',
    isAged: (
      before,
    ) => sql`r.audience = ${sql.lit(audience)} and r.created_at < ${before}::timestamptz
      and r.updated_at < ${before}::timestamptz and r.state <> 'QUEUED'
      and not exists (select from notification s where s.resend_of = r.id)`,
    oldestFirst: sql`r.created_at`,
  }
}
