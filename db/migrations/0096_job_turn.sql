-- Whose turn it is among runs of which one at a time may be at work. The server says whether the run that
-- has a turn is still open; here it is only said which one it is, so that two cannot have it at once.

create table job_turn (
  turn_key text primary key check (turn_key <> ''),
  -- The id of the run that has it, and the first attempt of its chain: a later run of the id is another.
  workflow_id text not null,
  first_run_id text not null,
  taken_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
