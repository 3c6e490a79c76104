/**
 * Reads kept runs for people. A list merges the newest runs of every kind that fits its filter, so
 * its cost does not grow with the number of runs, whatever the filter.
 */
import { sql, type RawBuilder } from 'kysely'

import type { Page, PageRequest } from '../../domain/ports/page.ts'
import type { JobTotals, ListedRun, RunFilter, RunReads } from '../../domain/ports/run-store.ts'
import { lastStatusOf, type RunState } from '../../domain/run.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { RUNS_CURSOR } from './run-store.ts'
import { keyPart, microsOf, pageOf, readKey, timeOfMicros } from '../keyset.ts'

/** The reader over this database. */
export function createRunReads(db: Database): RunReads {
  return {
    list: (filter, page) => list(db, filter, page),
    totals: (jobs) => totals(db, jobs),
    ageMs: () => ageMs(db),
  }
}

type Row = ListedRun & { readonly micros: string }

/** What a list shows of a run `r` and its kind `k`. */
export const RUN_COLUMNS: RawBuilder<unknown> = sql`
  r.run_id as "runId", r.workflow_id as "workflowId", k.job, k.status, k.state, k.trigger,
  k.priority, k.queue, r.schedule_id as "scheduleId", r.nominal_at as "nominalAt",
  r.started_at as "startedAt", r.closed_at as "closedAt", r.duration_ms as "durationMs",
  k.error_type as "errorType", r.error_message as "errorMessage", r.next_run_id as "nextRunId",
  r.is_stuck as "isStuck", ${microsOf(sql`r.started_at`)} as micros`

async function list(db: Database, filter: RunFilter, page: PageRequest): Promise<Page<ListedRun>> {
  const scope = ['runs', filter]
  const key = readKey(page, scope, [keyPart.micros, keyPart.uuid])
  const limit = page.limit + 1
  const runs = runConditions(filter, key)
  const from =
    filter.workflowId === undefined
      ? sql`job_run_kind k cross join lateral (
          select * from job_run r where r.kind_id = k.id and ${runs}
          order by r.started_at desc, r.run_id desc limit ${limit}) r`
      : sql`job_run r join job_run_kind k on k.id = r.kind_id
          and r.workflow_id = ${filter.workflowId} and ${runs}`
  const { rows } = await sql<Row>`
    select ${RUN_COLUMNS} from ${from}
    where k.runs > 0 and ${kindConditions(filter)}
    order by r.started_at desc, r.run_id desc
    limit ${limit}`.execute(db)
  return pageOf(rows, page, scope, {
    item: ({ micros: _micros, ...run }) => run,
    key: ({ micros, runId }) => [micros, runId],
  })
}

function runConditions(filter: RunFilter, key: readonly string[] | null): RawBuilder<unknown> {
  const { since, until } = filter
  const all = [sql`true`]
  if (since !== undefined) all.push(sql`r.started_at >= ${since}::timestamptz`)
  if (until !== undefined) all.push(sql`r.started_at < ${until}::timestamptz`)
  if (key !== null) {
    all.push(sql`(r.started_at, r.run_id) < (${timeOfMicros(key[0] ?? null)}, ${key[1]}::uuid)`)
  }
  return sql.join(all, sql` and `)
}

function kindConditions(filter: RunFilter): RawBuilder<unknown> {
  const { job, status, state, trigger, priority, queue, errorType } = filter
  const all = [sql`true`]
  if (job !== undefined) all.push(sql`k.job = ${job}`)
  if (status !== undefined) all.push(sql`k.status = ${status}`)
  if (state !== undefined) all.push(sql`k.state = ${state}`)
  if (trigger !== undefined) all.push(sql`k.trigger = ${trigger}`)
  if (priority !== undefined) all.push(sql`k.priority = ${priority}`)
  if (queue !== undefined) all.push(sql`k.queue = ${queue}`)
  if (errorType !== undefined) all.push(sql`k.error_type = ${errorType}`)
  return sql.join(all, sql` and `)
}

type TotalsRow = {
  job: string
  runs: string
  failures: string
  duration_ms: string
  started_at: Instant | null
  status: RunState | null
  error_type: string | null
  error_message: string | null
  last_ms: number | null
}

async function totals(db: Database, jobs: readonly string[]): Promise<JobTotals[]> {
  const { rows } = await sql<TotalsRow>`
    select j.job, t.runs, t.failures, t.duration_ms, last.started_at, last.status, last.error_type,
      last.error_message, last.duration_ms as last_ms
    from unnest(${jobs}::text[]) with ordinality as j (job, place)
    cross join lateral (
      select coalesce(sum(k.runs), 0)::text as runs, coalesce(sum(k.duration_ms), 0)::text as duration_ms,
        coalesce(sum(k.runs) filter (where k.status in ('failed', 'timeout', 'terminated')), 0)::text
          as failures
      from job_run_kind k where k.job = j.job and k.status not in ('running', 'continued')) t
    left join lateral (
      select r.started_at, k.status, k.error_type, r.error_message, r.duration_ms
      from job_run_kind k
      cross join lateral (
        select * from job_run r where r.kind_id = k.id and r.started_at <= now()
        order by r.started_at desc, r.run_id desc limit 1) r
      where k.job = j.job and k.runs > 0
      order by r.started_at desc, r.run_id desc limit 1) last on true
    order by j.place`.execute(db)
  return rows.map(toTotals)
}

function toTotals(row: TotalsRow): JobTotals {
  const { job, status, error_type: type, error_message: message } = row
  const runs = Number(row.runs)
  return {
    job,
    lastRun: row.started_at,
    lastStatus: status === null ? null : lastStatusOf(status),
    lastError: errorText(status, type, message),
    lastDurationMs: row.last_ms,
    totalRuns: runs,
    totalFailures: Number(row.failures),
    averageDurationMs: runs === 0 ? null : Math.round(Number(row.duration_ms) / runs),
  }
}

function errorText(status: RunState | null, type: string | null, message: string | null) {
  if (status === 'cancelled') return 'cancelled'
  if (type === null) return null
  return message === null ? type : `${type}: ${message}`
}

async function ageMs(db: Database): Promise<number | null> {
  const { rows } = await sql<{ ms: number }>`
    select greatest(0, round(extract(epoch from now() - c.position) * 1000))::bigint as ms
    from job_cursor c where c.job = ${RUNS_CURSOR}`.execute(db)
  return rows[0]?.ms ?? null
}
