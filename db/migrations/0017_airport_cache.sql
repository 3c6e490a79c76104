-- Airports in use and their weather, as last asked for. Business time; nothing is decided by these.

create table cached_airport (
  code text primary key check (code ~ '^[A-Z]{3}$'),
  icao text,
  name text not null,
  city text,
  country_code text,
  latitude double precision check (latitude between -90 and 90),
  longitude double precision check (longitude between -180 and 180),
  elevation_ft double precision,
  timezone text,
  provider text not null,
  fetched_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > fetched_at),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table cached_weather (
  code text primary key check (code ~ '^[A-Z]{3}$'),
  observed_at timestamptz not null,
  raw text not null,
  conditions text,
  clouds text,
  temperature_c double precision,
  wind_direction_deg double precision,
  wind_speed_kt double precision,
  wind_gust_kt double precision,
  visibility_sm double precision,
  provider text not null,
  fetched_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > fetched_at),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- When an entry is asked for next, whatever became of it the last time.
create table cache_entry (
  kind text not null check (kind in ('airport', 'weather')),
  code text not null check (code ~ '^[A-Z]{3}$'),
  refresh_at timestamptz not null,
  failures integer not null default 0 check (failures >= 0),
  last_failure text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (kind, code)
);
