/** What processes and keys left behind in the account of outside services. Wall time of the database. */
import { sql } from 'kysely'

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

/** Rows that somebody writes at this moment are not stale: they are left out rather than waited for. */
async function removeStale(db: Database, limit: number): Promise<InstanceCounts> {
  const { rows } = await sql<Record<InstanceKind, number>>`
    with processes as (
      delete from provider_process where ctid = any (array(
        select ctid from provider_process
        where updated_at < clock_timestamp() - make_interval(mins => ${PROCESS_MIN}::int)
        limit ${limit} for update skip locked)) returning 1
    ),
    holders as (
      delete from key_holder where ctid = any (array(
        select ctid from key_holder
        where seen_at < clock_timestamp() - make_interval(mins => ${PROCESS_MIN}::int)
        limit ${limit} for update skip locked)) returning 1
    ),
    allowances as (
      delete from provider_allowance where ctid = any (array(
        select ctid from provider_allowance
        where month < date_trunc('month', clock_timestamp() at time zone 'UTC')::date
          and day < (clock_timestamp() at time zone 'UTC')::date
          and full_at <= clock_timestamp()
          and updated_at < clock_timestamp() - make_interval(mins => ${UNTOUCHED_MIN}::int)
        limit ${limit} for update skip locked)) returning 1
    ),
    plans as (
      delete from provider_plan where ctid = any (array(
        select ctid from provider_plan
        where updated_at < clock_timestamp() - make_interval(days => ${PLAN_DAYS}::int)
        limit ${limit} for update skip locked)) returning 1
    ),
    states as (
      delete from provider_health where ctid = any (array(
        select ctid from provider_health
        where checked_at < clock_timestamp() - make_interval(days => ${STATE_DAYS}::int)
          and exists (
            select from provider_health o
            where o.checked_at >= clock_timestamp() - make_interval(mins => ${JUDGED_MIN}::int))
        limit ${limit} for update skip locked)) returning 1
    )
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
    where updated_at > clock_timestamp() - make_interval(secs => ${ALIVE_S}::int)
    group by provider order by provider limit ${PROVIDERS_LIMIT}`.execute(db)
  return rows
}
