-- Log lines of runs, as many of each run as somebody reads, for as long as its history is of use.

create table run_log_line (
  workflow_id text not null,
  run_id uuid not null,
  at timestamptz not null,
  -- The process that wrote it, and its own count: what is sent twice is kept once.
  writer uuid not null,
  n integer not null,
  level text not null check (level in ('trace', 'debug', 'info', 'warn', 'error', 'fatal')),
  event text not null,
  data jsonb not null,
  created_at timestamptz not null default now(),
  primary key (run_id, writer, n)
);
create index run_log_line_workflow on run_log_line (workflow_id, at, writer, n);
create index run_log_line_at on run_log_line (at);
