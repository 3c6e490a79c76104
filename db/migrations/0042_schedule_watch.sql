-- The dead-man's switch: what each schedule was when it was last looked at, and fires that went wrong.

create table schedule_watch (
  schedule_id text primary key,
  -- As the server had it: when it fires, what an overlap does, how late a run may start.
  spec jsonb not null,
  is_paused boolean not null,
  -- Every fire up to here is accounted for.
  checked_until timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table schedule_gap (
  schedule_id text not null,
  nominal_at timestamptz not null,
  kind text not null check (kind in ('missing', 'late', 'double', 'overlap', 'paused')),
  -- The late run, the second run, or the open one that was in the way.
  cause_run_id uuid,
  lateness_ms bigint,
  -- The run that was started to make up for it.
  healed_run_id uuid,
  found_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (schedule_id, nominal_at)
);
create index schedule_gap_found on schedule_gap (found_at);
