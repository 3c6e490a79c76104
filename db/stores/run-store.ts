/** Kept runs in Postgres, written set by set. A run's kind is found or made in the same transaction. */
import { sql, type Transaction } from 'kysely'

import type { RunKey } from '../../domain/ports/run-source.ts'
import type { RunStore } from '../../domain/ports/run-store.ts'
import { STATES_WITH_REASON, type RunEnd, type RunRecord } from '../../domain/run.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import type { DB } from '../types.generated.ts'
import { openLetters } from './dead-letter-sql.ts'

/** The row of `job_cursor` that says up to when runs are kept. */
export const RUNS_CURSOR = 'run-projection'

/** The store over `db`. */
export function createRunStore(db: Database): RunStore {
  return {
    readCursor: () => readCursor(db),
    moveCursor: (to) => moveCursor(db, to),
    save: (runs, rebuiltAt) => save(db, runs, rebuiltAt ?? null),
    listUnread: (limit) => listUnread(db, limit),
    saveEnds: (ends) => saveEnds(db, ends),
    listVanished: (openRunIds, before, limit) => listVanished(db, openRunIds, before, limit),
    remove: (runIds) => remove(db, runIds),
    prune: (before, limit) => prune(db, before, limit),
    removeNotRebuilt: (rebuiltAt, closedAfter) => removeNotRebuilt(db, rebuiltAt, closedAfter),
  }
}

async function readCursor(db: Database): Promise<Instant | null> {
  const { rows } = await sql<{ position: Instant }>`
    select c.position from job_cursor c where c.job = ${RUNS_CURSOR}`.execute(db)
  return rows[0]?.position ?? null
}

async function moveCursor(db: Database, to: Instant): Promise<void> {
  await sql`
    insert into job_cursor (job, position) values (${RUNS_CURSOR}, ${to}::timestamptz)
    on conflict (job) do update
      set position = greatest(job_cursor.position, excluded.position), updated_at = now()`.execute(
    db,
  )
}

/**
 * The runs as given, with what is kept of them already: what was read about an end stays, and a run
 * that was seen closed is not opened again by a list that is older.
 */
function merged(runs: readonly RunRecord[]) {
  return sql`
    select i.*, case when k.status = i.status then k.error_type end as error_type
    from unnest(
      ${runs.map((run) => run.runId)}::uuid[],
      ${runs.map((run) => run.workflowId)}::text[],
      ${runs.map((run) => run.job)}::text[],
      ${runs.map((run) => run.status)}::text[],
      ${runs.map((run) => run.state)}::text[],
      ${runs.map((run) => run.trigger)}::text[],
      ${runs.map((run) => run.priority)}::text[],
      ${runs.map((run) => run.queue)}::text[],
      ${runs.map((run) => run.scheduleId)}::text[],
      ${runs.map((run) => run.nominalAt)}::timestamptz[],
      ${runs.map((run) => run.requestedAt)}::timestamptz[],
      ${runs.map((run) => run.startedAt)}::timestamptz[],
      ${runs.map((run) => run.closedAt)}::timestamptz[],
      ${runs.map((run) => run.isStuck)}::boolean[])
      as i (run_id, workflow_id, job, status, state, trigger, priority, queue, schedule_id,
        nominal_at, requested_at, started_at, closed_at, is_stuck)
    left join job_run r on r.run_id = i.run_id
    left join job_run_kind k on k.id = r.kind_id
    where r.closed_at is null or i.closed_at is not null`
}

/** The newest word on a run wins when a list names it twice. */
function eachOnce(runs: readonly RunRecord[]): RunRecord[] {
  return [...new Map(runs.map((run) => [run.runId, run])).values()]
}

async function save(
  db: Database,
  listed: readonly RunRecord[],
  rebuiltAt: Instant | null,
): Promise<number> {
  if (listed.length === 0) return 0
  const runs = eachOnce(listed)
  return retriedTransaction(db, async (trx) => {
    await sql`
      with incoming as (${merged(runs)})
      ${makeKinds(sql`select i.job, i.status, i.state, i.trigger, i.priority, i.queue, i.error_type
        from incoming i`)}`.execute(trx)
    const { rows } = await sql`
      with incoming as (${merged(runs)})
      insert into job_run as r (run_id, workflow_id, kind_id, schedule_id, nominal_at, requested_at,
        started_at, closed_at, duration_ms, is_stuck, rebuilt_at)
      select i.run_id, i.workflow_id, k.id, i.schedule_id, i.nominal_at, i.requested_at,
        i.started_at, i.closed_at, ${durationMs}, i.is_stuck, ${rebuiltAt}::timestamptz
      from incoming i
      join job_run_kind k on (k.job, k.status, k.priority, k.queue) = (i.job, i.status, i.priority, i.queue)
        and k.state is not distinct from i.state and k.trigger is not distinct from i.trigger
        and k.error_type is not distinct from i.error_type
      order by i.run_id
      on conflict (run_id) do update set kind_id = excluded.kind_id, closed_at = excluded.closed_at,
        duration_ms = excluded.duration_ms, is_stuck = excluded.is_stuck,
        rebuilt_at = coalesce(excluded.rebuilt_at, r.rebuilt_at), updated_at = now()
      where excluded.rebuilt_at is not null
        or (r.kind_id, r.is_stuck) <> (excluded.kind_id, excluded.is_stuck)
        or r.closed_at is distinct from excluded.closed_at
      returning 1`.execute(trx)
    return rows.length
  })
}

/** A run that was stopped before its time took none. */
const durationMs = sql`
  case when i.closed_at is not null
    then greatest(0, round(extract(epoch from i.closed_at - i.started_at) * 1000))::bigint end`

function makeKinds(wanted: ReturnType<typeof sql>) {
  return sql`
    insert into job_run_kind (job, status, state, trigger, priority, queue, error_type)
    select distinct w.* from (${wanted}) as w (job, status, state, trigger, priority, queue, error_type)
    -- An identity is spent on every row that conflicts: those that are there are not tried.
    where not exists (select from job_run_kind k
      where (k.job, k.status, k.priority, k.queue) = (w.job, w.status, w.priority, w.queue)
        and k.state is not distinct from w.state and k.trigger is not distinct from w.trigger
        and k.error_type is not distinct from w.error_type)
    on conflict do nothing`
}

async function listUnread(db: Database, limit: number): Promise<RunKey[]> {
  const { rows } = await sql<RunKey>`
    select r.workflow_id as "workflowId", r.run_id as "runId"
    from job_run_kind k
    cross join lateral (
      select r.workflow_id, r.run_id, r.started_at from job_run r where r.kind_id = k.id
      order by r.started_at desc limit ${limit}) r
    where k.status = any(${STATES_WITH_REASON}::text[]) and k.error_type is null and k.runs > 0
    order by r.started_at desc limit ${limit}`.execute(db)
  return rows
}

async function saveEnds(
  db: Database,
  ends: readonly (RunEnd & { readonly runId: string })[],
): Promise<void> {
  if (ends.length === 0) return
  await retriedTransaction(db, (trx) => saveEndsIn(trx, ends))
}

async function saveEndsIn(
  trx: Transaction<DB>,
  ends: readonly (RunEnd & { readonly runId: string })[],
): Promise<void> {
  const read = sql`
    select e.*, k.job, k.status, k.state, k.trigger, k.priority, k.queue
    from unnest(${ends.map((end) => end.runId)}::uuid[], ${ends.map((end) => end.type)}::text[],
      ${ends.map((end) => end.message)}::text[], ${ends.map((end) => end.nextRunId)}::uuid[],
      ${ends.map((end) => end.version)}::text[])
      as e (run_id, error_type, error_message, next_run_id, version)
    join job_run r on r.run_id = e.run_id
    join job_run_kind k on k.id = r.kind_id`
  await sql`
    with ended as (${read})
    ${makeKinds(sql`select e.job, e.status, e.state, e.trigger, e.priority, e.queue, e.error_type
      from ended e`)}`.execute(trx)
  await sql`
    with ended as (${read})
    update job_run r set kind_id = k.id, error_message = e.error_message,
      next_run_id = e.next_run_id, version = e.version, updated_at = now()
    from ended e
    join job_run_kind k on (k.job, k.status, k.priority, k.queue) = (e.job, e.status, e.priority, e.queue)
      and k.state is not distinct from e.state and k.trigger is not distinct from e.trigger
      and k.error_type = e.error_type
    where r.run_id = e.run_id`.execute(trx)
  const deaths = ends
    .filter((end) => end.isDead)
    .map(({ runId, type, message, version }) => ({ runId, errorType: type, message, version }))
  // In the same transaction: a reason is read once.
  await openLetters(deaths).execute(trx)
}

async function listVanished(
  db: Database,
  openRunIds: readonly string[],
  before: Instant,
  limit: number,
): Promise<RunKey[]> {
  const { rows } = await sql<RunKey>`
    select r.workflow_id as "workflowId", r.run_id as "runId"
    from job_run_kind k join job_run r on r.kind_id = k.id
    where k.status = 'running' and r.requested_at < ${before}::timestamptz
      and r.run_id <> all(${openRunIds}::uuid[])
    order by r.started_at limit ${limit}`.execute(db)
  return rows
}

async function remove(db: Database, runIds: readonly string[]): Promise<void> {
  await sql`delete from job_run where run_id = any(${runIds}::uuid[])`.execute(db)
}

async function prune(db: Database, before: Instant, limit: number): Promise<number> {
  const { rows } = await sql`
    delete from job_run where run_id in (
      select r.run_id from job_run r where r.closed_at < ${before}::timestamptz
      order by r.closed_at limit ${limit})
    returning 1`.execute(db)
  return rows.length
}

async function removeNotRebuilt(
  db: Database,
  rebuiltAt: Instant,
  closedAfter: Instant,
): Promise<number> {
  const { rows } = await sql`
    delete from job_run r
    where r.rebuilt_at is distinct from ${rebuiltAt}::timestamptz
      and r.requested_at < ${rebuiltAt}::timestamptz
      and (r.closed_at is null or r.closed_at > ${closedAfter}::timestamptz)
    returning 1`.execute(db)
  return rows.length
}
