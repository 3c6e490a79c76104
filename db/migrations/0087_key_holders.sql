-- Which process has which keys, so that a new key is used only once every process can open with it.
-- Ids alone: the keys themselves rest elsewhere.

create table key_holder (
  process_id text not null check (length(process_id) between 1 and 200),
  ring text not null check (ring ~ '^[a-z]{1,32}$'),
  key_ids text[] not null check (cardinality(key_ids) <= 50),
  seen_at timestamptz not null default now(),
  primary key (process_id, ring)
);
