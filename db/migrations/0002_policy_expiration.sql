-- Expiry: policies by the end of their cover, and how far a recurring job has come for good.

-- Neither column ever moves with a policy's state, so its moves still touch no index.
create index policy_cover_end on policy (cover_end, id);

-- An expired policy is a settled no-pay, whatever code or person moved it.
alter table policy add constraint policy_expired_is_no_pay
  check (state <> 'EXPIRED' or outcome is not distinct from 'NO_PAY');

-- Everything before `position`, business time, is done and need not be read again.
create table job_cursor (
  job text primary key,
  position timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- Cover that ended before the cursor and is bound only now would never be looked at: the cursor goes back.
create function rewind_expiration() returns trigger language plpgsql as $$
begin
  update job_cursor c set position = b.earliest, updated_at = now()
  from (select min(cover_end) as earliest from bound) as b
  where c.job = 'policy-expiration' and c.position > b.earliest;
  return null;
end $$;
create trigger rewind_on_bind after insert on policy
  referencing new table as bound for each statement execute function rewind_expiration();
