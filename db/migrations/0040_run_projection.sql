-- Runs of jobs as the Temporal server lists them, kept for lists and totals. The server stays the truth:
-- everything here can be made anew from it.

-- Every combination of what lists filter by that runs occur with, some hundred rows. A list merges the
-- newest runs of each kind that fits, so that any filter over any number of runs reads a few index pages.
create table job_run_kind (
  id integer generated always as identity primary key,
  job text not null,
  status text not null check (status in
    ('running', 'success', 'failed', 'timeout', 'cancelled', 'terminated', 'continued')),
  -- What an open run says of itself: held, retrying, parked.
  state text,
  -- What started it; null when other hands did.
  trigger text,
  priority text not null,
  queue text not null,
  -- Stable type of what ended it; null while it was not read.
  error_type text,
  -- Kept by triggers on job_run.
  runs bigint not null default 0 check (runs >= 0),
  duration_ms bigint not null default 0 check (duration_ms >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique nulls not distinct (job, status, state, trigger, priority, queue, error_type)
);

create table job_run (
  run_id uuid primary key,
  workflow_id text not null,
  kind_id integer not null references job_run_kind,
  -- The schedule that fired it, and for when; null for other starts.
  schedule_id text,
  nominal_at timestamptz,
  requested_at timestamptz not null,
  -- Later than requested for a run that waits for its time. Never moves.
  started_at timestamptz not null,
  closed_at timestamptz,
  duration_ms bigint check (duration_ms >= 0),
  error_message text,
  -- The attempt that goes on for this one.
  next_run_id uuid,
  -- Its code fails over and over without ending it.
  is_stuck boolean not null default false,
  -- Of the last rebuild that found it.
  rebuilt_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((closed_at is null) = (duration_ms is null))
);
create index job_run_list on job_run (kind_id, started_at, run_id);
create index job_run_workflow on job_run (workflow_id, started_at);
create index job_run_nominal on job_run (schedule_id, nominal_at) where schedule_id is not null;
create index job_run_closed on job_run (closed_at);

create function count_added_runs() returns trigger language plpgsql as $$
begin
  update job_run_kind k set runs = k.runs + d.runs, duration_ms = k.duration_ms + d.ms, updated_at = now()
  from (select kind_id, count(*) as runs, sum(coalesce(duration_ms, 0)) as ms
    from added group by kind_id) d
  where k.id = d.kind_id;
  return null;
end $$;

create function count_removed_runs() returns trigger language plpgsql as $$
begin
  update job_run_kind k set runs = k.runs - d.runs, duration_ms = k.duration_ms - d.ms, updated_at = now()
  from (select kind_id, count(*) as runs, sum(coalesce(duration_ms, 0)) as ms
    from removed group by kind_id) d
  where k.id = d.kind_id;
  return null;
end $$;

create function count_changed_runs() returns trigger language plpgsql as $$
begin
  update job_run_kind k set runs = k.runs + d.runs, duration_ms = k.duration_ms + d.ms, updated_at = now()
  from (select kind_id, sum(runs) as runs, sum(ms) as ms
    from (select kind_id, 1 as runs, coalesce(duration_ms, 0) as ms from added
      union all select kind_id, -1, -coalesce(duration_ms, 0) from removed) as both_sides
    group by kind_id having sum(runs) <> 0 or sum(ms) <> 0) d
  where k.id = d.kind_id;
  return null;
end $$;

create trigger count_added after insert on job_run
  referencing new table as added for each statement execute function count_added_runs();
create trigger count_changed after update on job_run
  referencing old table as removed new table as added
  for each statement execute function count_changed_runs();
create trigger count_removed after delete on job_run
  referencing old table as removed for each statement execute function count_removed_runs();
