-- Runs of jobs that people timed, once or recurring. The row says what is wanted; a schedule on the
-- Temporal server carries it out, and is made to follow the row.

create table task (
  id uuid primary key,
  -- Also the id of its schedule, and of its runs in front of their nominal time.
  schedule_id text not null unique generated always as ('task-' || id::text) stored,
  tenant text not null default 'default',
  owner text not null,
  job text not null,
  input jsonb not null,
  priority text not null,
  timing jsonb not null check (timing ->> 'kind' in ('once', 'interval', 'wall')),
  tolerance_min integer not null check (tolerance_min between 1 and 1440),
  state text not null default 'SCHEDULED'
    check (state in ('SCHEDULED', 'PAUSED', 'DONE', 'FAILED', 'MISSED', 'CANCELLED')),
  due_at timestamptz not null,
  timed_at timestamptz not null,
  reason text not null,
  -- When the dead-man's switch has to look at it.
  look_at timestamptz not null,
  -- Of the row, and the last one that the schedule was made to follow.
  revision integer not null default 1,
  applied_revision integer not null default 0,
  applied_at timestamptz,
  missed integer not null default 0,
  missed_until timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index task_list on task (due_at, id);
create index task_state on task (state, due_at, id);
create index task_owner on task (owner, due_at, id);
create index task_look on task (look_at) where state = 'SCHEDULED';
create index task_unapplied on task (updated_at) where applied_revision < revision;

-- domain/task.ts says the same; a test compares every pair.
create trigger legal_move after update of state on task for each row
  when (old.state <> new.state and not case old.state
    when 'SCHEDULED' then new.state in ('PAUSED','CANCELLED','DONE','FAILED','MISSED')
    when 'PAUSED' then new.state in ('SCHEDULED','CANCELLED')
    when 'FAILED' then new.state = 'SCHEDULED'
    when 'MISSED' then new.state = 'SCHEDULED'
    else false end)
  execute function refuse_transition('state');
create trigger legal_start after insert on task for each row
  when (new.state <> 'SCHEDULED') execute function refuse_transition('state');
