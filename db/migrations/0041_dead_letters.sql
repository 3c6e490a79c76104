-- Dead letters: runs that ended badly with nothing going on for them, or that wait for a person.

alter table job_run add column version text;

-- Errors that read the same without their ids.
create table error_group (
  id uuid primary key,
  job text not null,
  error_type text not null,
  -- The message without ids and numbers.
  message text not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  letters bigint not null default 0,
  -- Of the code that failed first and last; null where the server does not tell.
  first_version text,
  last_version text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table dead_letter (
  -- The run that died or is parked.
  run_id uuid primary key,
  workflow_id text not null,
  job text not null,
  schedule_id text,
  kind text not null check (kind in ('failed', 'timeout', 'terminated', 'parked')),
  group_id uuid not null references error_group,
  error_type text not null,
  error_message text,
  started_at timestamptz not null,
  died_at timestamptz not null,
  -- REDRIVING: a redrive was begun; whoever repeats it finds the run or starts it.
  -- COVERED: a later run succeeded. RECOVERED: a parked run went on. ARCHIVED: too many were open.
  state text not null default 'OPEN' check (state in
    ('OPEN', 'REDRIVING', 'REDRIVEN', 'DISCARDED', 'COVERED', 'RECOVERED', 'ARCHIVED')),
  resolved_at timestamptz,
  resolved_by text,
  reason text,
  redriven_workflow_id text,
  redriven_run_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((state = 'OPEN') = (resolved_at is null))
);
create index dead_letter_state on dead_letter (state, died_at, run_id);
create index dead_letter_died on dead_letter (died_at, run_id);
create index dead_letter_group on dead_letter (group_id, state);
