-- What processes saw of outside services, and the state that was last judged. All in wall time.

create table provider_calls (
  provider text not null,
  minute timestamptz not null,
  calls bigint not null default 0 check (calls >= 0),
  failures bigint not null default 0 check (failures between 0 and calls),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider, minute)
);

-- A process's breaker and last answer; a row that is not written any more is a process that ended.
create table provider_process (
  provider text not null,
  reporter text not null check (length(reporter) between 1 and 255),
  breaker text not null check (breaker in ('closed', 'open', 'half-open')),
  last_answer_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider, reporter)
);

create table provider_health (
  provider text primary key,
  state text not null check (state in ('UP', 'DEGRADED', 'DOWN')),
  reason text not null,
  since timestamptz not null,
  checked_at timestamptz not null,
  answered_in_ms integer check (answered_in_ms >= 0),
  last_answer_at timestamptz,
  calls bigint not null check (calls >= 0),
  failures bigint not null check (failures >= 0),
  processes integer not null check (processes >= 0),
  open_breakers integer not null check (open_breakers >= 0),
  day_units bigint not null check (day_units >= 0),
  day_budget bigint check (day_budget >= 1),
  month_units bigint not null check (month_units >= 0),
  month_budget bigint check (month_budget >= 1),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table provider_state_change (
  id bigint generated always as identity primary key,
  provider text not null,
  -- Null at the provider's first check.
  from_state text check (from_state in ('UP', 'DEGRADED', 'DOWN')),
  to_state text not null check (to_state in ('UP', 'DEGRADED', 'DOWN')),
  reason text not null,
  created_at timestamptz not null default now()
);
create index provider_state_change_newest on provider_state_change (provider, id desc);
