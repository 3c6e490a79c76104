-- Whether a leg is closed is asked case by case through an index instead of by reading all open cases, and
-- once for each leg of a delete instead of for each row.

-- Settled, nobody watches it and nobody has anything open about it.
create or replace function is_leg_closed(leg flight_leg) returns boolean language sql stable as $$
  select leg.settled_at is not null and leg.undecided_policies = 0 and leg.correction_look_at is null
    and not exists (
      select from review_case r
      where r.state <> 'RESOLVED' and r.subject_kind = 'leg' and r.subject_id = leg.id)
    and not exists (
      select from policy p
      join review_case r on r.state <> 'RESOLVED' and r.subject_kind = 'policy' and r.subject_id = p.id
      where p.leg_id = leg.id)
    and not exists (
      select from policy p join payout o on o.policy_id = p.id
      join review_case r on r.state <> 'RESOLVED' and r.subject_kind = 'payout' and r.subject_id = o.id
      where p.leg_id = leg.id)
$$;

-- Legs that somebody has something open about.
create view leg_with_open_case as
  select r.subject_id as leg_id from review_case r
  where r.state <> 'RESOLVED' and r.subject_kind = 'leg'
  union all
  select p.leg_id from review_case r join policy p on p.id = r.subject_id
  where r.state <> 'RESOLVED' and r.subject_kind = 'policy'
  union all
  select p.leg_id from review_case r join payout o on o.id = r.subject_id
  join policy p on p.id = o.policy_id
  where r.state <> 'RESOLVED' and r.subject_kind = 'payout';

drop trigger no_delete on flight_observation;
drop function keep_evidence();
create function keep_evidence() returns trigger language plpgsql as $$
begin
  if not is_retention()
    or exists (select from gone o where is_evidence(o))
    or exists (
      select from flight_leg l
      where l.id in (select leg_id from gone) and not is_leg_closed(l)) then
    raise exception '% is append-only: delete refused', tg_table_name
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;
create trigger no_delete after delete on flight_observation
  referencing old table as gone for each statement execute function keep_evidence();

-- Removes what no decision rests on of at most so many closed legs, the longest settled first. Those that wait
-- for a case are passed over at once, however many they are.
create or replace function remove_observations(before timestamptz, legs_at_most integer)
  returns table (legs bigint, items bigint, bytes bigint) language plpgsql
  set groundstop.retention = 'on' as $$
begin
  return query
    with waiting as materialized (select w.leg_id from leg_with_open_case w),
    closed as (
      select l.id from flight_leg l
      where l.settled_at < before and l.last_polled_at < before and l.observations_removed is null
        and l.undecided_policies = 0 and l.correction_look_at is null
        and l.id not in (select w.leg_id from waiting w)
      order by l.settled_at limit legs_at_most for update skip locked
    ), aged as (
      select o.id, o.leg_id, pg_column_size(o.*) as size
      from closed c join flight_observation o on o.leg_id = c.id
      where o.last_seen_at < before and not is_evidence(o)
    ), gone as (
      delete from flight_observation o using aged a where o.id = a.id returning a.leg_id, a.size
    ), visited as (
      update flight_leg l
      set observations_removed = (select count(*) from gone g where g.leg_id = l.id), updated_at = now()
      from closed c where l.id = c.id returning l.id
    )
    select (select count(*) from visited), count(*), coalesce(sum(g.size), 0)::bigint from gone g;
end $$;
