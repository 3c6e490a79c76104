-- Steps a second that a queue may begin, while somebody limits it. The server holds the limit too, but
-- has only one number for it, which a pause overwrites: what holds after the pause is kept here.

create table queue_limit (
  queue text primary key,
  per_second double precision not null check (per_second > 0),
  reason text not null,
  set_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
