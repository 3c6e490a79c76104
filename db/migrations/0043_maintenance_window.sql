-- Schedules that somebody paused together, until a time at which they go on by themselves.

create table maintenance_window (
  id uuid primary key default gen_random_uuid(),
  -- Those that the window paused; what was paused before is not in it.
  schedule_ids text[] not null check (cardinality(schedule_ids) > 0),
  -- What the server shows as the pause's note: a schedule with another one was changed since.
  note text not null,
  opened_by text not null,
  reason text not null,
  until_at timestamptz not null,
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index maintenance_window_open on maintenance_window (until_at) where closed_at is null;
