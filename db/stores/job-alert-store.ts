/** Trouble of jobs as their owners are told of it, in Postgres. Reads little: it is asked every few seconds. */
import { sql } from 'kysely'

import type { JobFreshness } from '../../domain/job-lateness.ts'
import type {
  EndedFailure,
  JobAlertStore,
  UntoldFailure,
} from '../../domain/ports/job-alert-store.ts'
import type { Database } from '../client.ts'

/** Letters of one group told of at once; the next look counts the others. */
const RUNS_PER_GROUP = 1_000

/** A redriven run is listed a moment after it was started. */
const SEEN_LATE = sql`interval '10 seconds'`

/** A missing fire may be made up for until then: see HEALED_AFTER_MS of the watch. */
const MADE_UP_FOR = sql`interval '90 seconds'`

/** The store over `db`. */
export function createJobAlertStore(db: Database): JobAlertStore {
  return {
    listUntold: (groupsAtMost) => listUntold(db, groupsAtMost),
    markTold: (runIds) => markTold(db, runIds),
    listEnded: (atMost) => listEnded(db, atMost),
    freshness: (jobs) => freshness(db, jobs),
  }
}

async function listUntold(db: Database, groupsAtMost: number): Promise<UntoldFailure[]> {
  const { rows } = await sql<UntoldFailure>`
    select d.job, case when d.kind = 'parked' then 'parked' else 'failed' end as kind,
      d.group_id as "groupId", g.error_type as "errorType", g.message, count(*) as runs,
      (array_agg(d.run_id order by d.died_at, d.run_id))[1:${RUNS_PER_GROUP}::int] as "runIds",
      (array_agg(d.workflow_id order by d.died_at, d.run_id))[1] as "workflowId",
      min(d.died_at) as "diedAt"
    from dead_letter d join error_group g on g.id = d.group_id
    where d.state = 'OPEN' and d.told_at is null
    group by 1, 2, 3, 4, 5
    order by min(d.died_at), d.group_id limit ${groupsAtMost}`.execute(db)
  return rows
}

async function markTold(db: Database, runIds: readonly string[]): Promise<void> {
  await sql`
    update dead_letter set told_at = now(), updated_at = now()
    where run_id = any(${[...runIds]}::uuid[]) and told_at is null`.execute(db)
}

async function listEnded(db: Database, atMost: number): Promise<EndedFailure[]> {
  const { rows } = await sql<EndedFailure>`
    with told as materialized (
      select n.opened_at, split_part(n.key, ':', 2) as job, split_part(n.key, ':', 3) as kind,
        split_part(n.key, ':', 4)::uuid as group_id
      from operator_notice n
      where n.recovered_at is null and n.key ~ '^job:[a-z0-9-]+:(failed|parked):[0-9a-f-]{36}$')
    select t.job, t.kind, t.group_id as "groupId", g.error_type as "errorType", g.message
    from told t join error_group g on g.id = t.group_id
    where not exists (select from dead_letter d
      where d.group_id = t.group_id and (d.state in ('OPEN', 'REDRIVING', 'ARCHIVED')
        or d.state = 'REDRIVEN' and d.resolved_at >= t.opened_at
          and (d.resolved_at > now() - ${SEEN_LATE}
            or exists (select from job_run r join job_run_kind k on k.id = r.kind_id
              where r.workflow_id = d.redriven_workflow_id and k.status = 'running'))))
    order by t.opened_at, t.group_id limit ${atMost}`.execute(db)
  return rows
}

async function freshness(db: Database, jobs: readonly string[]): Promise<JobFreshness[]> {
  const { rows } = await sql<JobFreshness>`
    select w.schedule_id as job, w.is_paused as "isPaused", w.created_at as "watchedSince",
      (select max(g.nominal_at) from schedule_gap g
        where g.schedule_id = w.schedule_id and g.kind = 'paused') as "lastPausedAt",
      s.last_at as "lastSuccessAt",
      (select count(*) from schedule_gap g
        where g.schedule_id = w.schedule_id and g.kind = 'missing' and g.healed_run_id is null
          and g.found_at < now() - ${MADE_UP_FOR}
          and (s.last_at is null or g.nominal_at > s.last_at)) as missing
    from schedule_watch w
    cross join lateral (select max(newest.started_at) as last_at
      from job_run_kind k
      cross join lateral (select r.started_at from job_run r where r.kind_id = k.id
        order by r.started_at desc limit 1) newest
      where k.job = w.schedule_id and k.status = 'success') s
    where w.schedule_id = any(${[...jobs]}::text[])
    order by w.schedule_id`.execute(db)
  return rows
}
