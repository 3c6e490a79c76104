-- Retention of observations: what no decision rests on may go once its leg is settled and old.

alter table flight_leg
  -- Observations that retention took away; null while it has not been there.
  add column observations_removed integer check (observations_removed >= 0);
create index flight_leg_to_prune on flight_leg (settled_at)
  where settled_at is not null and observations_removed is null;
create index evaluation_observations on evaluation using gin (observation_ids);

-- What an evaluation names, and what was known before: a replay folds every answer up to the last one
-- named, of which an evaluation names only the latest.
create function is_evidence(observation flight_observation) returns boolean language sql stable as $$
  select exists (
      select from evaluation e where e.observation_ids @> array[observation.id])
    or observation.id <= coalesce((
      select max(named.id) from evaluation e, unnest(e.observation_ids) as named (id)
      where e.leg_id = observation.leg_id), 0)
$$;

-- Settled, nobody watches it and nobody has anything open about it.
create function is_leg_closed(leg flight_leg) returns boolean language sql stable as $$
  select leg.settled_at is not null and leg.undecided_policies = 0 and leg.correction_look_at is null
    and not exists (
      select from review_case r
      where r.state <> 'RESOLVED' and r.subject_id in (
        select leg.id
        union all select p.id from policy p where p.leg_id = leg.id
        union all select o.id from payout o join policy p on p.id = o.policy_id where p.leg_id = leg.id))
$$;

create function keep_evidence() returns trigger language plpgsql as $$
begin
  if not is_retention() or is_evidence(old)
    or not (select is_leg_closed(l) from flight_leg l where l.id = old.leg_id) then
    raise exception '% is append-only: delete refused', tg_table_name
      using errcode = 'integrity_constraint_violation';
  end if;
  return old;
end $$;
drop trigger no_delete on flight_observation;
create trigger no_delete before delete on flight_observation for each row execute function keep_evidence();
create trigger no_truncate before truncate on flight_observation for each statement execute function refuse_change();

-- Goes through at most `legs_at_most` closed legs that were settled and last asked about before a moment,
-- the earliest first, each once. Their rows are locked: a policy bound meanwhile waits, or its leg is passed over.
create function remove_observations(before timestamptz, legs_at_most integer)
  returns table (legs bigint, items bigint, bytes bigint) language plpgsql
  set groundstop.retention = 'on' as $$
begin
  return query
    with closed as (
      select l.id from flight_leg l
      where l.settled_at < before and l.last_polled_at < before and l.observations_removed is null
        and is_leg_closed(l)
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

-- A leg whose answers are no longer all there cannot be decided anew: the decision could not be shown to
-- follow from its evidence. One that lost nothing is watched again, and visited again later.
create function bind_to_whole_leg() returns trigger language plpgsql as $$
declare
  lost text;
begin
  select l.leg_key into lost from bound b join flight_leg l on l.id = b.leg_id
  where l.observations_removed > 0 limit 1;
  if lost is not null then
    raise exception 'leg % was settled long ago and its observations are gone: nothing is bound to it', lost
      using errcode = 'integrity_constraint_violation';
  end if;
  update flight_leg l set observations_removed = null
  from bound b where l.id = b.leg_id and l.observations_removed = 0;
  return null;
end $$;
create trigger whole_leg after insert on policy
  referencing new table as bound for each statement execute function bind_to_whole_leg();
