/** Providers' health in Postgres. Every time is the database's wall clock. */
import { sql } from 'kysely'

import type {
  CallReport,
  CallSigns,
  JudgedProvider,
  ProviderHealth,
  ProviderHealthStore,
  ProviderStateChange,
} from '../../domain/ports/provider-health-store.ts'
import type { ProviderReason, ProviderState } from '../../domain/provider-health.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { planOf, type PlanRow } from './plan-store.ts'

/** What the share of failures is counted over. */
const SIGNS_MIN = 15
/** A process reports several times within this; one that does not has ended. */
const ALIVE_S = 120
/** Reports are kept a day, for people who look; changes of state for a quarter of a year. */
const REPORTS_DAYS = 1
const CHANGES_DAYS = 90
/** An installation has a handful of providers. */
const PROVIDERS_LIMIT = 100

/** The store over `db`. */
export function createProviderHealthStore(db: Database): ProviderHealthStore {
  return {
    report: (reporter, reports) => report(db, reporter, reports),
    signs: () => readSigns(db),
    save: (providers) => save(db, providers),
    list: () => list(db),
  }
}

async function report(
  db: Database,
  reporter: string,
  reports: readonly CallReport[],
): Promise<void> {
  await sql`
    with r as (
      select * from unnest(
        ${reports.map(({ provider }) => provider)}::text[],
        ${reports.map(({ breaker }) => breaker)}::text[],
        ${reports.map(({ calls }) => calls)}::bigint[],
        ${reports.map(({ failures }) => failures)}::bigint[],
        ${reports.map(({ hasAnswer }) => hasAnswer)}::boolean[],
        ${reports.map(({ openConnections }) => openConnections)}::integer[]
      ) as u (provider, breaker, calls, failures, has_answer, open_connections)
      order by provider
    ),
    counted as (
      insert into provider_calls as c (provider, minute, calls, failures)
      select provider, date_trunc('minute', clock_timestamp()), calls, failures from r where calls > 0
      on conflict (provider, minute) do update set calls = c.calls + excluded.calls,
        failures = c.failures + excluded.failures, updated_at = now()
    )
    insert into provider_process as p (provider, reporter, breaker, last_answer_at, open_connections)
    select provider, ${reporter}, breaker, case when has_answer then clock_timestamp() end,
      open_connections from r
    on conflict (provider, reporter) do update set breaker = excluded.breaker,
      last_answer_at = coalesce(excluded.last_answer_at, p.last_answer_at),
      open_connections = excluded.open_connections,
      updated_at = now()`.execute(db)
}

async function readSigns(db: Database): Promise<CallSigns[]> {
  const { rows } = await sql<{
    provider: string
    calls: number
    failures: number
    processes: number
    open_breakers: number
    last_answer_at: Instant | null
    since_answer_ms: number | null
  }>`
    select p.provider, coalesce(c.calls, 0)::bigint as calls, coalesce(c.failures, 0)::bigint as failures,
      count(*) filter (where p.is_alive)::integer as processes,
      count(*) filter (where p.is_alive and p.breaker <> 'closed')::integer as open_breakers,
      max(p.last_answer_at) as last_answer_at,
      extract(epoch from clock_timestamp() - max(p.last_answer_at))::float8 * 1000 as since_answer_ms
    from (
      select *, updated_at > clock_timestamp() - ${ALIVE_S} * interval '1 second' as is_alive
      from provider_process
    ) as p
    left join lateral (
      select sum(calls) as calls, sum(failures) as failures from provider_calls
      where provider = p.provider and minute > clock_timestamp() - ${SIGNS_MIN} * interval '1 minute'
    ) as c on true
    group by p.provider, c.calls, c.failures
    order by p.provider
    limit ${PROVIDERS_LIMIT}`.execute(db)
  return rows.map((row) => ({
    provider: row.provider,
    calls: row.calls,
    failures: row.failures,
    processes: row.processes,
    openBreakers: row.open_breakers,
    lastAnswerAt: row.last_answer_at,
    sinceAnswerMs: row.since_answer_ms,
  }))
}

async function save(
  db: Database,
  providers: readonly JudgedProvider[],
): Promise<ProviderStateChange[]> {
  return await db.transaction().execute(async (trx) => {
    const changes: ProviderStateChange[] = []
    for (const judged of providers) {
      const change = await saveOne(trx, judged)
      if (change !== null) changes.push(change)
    }
    await sql`
      delete from provider_calls
      where minute < clock_timestamp() - ${REPORTS_DAYS} * interval '1 day'`.execute(trx)
    await sql`
      delete from provider_process
      where updated_at < clock_timestamp() - ${REPORTS_DAYS} * interval '1 day'`.execute(trx)
    await sql`
      delete from provider_state_change
      where created_at < clock_timestamp() - ${CHANGES_DAYS} * interval '1 day'`.execute(trx)
    return changes
  })
}

async function saveOne(trx: Database, judged: JudgedProvider): Promise<ProviderStateChange | null> {
  const { provider, keyId, state, reason, answeredInMs } = judged
  const before = await sql<{ state: ProviderState }>`
    select state from provider_health where provider = ${provider} for update`.execute(trx)
  const from = before.rows[0]?.state ?? null
  const inMs = answeredInMs === null ? null : Math.round(answeredInMs)
  await sql`
    insert into provider_health as h (provider, key_id, state, reason, since, checked_at, answered_in_ms,
      last_answer_at, calls, failures, processes, open_breakers, day_units, day_budget, month_units,
      month_budget)
    values (${provider}, ${keyId}, ${state}, ${reason}, clock_timestamp(), clock_timestamp(), ${inMs}::integer,
      case when ${inMs}::integer is null
        then (select max(last_answer_at) from provider_process where provider = ${provider})
        else clock_timestamp() end,
      ${judged.calls}, ${judged.failures}, ${judged.processes}, ${judged.openBreakers},
      ${judged.dayUnits}, ${judged.dayBudget}::bigint, ${judged.monthUnits},
      ${judged.monthBudget}::bigint)
    on conflict (provider) do update set key_id = excluded.key_id, state = excluded.state,
      reason = excluded.reason,
      since = case when h.state = excluded.state then h.since else excluded.since end,
      checked_at = excluded.checked_at, answered_in_ms = excluded.answered_in_ms,
      last_answer_at = greatest(excluded.last_answer_at, h.last_answer_at),
      calls = excluded.calls, failures = excluded.failures, processes = excluded.processes,
      open_breakers = excluded.open_breakers, day_units = excluded.day_units,
      day_budget = excluded.day_budget, month_units = excluded.month_units,
      month_budget = excluded.month_budget, updated_at = now()`.execute(trx)
  if (from === state) return null
  await sql`
    insert into provider_state_change (provider, from_state, to_state, reason)
    values (${provider}, ${from}, ${state}, ${reason})`.execute(trx)
  return { provider, from, to: state, reason }
}

/** Without a plan all of its columns are null. */
type HealthRow = { [Column in keyof PlanRow]: PlanRow[Column] | null } & {
  readonly probed_at: Instant | null
  readonly provider: string
  readonly key_id: string | null
  readonly state: ProviderState
  readonly reason: ProviderReason
  readonly since: Instant
  readonly checked_at: Instant
  readonly answered_in_ms: number | null
  readonly last_answer_at: Instant | null
  readonly calls: number
  readonly failures: number
  readonly processes: number
  readonly open_breakers: number
  readonly day_units: number
  readonly day_budget: number | null
  readonly month_units: number
  readonly month_budget: number | null
}

async function list(db: Database): Promise<ProviderHealth[]> {
  const { rows } = await sql<HealthRow>`
    select h.provider, h.key_id, h.state, h.reason, h.since, h.checked_at, h.answered_in_ms,
      h.last_answer_at, h.calls, h.failures, h.processes, h.open_breakers, h.day_units, h.day_budget,
      h.month_units, h.month_budget, p.present, p.past, p.future, p.present_reason, p.past_reason,
      p.future_reason, p.probed_at
    from provider_health h
    left join provider_plan p on p.provider = h.provider and p.key_id = h.key_id
    order by h.provider
    limit ${PROVIDERS_LIMIT}`.execute(db)
  return rows.map((row) => ({
    provider: row.provider,
    keyId: row.key_id,
    state: row.state,
    reason: row.reason,
    since: row.since,
    checkedAt: row.checked_at,
    answeredInMs: row.answered_in_ms,
    lastAnswerAt: row.last_answer_at,
    calls: row.calls,
    failures: row.failures,
    processes: row.processes,
    openBreakers: row.open_breakers,
    dayUnits: row.day_units,
    dayBudget: row.day_budget,
    monthUnits: row.month_units,
    monthBudget: row.month_budget,
    plan: storedPlan(row),
  }))
}

function storedPlan(row: HealthRow): ProviderHealth['plan'] {
  const { present, past, future, probed_at: probedAt } = row
  if (present === null || past === null || future === null) return null
  return { ...planOf({ ...row, present, past, future }), probedAt }
}
