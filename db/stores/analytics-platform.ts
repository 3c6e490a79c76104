/** Sections of the platform itself, in wall time: an hour from what it wrote down, more from hours. */
import { sql } from 'kysely'

import type { FigureRow, Figures } from '../../domain/analytics/sections.ts'
import type { Period } from '../../domain/analytics/period.ts'
import type { Database } from '../client.ts'

/** Jobs and services that a section names; there are some dozens. */
const ROWS_AT_MOST = 500

/** All sections of the platform over a period. */
export async function measurePlatform(db: Database, period: Period): Promise<Figures> {
  const isHour = period.kind === 'hour'
  return {
    providers: isHour ? await hourOfProviders(db, period) : await providersOfHours(db, period),
    jobs: isHour ? await hourOfJobs(db, period) : await jobsOfHours(db, period),
    messages: await messages(db, period),
    'dead-letters': await deadLetters(db, period),
  }
}

const SHARE_FAILED = sql`round(sum(failures) * 10000 / nullif(sum(calls), 0))::integer`

async function hourOfProviders(db: Database, { startsAt, endsAt }: Period): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    select provider, sum(calls)::bigint as calls, sum(failures)::bigint as failures,
      ${SHARE_FAILED} as "failedBps", null as units, null as budget, null as "ofBudgetBps"
    from provider_calls
    where minute >= ${startsAt}::timestamptz and minute < ${endsAt}::timestamptz
    group by 1 order by 1 limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

/** Rows of a section of all kept hours of a period. */
function hours({ startsAt, endsAt }: Period, section: string) {
  return sql`(
    select r.value as row from analytics_figure f cross join jsonb_array_elements(f.rows) as r
    where f.kind = 'hour' and f.clock = 'wall' and f.section = ${section}
      and f.starts_at >= ${startsAt}::timestamptz and f.starts_at < ${endsAt}::timestamptz)`
}

const ofHour = (key: string) => sql`(row->>${sql.lit(key)})::bigint`

/** Units come from the allowances, by day; a week has no budget. */
async function providersOfHours(db: Database, period: Period): Promise<FigureRow[]> {
  const { kind, startsAt, endsAt } = period
  const { rows } = await sql<FigureRow>`
    with called as (
      select row->>'provider' as provider, sum(${ofHour('calls')}) as calls,
        sum(${ofHour('failures')}) as failures
      from ${hours(period, 'providers')} as h group by 1
    ),
    used as (
      select provider, sum(units) as units from provider_units
      where day >= (${startsAt}::timestamptz at time zone 'UTC')::date
        and day < (${endsAt}::timestamptz at time zone 'UTC')::date
      group by 1
    ),
    budgeted as (
      select provider, case ${kind} when 'day' then day_budget when 'month' then month_budget end as budget
      from provider_health
    )
    select provider, coalesce(c.calls, 0)::bigint as calls, coalesce(c.failures, 0)::bigint as failures,
      round(c.failures * 10000 / nullif(c.calls, 0))::integer as "failedBps",
      u.units::bigint as units, b.budget,
      round(u.units * 10000 / b.budget)::integer as "ofBudgetBps"
    from called c full join used u using (provider) left join budgeted b using (provider)
    order by provider limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

async function hourOfJobs(db: Database, { startsAt, endsAt }: Period): Promise<FigureRow[]> {
  const took = (share: number) =>
    sql`round(percentile_cont(${sql.lit(share)}) within group (order by r.duration_ms))::bigint`
  const { rows } = await sql<FigureRow>`
    select k.job, count(*) as runs, ${ended('failed')} as failed, ${ended('timeout')} as "timedOut",
      count(*) filter (where k.status in ('cancelled', 'terminated')) as cancelled,
      ${took(0.5)} as "p50Ms", ${took(0.95)} as "p95Ms", max(r.duration_ms) as "maxMs"
    from job_run r join job_run_kind k on k.id = r.kind_id
    where r.closed_at >= ${startsAt}::timestamptz and r.closed_at < ${endsAt}::timestamptz
    group by 1 order by 1 limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

const ended = (status: string) => sql`count(*) filter (where k.status = ${status})`

/** Shares of durations cannot be added up: a longer period has the greatest of its hours. */
async function jobsOfHours(db: Database, period: Period): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    select row->>'job' as job, sum(${ofHour('runs')})::bigint as runs,
      sum(${ofHour('failed')})::bigint as failed, sum(${ofHour('timedOut')})::bigint as "timedOut",
      sum(${ofHour('cancelled')})::bigint as cancelled, max(${ofHour('p50Ms')}) as "p50Ms",
      max(${ofHour('p95Ms')}) as "p95Ms", max(${ofHour('maxMs')}) as "maxMs"
    from ${hours(period, 'jobs')} as h group by 1 order by 1 limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

async function deadLetters(db: Database, { startsAt, endsAt }: Period): Promise<FigureRow[]> {
  const [from, until] = [sql`${startsAt}::timestamptz`, sql`${endsAt}::timestamptz`]
  const { rows } = await sql<FigureRow>`
    select job, count(*) filter (where died_at >= ${from}) as opened,
      count(*) filter (where resolved_at >= ${from} and resolved_at < ${until}) as resolved,
      count(*) filter (where resolved_at is null or resolved_at >= ${until}) as "openAtEnd"
    from dead_letter
    where died_at < ${until} and (resolved_at is null or resolved_at >= ${from})
    group by 1 order by 1 limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

/** Counts only: whom a message went to is in no figure. */
async function messages(db: Database, { startsAt, endsAt }: Period): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    select audience, channel, count(*) as messages, count(sent_at) as sent,
      count(*) filter (where state in ('FAILED', 'BOUNCED')) as failed,
      count(*) filter (where state = 'SUPPRESSED') as suppressed
    from notification
    where created_at >= ${startsAt}::timestamptz and created_at < ${endsAt}::timestamptz
    group by 1, 2 order by 1, 2 limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}
