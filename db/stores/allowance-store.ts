/**
 * The shared account of calls to outside services in Postgres: one row per key, one statement per lease.
 * Time is the database's wall clock, so that processes on several machines agree.
 */
import { sql } from 'kysely'

import { BUDGET_MARKS, unitsAllowed, unitsAtMark } from '../../domain/call-budget.ts'
import type {
  AllowanceStore,
  AllowanceUse,
  BudgetNotice,
  BudgetPeriod,
  CallLease,
  LeaseRequest,
} from '../../domain/ports/call-allowance.ts'
import type { Database } from '../client.ts'

/** Keys that a list gives: an installation has a handful. */
const KEYS_LIMIT = 100
const MS_PER_S = 1_000
/** Stands for "no budget" in comparisons; no count gets there. */
const UNLIMITED = Number.MAX_SAFE_INTEGER

/** The store over `db`. */
export function createAllowanceStore(db: Database): AllowanceStore {
  return {
    lease: (request) => lease(db, request),
    list: () => list(db),
  }
}

async function lease(db: Database, request: LeaseRequest): Promise<CallLease> {
  const row = await leaseOnce(db, request)
  if (row !== null) return leaseOf(request, row)
  await sql`
    insert into provider_allowance (provider, key_id) values (${request.provider}, ${request.keyId})
    on conflict do nothing`.execute(db)
  const made = await leaseOnce(db, request)
  if (made === null) throw new Error(`the allowance of ${request.provider} has no row`)
  return leaseOf(request, made)
}

type LeaseRow = {
  readonly calls: number
  readonly first_in_ms: number
  readonly day_units: number
  readonly month_units: number
  readonly day_mark: number
  readonly month_mark: number
  readonly told_day_mark: number
  readonly told_month_mark: number
}

/**
 * A bucket of one second's worth: a call moves the time at which it is full by one interval, and may be
 * made once that time is at most the bucket's depth away. The row is locked first, so that what follows
 * is read from the newest state.
 */
async function leaseOnce(db: Database, request: LeaseRequest): Promise<LeaseRow | null> {
  const { provider, keyId, purpose, calls, givenBack, terms } = request
  const intervalMs = MS_PER_S / terms.ratePerS
  const depthMs = Math.max(1, Math.floor(terms.ratePerS)) * intervalMs
  const allowed = (budget: number | null) =>
    unitsAllowed(purpose, budget, terms.reservePercent) ?? UNLIMITED
  const { rows } = await sql<LeaseRow>`
    with held as (
      select full_at, day, day_units, day_mark, month, month_units, month_mark
      from provider_allowance
      where provider = ${provider} and key_id = ${keyId}
      for update
    ),
    timed as (
      select held.*, clock_timestamp() as at from held
    ),
    dated as (
      select timed.*, (at at time zone 'UTC')::date as today,
        date_trunc('month', at at time zone 'UTC')::date as this_month
      from timed
    ),
    used as (
      select at, today, this_month, greatest(full_at, at) as full_at,
        case when day = today then greatest(0, day_units - ${givenBack}::bigint) else 0 end
          as day_used,
        case when month = this_month then greatest(0, month_units - ${givenBack}::bigint) else 0 end
          as month_used,
        case when day = today then day_mark else 0 end as told_day_mark,
        case when month = this_month then month_mark else 0 end as told_month_mark
      from dated
    ),
    granted as (
      select used.*, greatest(0, least(${calls}::bigint, ${allowed(terms.dayBudget)}::bigint - day_used,
        ${allowed(terms.monthBudget)}::bigint - month_used)) as calls
      from used
    ),
    marked as (
      select granted.*, ${markOf('day', terms.dayBudget)} as day_reached,
        ${markOf('month', terms.monthBudget)} as month_reached
      from granted
    )
    update provider_allowance p set
      full_at = m.full_at + m.calls * ${intervalMs}::float8 * interval '1 millisecond',
      day = m.today, day_units = m.day_used + m.calls,
      month = m.this_month, month_units = m.month_used + m.calls,
      day_mark = greatest(m.told_day_mark, m.day_reached),
      month_mark = greatest(m.told_month_mark, m.month_reached),
      updated_at = now()
    from marked m
    where p.provider = ${provider} and p.key_id = ${keyId}
    returning m.calls, p.day_units, p.month_units, p.day_mark, p.month_mark, m.told_day_mark,
      m.told_month_mark,
      extract(epoch from m.full_at - m.at)::float8 * ${MS_PER_S}::float8
        + ${intervalMs}::float8 - ${depthMs}::float8 as first_in_ms`.execute(db)
  return rows[0] ?? null
}

/** The highest mark that `<period>_used + calls` units have reached. */
function markOf(period: BudgetPeriod, budget: number | null) {
  if (budget === null) return sql`0`
  const units = sql.raw(period === 'day' ? 'day_used + calls' : 'month_used + calls')
  const marks = BUDGET_MARKS.toReversed().map(
    (percent) =>
      sql`when ${units} >= ${unitsAtMark(budget, percent)}::bigint then ${percent}::integer`,
  )
  return sql`case ${sql.join(marks, sql` `)} else 0 end`
}

function leaseOf({ calls, purpose, terms }: LeaseRequest, row: LeaseRow): CallLease {
  const { dayBudget, monthBudget, reservePercent } = terms
  const isSpent = (units: number, budget: number | null): boolean =>
    units >= (unitsAllowed(purpose, budget, reservePercent) ?? UNLIMITED)
  const spent = isSpent(row.month_units, monthBudget)
    ? 'month'
    : isSpent(row.day_units, dayBudget)
      ? 'day'
      : null
  const notices: BudgetNotice[] = []
  if (dayBudget !== null && row.day_mark > row.told_day_mark) {
    const { day_mark: percent, day_units: units } = row
    notices.push({ period: 'day', percent, units, budget: dayBudget })
  }
  if (monthBudget !== null && row.month_mark > row.told_month_mark) {
    const { month_mark: percent, month_units: units } = row
    notices.push({ period: 'month', percent, units, budget: monthBudget })
  }
  return {
    calls: row.calls,
    firstInMs: row.first_in_ms,
    spent: row.calls < calls ? spent : null,
    notices,
  }
}

async function list(db: Database): Promise<AllowanceUse[]> {
  const { rows } = await sql<{
    provider: string
    key_id: string
    day_units: number
    month_units: number
  }>`
    select provider, key_id,
      case when day = (clock_timestamp() at time zone 'UTC')::date then day_units else 0 end
        as day_units,
      case when month = date_trunc('month', clock_timestamp() at time zone 'UTC')::date
        then month_units else 0 end as month_units
    from provider_allowance
    order by provider, key_id
    limit ${KEYS_LIMIT}`.execute(db)
  return rows.map((row) => ({
    provider: row.provider,
    keyId: row.key_id,
    dayUnits: row.day_units,
    monthUnits: row.month_units,
  }))
}
