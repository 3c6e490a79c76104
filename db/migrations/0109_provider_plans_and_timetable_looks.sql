-- What a key's plan at an outside service includes, as last found out. Wall time, as services bill.

create table provider_plan (
  provider text not null check (length(provider) between 1 and 64),
  -- A fingerprint of the key, never the key.
  key_id text not null check (key_id ~ '^[0-9a-f]{16}$'),
  present text not null default 'unknown' check (present in ('allowed', 'refused', 'unknown')),
  past text not null default 'unknown' check (past in ('allowed', 'refused', 'unknown')),
  future text not null default 'unknown' check (future in ('allowed', 'refused', 'unknown')),
  -- Why not allowed, in the service's words; null when allowed.
  present_reason text,
  past_reason text,
  future_reason text,
  -- Null until it was found out for the first time.
  probed_at timestamptz,
  -- When it is to be found out again.
  due_at timestamptz not null default now(),
  -- Until then whoever asks has it for himself.
  claimed_until timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider, key_id)
);

-- Whose plan the health speaks of; null for a provider whose calls are not counted by key.
alter table provider_health add column key_id text check (key_id ~ '^[0-9a-f]{16}$');

-- Legs that leave weeks ahead are looked up in the timetable once a week, until their polls begin.
-- Business time; null: no look is to come.
alter table flight_leg add column next_timetable_at timestamptz;
create index flight_leg_timetable_due on flight_leg (next_timetable_at)
  where undecided_policies > 0 and next_timetable_at is not null;
update flight_leg set next_timetable_at = watched_since + interval '7 days'
  where undecided_policies > 0
    and watched_since + interval '7 days' < scheduled_out - interval '46 hours';

-- What the timetable said of a leg, once per change. Only the seen-counters of a row may move.
create table timetable_look (
  id bigint generated always as identity primary key,
  leg_id uuid not null references flight_leg (id),
  provider text not null,
  -- MISSING: an answer without the leg. AMBIGUOUS: more than one leg that could be it.
  finding text not null check (finding in ('LISTED', 'MISSING', 'AMBIGUOUS')),
  scheduled_out timestamptz,
  scheduled_in timestamptz,
  http_status integer not null,
  payload_sha256 text not null check (payload_sha256 ~ '^[0-9a-f]{64}$'),
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null check (last_seen_at >= first_seen_at),
  seen_count integer not null default 1 check (seen_count >= 1),
  created_at timestamptz not null default now(),
  check ((finding = 'LISTED') = (scheduled_out is not null)),
  check ((finding = 'LISTED') = (scheduled_in is not null))
);
create index timetable_look_leg on timetable_look (leg_id, id desc);

create function keep_timetable_look() returns trigger language plpgsql as $$
begin
  if (new.id, new.leg_id, new.provider, new.finding, new.scheduled_out, new.scheduled_in,
      new.http_status, new.payload_sha256, new.first_seen_at, new.created_at)
     is distinct from
     (old.id, old.leg_id, old.provider, old.finding, old.scheduled_out, old.scheduled_in,
      old.http_status, old.payload_sha256, old.first_seen_at, old.created_at)
     or new.last_seen_at < old.last_seen_at or new.seen_count < old.seen_count then
    raise exception 'timetable_look is append-only: only its seen-counters may grow'
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger keep before update on timetable_look for each row execute function keep_timetable_look();
create trigger no_delete before delete or truncate on timetable_look
  for each statement execute function refuse_change();
