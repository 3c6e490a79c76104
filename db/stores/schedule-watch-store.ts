/** The dead-man's switch's memory in Postgres. */
import { sql } from 'kysely'

import type { FiredRun, FireGap, GapKind } from '../../domain/expected-fires.ts'
import type {
  FireFigures,
  MissingFire,
  ScheduleMark,
  ScheduleWatchStore,
} from '../../domain/ports/schedule-watch.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** Runs read for one look: a day of fires every ten seconds. */
const RUNS_LIMIT = 10_000

/** The store over `db`. */
export function createScheduleWatchStore(db: Database): ScheduleWatchStore {
  return {
    readMarks: (scheduleIds) => readMarks(db, scheduleIds),
    firedRuns: (scheduleId, window) => firedRuns(db, scheduleId, window),
    mark: (mark, gaps, at) => keep(db, mark, gaps, at),
    missing: (scheduleId, since, limit) => missing(db, scheduleId, since, limit),
    resolve: (scheduleId, nominalAt, found) => resolve(db, scheduleId, nominalAt, found),
    prune: (before, limit) => prune(db, before, limit),
    figures: (scheduleIds) => figures(db, scheduleIds),
  }
}

async function readMarks(db: Database, scheduleIds: readonly string[]): Promise<ScheduleMark[]> {
  const { rows } = await sql<ScheduleMark>`
    select w.schedule_id as "scheduleId", w.spec, w.is_paused as "isPaused",
      w.checked_until as "checkedUntil"
    from schedule_watch w where w.schedule_id = any(${scheduleIds}::text[])
    order by w.schedule_id limit ${scheduleIds.length}`.execute(db)
  return rows
}

async function firedRuns(
  db: Database,
  scheduleId: string,
  { after, until }: { after: Instant; until: Instant },
): Promise<FiredRun[]> {
  const { rows } = await sql<FiredRun>`
    select r.run_id as "runId", r.nominal_at as "nominalAt", r.started_at as "startedAt",
      r.closed_at as "closedAt", (k.status = 'continued' or r.next_run_id is not null) as "isGoneOn"
    from job_run r join job_run_kind k on k.id = r.kind_id
    where r.schedule_id = ${scheduleId} and r.nominal_at <= ${until}::timestamptz
      -- The server starts a run late, but none is open for longer than its own time-outs allow.
      and r.nominal_at > ${after}::timestamptz - interval '2 days'
      and (r.nominal_at > ${after}::timestamptz or r.closed_at is null
        or r.closed_at > ${after}::timestamptz)
    order by r.nominal_at desc limit ${RUNS_LIMIT}`.execute(db)
  return rows
}

async function keep(
  db: Database,
  { scheduleId, spec, isPaused, checkedUntil }: ScheduleMark,
  gaps: readonly FireGap[],
  at: Instant,
): Promise<void> {
  await sql`
    with marked as (
      insert into schedule_watch as w (schedule_id, spec, is_paused, checked_until)
      values (${scheduleId}, ${JSON.stringify(spec)}::jsonb, ${isPaused}, ${checkedUntil}::timestamptz)
      on conflict (schedule_id) do update set spec = excluded.spec, is_paused = excluded.is_paused,
        checked_until = greatest(w.checked_until, excluded.checked_until), updated_at = now())
    insert into schedule_gap (schedule_id, nominal_at, kind, cause_run_id, lateness_ms, found_at)
    select ${scheduleId}, g.*, ${at}::timestamptz
    from unnest(${gaps.map((gap) => gap.nominalAt)}::timestamptz[], ${gaps.map((gap) => gap.kind)}::text[],
      ${gaps.map((gap) => gap.causeRunId)}::uuid[], ${gaps.map((gap) => gap.latenessMs)}::bigint[]) g
    on conflict do nothing`.execute(db)
}

async function missing(
  db: Database,
  scheduleId: string,
  since: Instant,
  limit: number,
): Promise<MissingFire[]> {
  const { rows } = await sql<MissingFire>`
    select g.nominal_at as "nominalAt", g.found_at as "foundAt" from schedule_gap g
    where g.schedule_id = ${scheduleId} and g.kind = 'missing' and g.healed_run_id is null
      and g.found_at >= ${since}::timestamptz
    order by g.nominal_at desc limit ${limit}`.execute(db)
  return rows
}

async function resolve(
  db: Database,
  scheduleId: string,
  nominalAt: Instant,
  { runId, latenessMs, isHealed }: { runId: string; latenessMs: number | null; isHealed: boolean },
): Promise<void> {
  const where = sql`
    schedule_id = ${scheduleId} and nominal_at = ${nominalAt}::timestamptz and kind = 'missing'`
  if (isHealed) {
    await sql`update schedule_gap set healed_run_id = ${runId}::uuid, updated_at = now()
      where ${where}`.execute(db)
  } else if (latenessMs === null) {
    await sql`delete from schedule_gap where ${where}`.execute(db)
  } else {
    await sql`
      update schedule_gap set kind = 'late', cause_run_id = ${runId}::uuid,
        lateness_ms = ${latenessMs}, updated_at = now()
      where ${where}`.execute(db)
  }
}

async function prune(db: Database, before: Instant, limit: number): Promise<number> {
  const { rows } = await sql`
    delete from schedule_gap g using (
      select o.schedule_id, o.nominal_at from schedule_gap o
      where o.found_at < ${before}::timestamptz order by o.found_at limit ${limit}) old
    where g.schedule_id = old.schedule_id and g.nominal_at = old.nominal_at
    returning 1`.execute(db)
  return rows.length
}

type FiguresRow = Omit<FireFigures, 'gaps'> & { readonly gaps: Partial<Record<GapKind, number>> }

async function figures(db: Database, scheduleIds: readonly string[]): Promise<FireFigures[]> {
  const { rows } = await sql<FiguresRow>`
    select s.id as "scheduleId", g.gaps, g.last_alarm as "lastAlarmAt", l.p50 as "latenessP50Ms",
      l.p99 as "latenessP99Ms"
    from unnest(${scheduleIds}::text[]) s (id)
    cross join lateral (
      select coalesce(jsonb_object_agg(k.kind, k.n), '{}'::jsonb) as gaps,
        max(k.last_at) filter (where k.kind in ('missing', 'double')) as last_alarm
      from (select o.kind, count(*) as n, max(o.nominal_at) as last_at from schedule_gap o
        where o.schedule_id = s.id and o.nominal_at > now() - interval '1 day'
        group by o.kind) k) g
    cross join lateral (
      select round(percentile_cont(0.5) within group (order by d.ms))::bigint as p50,
        round(percentile_cont(0.99) within group (order by d.ms))::bigint as p99
      from (select (extract(epoch from min(r.started_at) - r.nominal_at) * 1000)::float8 as ms
        from job_run r
        where r.schedule_id = s.id and r.nominal_at > now() - interval '1 day'
        group by r.nominal_at) d) l`.execute(db)
  return rows.map(({ gaps, ...row }) => ({
    ...row,
    gaps: {
      missing: gaps.missing ?? 0,
      late: gaps.late ?? 0,
      double: gaps.double ?? 0,
      overlap: gaps.overlap ?? 0,
      paused: gaps.paused ?? 0,
    },
  }))
}
