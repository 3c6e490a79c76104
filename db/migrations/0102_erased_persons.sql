-- Persons who were erased: who imports an old file again is told so instead of bringing them back.

create table erased_person (
  holder_ref text primary key check (length(holder_ref) between 1 and 255),
  -- The last request that did it.
  request_id uuid not null,
  erased_at timestamptz not null,
  created_at timestamptz not null default now()
);
create trigger no_change before update or delete or truncate on erased_person
  for each statement execute function refuse_change();

-- A copy that the person asked for is made before the data goes.
alter table privacy_request
  drop constraint privacy_request_waits_for_check,
  add constraint privacy_request_waits_for_check
    check (waits_for in ('LIVE_POLICIES', 'OPEN_EXPORT', 'OPEN_PAYOUTS'));
