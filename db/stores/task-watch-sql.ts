/** What the kept runs and the dead-man's switch say of tasks. Reads only. */
import { sql } from 'kysely'

import type { TaskFires, TaskStatistics } from '../../domain/ports/task-store.ts'
import { TASK_STATES } from '../../domain/task.ts'
import type { Database } from '../client.ts'

/** Missing fires of one task that are told at once: more go on at the next look. */
const MISSING_PER_TASK = 100

/** Fires of tasks up to where the switch has looked. */
export async function readTaskFires(
  db: Database,
  taskIds: readonly string[],
): Promise<TaskFires[]> {
  const { rows } = await sql<TaskFires>`
    select t.id as "taskId", w.checked_until as "checkedUntil", m.missing, r.run as "dueRun"
    from task t
    join schedule_watch w on w.schedule_id = t.schedule_id
    cross join lateral (
      select coalesce(array_agg(g.nominal_at order by g.nominal_at), '{}') as missing
      from (select o.nominal_at from schedule_gap o
        where o.schedule_id = t.schedule_id and o.kind = 'missing' and o.healed_run_id is null
          and o.nominal_at > coalesce(t.missed_until, '-infinity')
          -- Earlier ones were of a timing that somebody has replaced.
          and o.nominal_at >= t.timed_at
        order by o.nominal_at limit ${MISSING_PER_TASK}) g) m
    left join lateral (
      select jsonb_build_object('status', k.status, 'errorType', k.error_type) as run
      from job_run o join job_run_kind k on k.id = o.kind_id
      where o.schedule_id = t.schedule_id and o.nominal_at = t.due_at and o.next_run_id is null
        and k.status <> 'continued'
      order by o.started_at desc limit 1) r on true
    where t.id = any(${taskIds}::uuid[])
    order by t.id limit ${taskIds.length}`.execute(db)
  return rows
}

type StatisticsRow = Omit<TaskStatistics, 'byState'> & {
  readonly byState: Readonly<Record<string, number>>
}

/** How tasks do now. */
export async function readTaskStatistics(db: Database): Promise<TaskStatistics> {
  const { rows } = await sql<StatisticsRow>`
    select s.by_state as "byState", d.within_hour as "dueWithinHour", d.overdue, d.unapplied,
      m.n as "missedWithinDay", l.p50 as "latenessP50Ms", l.p99 as "latenessP99Ms"
    from (select coalesce(jsonb_object_agg(o.state, o.n), '{}'::jsonb) as by_state
      from (select t.state, count(*) as n from task t group by t.state) o) s,
    (select count(*) filter (where t.state = 'SCHEDULED' and t.due_at < now() + interval '1 hour')
        as within_hour,
        count(*) filter (where t.state = 'SCHEDULED'
          and t.due_at < now() - t.tolerance_min * interval '1 minute') as overdue,
        count(*) filter (where t.applied_revision < t.revision) as unapplied
      from task t) d,
    (select count(*) as n from schedule_gap g join task t on t.schedule_id = g.schedule_id
      where g.kind = 'missing' and g.healed_run_id is null and g.nominal_at <= t.missed_until
        and g.nominal_at > now() - interval '1 day') m,
    (select round(percentile_cont(0.5) within group (order by o.ms))::bigint as p50,
        round(percentile_cont(0.99) within group (order by o.ms))::bigint as p99
      from (select (extract(epoch from min(r.started_at) - r.nominal_at) * 1000)::float8 as ms
        from task t join job_run r on r.schedule_id = t.schedule_id
        where r.nominal_at > now() - interval '1 day'
        group by r.schedule_id, r.nominal_at) o) l`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('statistics have one row')
  const byState = Object.fromEntries(TASK_STATES.map((state) => [state, row.byState[state] ?? 0]))
  return { ...row, byState: byState as TaskStatistics['byState'] } // its keys are all states
}
