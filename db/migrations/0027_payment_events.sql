-- What the rail told after it accepted a payment, raw and once, until it was looked up and applied.

create table payment_event (
  -- Who told it: `stripe`.
  source text not null,
  event_id text not null check (length(event_id) between 1 and 255),
  type text not null,
  -- The object that it is about, and the connected account of that object; what the rail says of it now counts.
  object_id text not null,
  account text,
  occurred_at timestamptz not null,
  payload text not null,
  -- Pushed to us, or found in the rail's list.
  channel text not null check (channel in ('webhook','list')),
  -- What became of it; null while it is to be looked up.
  outcome text check (outcome in ('confirmed','returned','partly-returned','unchanged','unrelated')),
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (source, event_id),
  check ((outcome is null) = (closed_at is null))
);
create index payment_event_open on payment_event (occurred_at, event_id) where outcome is null;
create trigger frozen before update of source, event_id, type, object_id, account, occurred_at, payload, channel, created_at on payment_event
  for each statement execute function refuse_change();
create trigger no_delete before delete or truncate on payment_event for each statement execute function refuse_change();
