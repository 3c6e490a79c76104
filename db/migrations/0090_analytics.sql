-- Figures of ended hours, days, weeks and months, kept as they were measured last.

create table analytics_period (
  kind text not null check (kind in ('hour', 'day', 'week', 'month')),
  -- Whose time the period is of: the book's, or the wall's, in which the platform itself runs.
  clock text not null check (clock in ('business', 'wall')),
  starts_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > starts_at),
  -- Grows when a later measuring found other figures.
  revision integer not null default 1 check (revision >= 1),
  content_sha256 text not null check (content_sha256 ~ '^[0-9a-f]{64}$'),
  -- Wall time of the last measuring: what was written before is in it.
  measured_at timestamptz not null,
  corrected_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (kind, clock, starts_at),
  check ((revision = 1) = (corrected_at is null))
);

create table analytics_figure (
  kind text not null,
  clock text not null,
  starts_at timestamptz not null,
  -- What is measured: `loss`, `delays`, `jobs` ...; its columns are in domain/analytics/sections.ts.
  section text not null,
  rows jsonb not null check (jsonb_typeof(rows) = 'array'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (kind, clock, starts_at, section),
  foreign key (kind, clock, starts_at) references analytics_period
);

-- Units of a provider's keys by day: the allowance itself remembers only the present one.
create table provider_units (
  provider text not null,
  key_id text not null,
  day date not null,
  units bigint not null check (units >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider, key_id, day)
);

create function note_provider_units() returns trigger language plpgsql as $$
begin
  insert into provider_units (provider, key_id, day, units)
  values (new.provider, new.key_id, new.day, new.day_units)
  on conflict (provider, key_id, day) do update set units = excluded.units, updated_at = now();
  return null;
end $$;
create trigger note_units after insert or update of day, day_units on provider_allowance for each row
  when (new.day_units > 0) execute function note_provider_units();

-- Rows come in the order of their times, so that a few pages tell where a period's rows are.
create index evaluation_at on evaluation using brin (evaluated_at);
