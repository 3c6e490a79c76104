/** Coverage in Postgres: which watched legs went without an answer for too long. */
import { sql } from 'kysely'

import type { CoverageAccount, CoverageRequest } from '../../domain/ports/leg-store.ts'
import type { Database } from '../client.ts'

/** Opens and closes incidents in one statement and counts. A leg has one open incident at most. */
export async function accountForCoverage(
  db: Database,
  request: CoverageRequest,
): Promise<CoverageAccount> {
  const { now, windowBeforeOutS, limits } = request
  const { rows } = await sql<CoverageAccount>`
    with limits as (
      select * from unnest(
        ${limits.map(({ phase }) => phase)}::text[],
        ${limits.map(({ maxGapS }) => maxGapS)}::integer[]
      ) as u (phase, max_gap_s)
    ),
    watched as (
      select l.id, l.poll_phase, m.max_gap_s,
        extract(epoch from ${now}::timestamptz - greatest(
          coalesce(l.last_ok_at, l.scheduled_out - make_interval(secs => ${windowBeforeOutS})),
          l.watched_since))::integer as gap_s
      from flight_leg l left join limits m on m.phase = l.poll_phase
      where l.undecided_policies > 0
        and l.scheduled_out <= ${now}::timestamptz + make_interval(secs => ${windowBeforeOutS})
    ),
    overdue as (
      select id, coalesce(poll_phase, 'UNKNOWN') as poll_phase, gap_s, max_gap_s
      from watched where gap_s > max_gap_s
    ),
    open_before as (select id, leg_id from coverage_incident where closed_at is null),
    closed as (
      update coverage_incident i set closed_at = greatest(${now}::timestamptz, i.opened_at)
      from open_before b
      where i.id = b.id and i.closed_at is null
        and not exists (select from overdue o where o.id = b.leg_id)
      returning i.id
    ),
    opened as (
      insert into coverage_incident (leg_id, poll_phase, gap_s, max_gap_s, opened_at)
      select o.id, o.poll_phase, o.gap_s, o.max_gap_s, ${now}::timestamptz from overdue o
      where not exists (select from open_before b where b.leg_id = o.id)
      order by o.id
      on conflict do nothing
      returning id
    )
    select
      (select count(*) from watched) as "legsInWindow",
      (select count(*) from overdue) as overdue,
      (select count(*) from opened) as "incidentsOpened",
      (select count(*) from closed) as "incidentsClosed",
      (select count(*) from open_before) + (select count(*) from opened)
        - (select count(*) from closed) as "incidentsOpen"`.execute(db)
  const [account] = rows
  if (account === undefined) throw new Error('the coverage statement returned no row')
  return account
}
