-- Products whose cover people have taken off sale for a time. A product without a row is on sale.

create table cover_switch (
  product text primary key,
  is_armed boolean not null,
  changed_by text not null,
  reason text not null,
  changed_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- What each request did, by its ref: one that is carried out again finds what it did, even when
-- somebody has switched back since.
create table cover_switch_change (
  ref text primary key,
  product text not null,
  is_armed boolean not null,
  is_changed boolean not null,
  at timestamptz not null,
  created_at timestamptz not null default now()
);
create trigger no_change before update or delete or truncate on cover_switch_change
  for each statement execute function refuse_change();
