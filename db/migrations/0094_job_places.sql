-- Places of runs whose job has limits: how many may be at work at once, how many may begin a minute, over
-- all workers. A run's place is its row; it waits until the row is granted. Times are wall time.

create table job_gate (
  job text primary key check (length(job) between 1 and 48),
  -- When the next run may begin by the rate. Whoever grants places of the job holds this row.
  next_start_at timestamptz not null default '2000-01-01Z',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
) with (fillfactor = 50);

create table job_place (
  run_id text primary key check (length(run_id) between 1 and 64),
  workflow_id text not null,
  job text not null references job_gate,
  -- Temporal's priority key: 1 first.
  priority smallint not null check (priority between 1 and 5),
  -- Who asked first among those of a priority.
  seq bigint not null generated always as identity,
  -- Null: it waits.
  granted_at timestamptz,
  -- When it may begin by the rate.
  starts_at timestamptz,
  -- When the run was last known to be open.
  seen_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((granted_at is null) = (starts_at is null))
) with (fillfactor = 70);
create index job_place_waiting on job_place (job, priority, seq) where granted_at is null;
create index job_place_held on job_place (job) where granted_at is not null;
