/** What processes and keys left behind in the account of outside services. Wall time of the database. */
import { sql, type RawBuilder } from 'kysely'

import type {
  InstanceCounts,
  InstanceKind,
  ProviderConnections,
  ProviderInstances,
} from '../../domain/ports/provider-instances.ts'
import type { Database } from '../client.ts'

/** A process reports several times within this; one that does not has ended. */
const ALIVE_S = 120
/** The share of failures is counted over a quarter of an hour, through the rows of processes. */
const PROCESS_MIN = 20
/** A row that was made just now is about to be used. */
const UNTOUCHED_MIN = 60
/** A plan is found out again every week while its key is in use. */
const PLAN_DAYS = 30
/** Health is judged every minute; it is stale only beside one that was. */
const STATE_DAYS = 1
const JUDGED_MIN = 10
/** An installation has a handful of providers. */
const PROVIDERS_LIMIT = 100

/** The store over `db`. */
export function createProviderInstances(db: Database): ProviderInstances {
  return {
    removeStale: (limit) => removeStale(db, limit),
    listOpen: () => listOpen(db),
  }
}

/** Deletes what is stale of a table. Rows that somebody writes at this moment are left out, not waited for. */
function removed(table: string, isStale: RawBuilder<unknown>, limit: number): RawBuilder<unknown> {
  return sql`
    delete from ${sql.table(table)} where ctid = any (array(
      select ctid from ${sql.table(table)} where ${isStale}
      limit ${limit} for update skip locked)) returning 1`
}

/** A moment in the past, by the database's clock. */
function ago(unit: 'secs' | 'mins' | 'days', amount: number): RawBuilder<unknown> {
  return sql`clock_timestamp() - make_interval(${sql.raw(unit)} => ${amount}::int)`
}

async function removeStale(db: Database, limit: number): Promise<InstanceCounts> {
  const thisMonth = sql`date_trunc('month', clock_timestamp() at time zone 'UTC')::date`
  const today = sql`(clock_timestamp() at time zone 'UTC')::date`
  const isUnused = sql`month < ${thisMonth} and day < ${today} and full_at <= clock_timestamp()
    and updated_at < ${ago('mins', UNTOUCHED_MIN)}`
  const isUnwatched = sql`checked_at < ${ago('days', STATE_DAYS)} and exists (
    select from provider_health o where o.checked_at >= ${ago('mins', JUDGED_MIN)})`
  const { rows } = await sql<Record<InstanceKind, number>>`
    with processes as (
      ${removed('provider_process', sql`updated_at < ${ago('mins', PROCESS_MIN)}`, limit)}
    ),
    holders as (
      ${removed('key_holder', sql`seen_at < ${ago('mins', PROCESS_MIN)}`, limit)}
    ),
    allowances as (${removed('provider_allowance', isUnused, limit)}),
    plans as (
      ${removed('provider_plan', sql`updated_at < ${ago('days', PLAN_DAYS)}`, limit)}
    ),
    states as (${removed('provider_health', isUnwatched, limit)})
    select (select count(*) from processes) as "provider-processes",
      (select count(*) from holders) as "key-holders",
      (select count(*) from allowances) as "allowances",
      (select count(*) from plans) as "plans",
      (select count(*) from states) as "provider-states"`.execute(db)
  const [counts] = rows
  if (counts === undefined) throw new Error('a statement without a table gave no row')
  return counts
}

async function listOpen(db: Database): Promise<ProviderConnections[]> {
  const { rows } = await sql<ProviderConnections>`
    select provider, count(*)::integer as processes,
      sum(open_connections)::integer as connections
    from provider_process
    where updated_at > ${ago('secs', ALIVE_S)}
    group by provider order by provider limit ${PROVIDERS_LIMIT}`.execute(db)
  return rows
}
