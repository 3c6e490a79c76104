-- What operators have been told, by what it is about: the same trouble is not told again and again.

create table operator_notice (
  key text primary key check (length(key) between 1 and 200),
  severity text not null check (severity in ('info', 'warning', 'critical')),
  -- Episodes: one begins when it is told first, and ends with a recovery.
  episode integer not null default 1 check (episode >= 1),
  -- Messages of this episode; part of their ids.
  told integer not null default 1 check (told >= 1),
  -- Times that it was reported in this episode, told or not.
  reported integer not null default 1 check (reported >= 1),
  opened_at timestamptz not null default now(),
  told_at timestamptz not null default now(),
  recovered_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
