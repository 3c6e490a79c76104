/** Runs of jobs of a demo's last weeks, their log lines and what of them died, as the projection keeps them. */
import { sql } from 'kysely'

import { openLetters, type Death } from './dead-letter-sql.ts'
import type { Planter } from './seed-page.ts'
import { ageOf, shareOf } from './seed-page.ts'

/** The job of run `n`: nine of ten are ticks. */
const JOB_OF_RUN = sql`case when n % 10 <> 0 then 'flight-monitor' when n % 30 <> 0 then 'payout'
  when n % 90 <> 0 then 'policy-expiration' else 'report' end`

/** One in fifty failed, one in a thousand ran out of time. */
const STATUS_OF_RUN = sql`case when n % 50 = 7 then 'failed' when n % 1000 = 3 then 'timeout'
  else 'success' end`

/** Runs of six weeks; what is older than history is kept goes with the next full pass. */
export const plantRuns: Planter = async (db, page) => {
  await sql`
    insert into job_run_kind (job, status, trigger, priority, queue, error_type)
    select j.job, s.status, j.trigger, j.priority, j.queue, s.error_type
    from (values ('flight-monitor', 'schedule', 'HIGH', 'monitoring'),
        ('payout', 'run', 'CRITICAL', 'payouts'),
        ('policy-expiration', 'schedule', 'MEDIUM', 'maintenance'),
        ('report', 'cli', 'LOW', 'reports')) j (job, trigger, priority, queue),
      (values ('success', null), ('failed', 'DatabaseUnavailable'), ('failed', 'ProviderUnavailable'),
        ('timeout', 'RunTimeout')) s (status, error_type)
    on conflict do nothing`.execute(db)
  await sql`
    insert into job_run (run_id, workflow_id, kind_id, requested_at, started_at, closed_at, duration_ms,
      error_message)
    select groundstop_id('seed|run|' || n), case when j.job = 'flight-monitor' then 'flight-monitor:all'
        else j.job || ':seed-' || n end, k.id, at.at, at.at, at.at + ms.ms * interval '1 millisecond',
      ms.ms, case when s.status <> 'success' then k.error_type || ' of run ' || n end
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (select ${JOB_OF_RUN} as job) j
    cross join lateral (select ${STATUS_OF_RUN} as status) s
    cross join lateral (
      select ${page.wallUntil}::timestamptz - interval '1 hour' - ${ageOf(page, '42 days')} as at) at
    cross join lateral (select (200 + ${shareOf(page)})::bigint as ms) ms
    join job_run_kind k on k.job = j.job and k.status = s.status and k.state is null
      and k.trigger is not distinct from case j.job when 'payout' then 'run' when 'report' then 'cli'
        else 'schedule' end
      and (s.status <> 'failed' or k.error_type = case when n % 100 < 50 then 'DatabaseUnavailable'
        else 'ProviderUnavailable' end)
    on conflict do nothing`.execute(db)
  await plantLetters(db, page)
}

/** Those of the page that died: opened as a sweep opens them, their owners told; most are dealt with. */
const plantLetters: Planter = async (db, page) => {
  const { rows: deaths } = await sql<Death>`
    select r.run_id as "runId", k.error_type as "errorType", r.error_message as message, r.version
    from generate_series(${page.first}::int, ${page.last}::int) n
    join job_run r on r.run_id = groundstop_id('seed|run|' || n)
    join job_run_kind k on k.id = r.kind_id
    where k.status <> 'success'
    order by n limit ${page.last - page.first + 1}`.execute(db)
  if (deaths.length === 0) return
  await openLetters(deaths).execute(db)
  await sql`
    update dead_letter d
    set told_at = d.died_at, state = e.state, updated_at = now(),
      resolved_at = case when e.state <> 'OPEN' then d.died_at + interval '20 minutes' end,
      resolved_by = case when e.state = 'DISCARDED' then 'user:seed-claims' end,
      reason = case when e.state = 'DISCARDED' then 'a later run did the same' end
    from (
      select run_id, case when get_byte(uuid_send(run_id), 15) % 8 = 0 then 'OPEN'
        when get_byte(uuid_send(run_id), 15) % 8 < 3 then 'DISCARDED' else 'COVERED' end as state
      from unnest(${deaths.map(({ runId }) => runId)}::uuid[]) as r (run_id)
    ) e
    where d.run_id = e.run_id`.execute(db)
}

/** Log lines of four weeks, two a run. */
export const plantRunLines: Planter = async (db, page) => {
  await sql`
    insert into run_log_line (workflow_id, run_id, at, writer, n, level, event, data)
    select 'flight-monitor:all', groundstop_id('seed|line|' || n / 2),
      ${page.wallUntil}::timestamptz - ${ageOf(page, '28 days')}, groundstop_id('seed|writer|' || n % 3),
      n, case when n % 40 = 0 then 'warn' else 'info' end, 'tick-finished',
      jsonb_build_object('due', ${shareOf(page)}, 'polled', n % 400, 'took', repeat('-', 60))
    from generate_series(${page.first}::int, ${page.last}::int) n`.execute(db)
}
