/** Parts of statements about dead letters that more than one of them needs. */
import { sql, type RawBuilder } from 'kysely'

import { fingerprintOf } from '../../domain/dead-letter.ts'

type Fragment = RawBuilder<unknown>

/** The payouts of a run: its workflow id carries the batch or the payout. Nothing for other jobs. */
export function payoutsOf(workflowId: Fragment): Fragment {
  const key = sql`case when ${workflowId} ~ '^payout:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
    then substr(${workflowId}, 8, 36)::uuid end`
  return sql`(select o.* from payout o where o.batch_id = ${key}
    union all select o.* from payout o where o.id = ${key})`
}

/** Money by currency of the letters that `d` in scope stands for, as JSON. */
export function moneyAtRisk(letters: Fragment): Fragment {
  return sql`coalesce((
    select jsonb_agg(jsonb_build_object('currency', m.currency, 'amountMinor', m.amount::text)
      order by m.currency)
    from (select o.currency, sum(o.amount_minor) as amount
      from ${letters} cross join lateral ${payoutsOf(sql`l.workflow_id`)} o
      where o.state not in ('PAID', 'CANCELLED') group by o.currency) m), '[]'::jsonb)`
}

/** What opens letters: one entry per run that died or parked. */
export type Death = {
  readonly runId: string
  readonly errorType: string
  readonly message: string | null
  readonly version: string | null
}

/** Groups of these deaths, made where they are not yet; and the letters, once each. Returns counts. */
export function openLetters(deaths: readonly Death[]): Fragment {
  return sql`
    with died as (
      select e.*, groundstop_id(concat_ws('|', 'error', k.job, e.error_type, e.fingerprint)) as group_id,
        r.workflow_id, r.schedule_id, r.started_at, coalesce(r.closed_at, now()) as died_at, k.job,
        case when k.status = 'running' then 'parked' else k.status end as kind
      from unnest(${deaths.map((one) => one.runId)}::uuid[],
        ${deaths.map((one) => one.errorType)}::text[], ${deaths.map((one) => one.message)}::text[],
        ${deaths.map((one) => one.version)}::text[],
        ${deaths.map((one) => fingerprintOf(one.message))}::text[])
        as e (run_id, error_type, message, version, fingerprint)
      join job_run r on r.run_id = e.run_id
      join job_run_kind k on k.id = r.kind_id
      where not exists (select from dead_letter d where d.run_id = e.run_id)
    ),
    grouped as (
      insert into error_group as g (id, job, error_type, message, first_seen_at, last_seen_at, letters,
        first_version, last_version)
      select d.group_id, d.job, d.error_type, d.fingerprint, min(d.died_at), max(d.died_at), count(*),
        (array_agg(d.version order by d.died_at))[1], (array_agg(d.version order by d.died_at desc))[1]
      from died d group by d.group_id, d.job, d.error_type, d.fingerprint
      order by d.group_id
      on conflict (id) do update set letters = g.letters + excluded.letters, updated_at = now(),
        first_seen_at = least(g.first_seen_at, excluded.first_seen_at),
        last_seen_at = greatest(g.last_seen_at, excluded.last_seen_at),
        last_version = coalesce(excluded.last_version, g.last_version)
      returning g.id
    )
    insert into dead_letter (run_id, workflow_id, job, schedule_id, kind, group_id, error_type,
      error_message, started_at, died_at, version)
    select d.run_id, d.workflow_id, d.job, d.schedule_id, d.kind, d.group_id, d.error_type, d.message,
      d.started_at, d.died_at, d.version
    from died d join grouped on grouped.id = d.group_id
    on conflict (run_id) do nothing
    returning 1`
}
