-- What may still be asked of an outside service: rate and budgets of a key, for all processes together.

create table provider_allowance (
  provider text not null check (length(provider) between 1 and 64),
  -- A fingerprint of the key, never the key.
  key_id text not null check (key_id ~ '^[0-9a-f]{16}$'),
  -- When the bucket of the rate is full again, were nothing more taken from it. Wall time.
  full_at timestamptz not null default now(),
  -- Units used in a period, wall time in UTC; a row of an earlier period counts as none.
  day date not null default '2000-01-01',
  day_units bigint not null default 0 check (day_units >= 0),
  month date not null default '2000-01-01' check (extract(day from month) = 1),
  month_units bigint not null default 0 check (month_units >= 0),
  -- The highest mark of the budget that was told in the period, per cent.
  day_mark integer not null default 0 check (day_mark between 0 and 100),
  month_mark integer not null default 0 check (month_mark between 0 and 100),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider, key_id)
) with (fillfactor = 50);
