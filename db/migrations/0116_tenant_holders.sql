-- A holder is one tenant's: the token that policies have as payee_ref is never another tenant's as well, so
-- that a contact, a message and a request of a person are its tenant's by the token alone.

-- Holders of tenants; one who is not here is the house's.
create table tenant_holder (
  holder_ref text primary key check (length(holder_ref) between 1 and 255),
  tenant text not null check (tenant <> 'default' and tenant ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  created_at timestamptz not null default now()
);
create index tenant_holder_tenant on tenant_holder (tenant, holder_ref);
create trigger no_change before update or delete or truncate on tenant_holder for each statement execute function refuse_change();

insert into tenant_holder (holder_ref, tenant)
select payee_ref, min(tenant) from policy where tenant <> 'default' group by payee_ref;

-- Those of the tokens that are another's than is said of each. One that is nobody's yet is whoever's.
create function foreign_holders(refs text[], tenants text[]) returns setof text
  language sql stable as $$
  select distinct r.ref
  from unnest(refs, tenants) as r (ref, tenant)
  left join tenant_holder h on h.holder_ref = r.ref
  where case
    when h.tenant is not null then h.tenant <> r.tenant
    when r.tenant = 'default' then false
    else exists (select from policy p where p.payee_ref = r.ref and p.tenant = 'default')
      or exists (select from contact c where c.holder_ref = r.ref)
      or exists (select from privacy_request q where q.holder_ref = r.ref) end
$$;

-- Takes tokens for their tenants; raises when one of them is another's.
create function claim_holders(refs text[], tenants text[]) returns void language plpgsql as $$
declare
  taken text;
begin
  select f into taken from foreign_holders(refs, tenants) as f limit 1;
  if taken is null then
    insert into tenant_holder (holder_ref, tenant)
    select distinct r.ref, r.tenant from unnest(refs, tenants) as r (ref, tenant)
    where r.tenant <> 'default' order by 1
    on conflict do nothing;
    -- Somebody may have been faster.
    select f into taken from foreign_holders(refs, tenants) as f limit 1;
  end if;
  if taken is not null then
    raise exception 'the holder is of another tenant'
      using errcode = 'integrity_constraint_violation', constraint = 'holder_of_one_tenant';
  end if;
end $$;

create function claim_bound_holders() returns trigger language plpgsql as $$
begin
  -- Where there is the house alone nothing is looked up.
  if exists (select from tenant_holder) or exists (select from bound b where b.tenant <> 'default') then
    perform claim_holders(array_agg(b.payee_ref), array_agg(b.tenant)) from bound b;
  end if;
  return null;
end $$;
create trigger holders_apart after insert on policy
  referencing new table as bound for each statement execute function claim_bound_holders();

create function claim_corrected_holder() returns trigger language plpgsql as $$
begin
  perform claim_holders(array[new.payee_ref], array[new.tenant]);
  return null;
end $$;
create trigger holder_apart after update of payee_ref on policy for each row
  when (old.payee_ref <> new.payee_ref) execute function claim_corrected_holder();

alter table tenant_holder enable row level security;
create policy of_tenant on tenant_holder for select to groundstop_tenant
  using (tenant = current_setting('groundstop.tenant', true));
alter table contact enable row level security;
create policy of_tenant on contact for select to groundstop_tenant
  using (exists (select from tenant_holder h where h.holder_ref = contact.holder_ref));
alter table person_key enable row level security;
create policy of_tenant on person_key for select to groundstop_tenant
  using (exists (select from tenant_holder h where h.holder_ref = person_key.holder_ref));
alter table push_subscription enable row level security;
create policy of_tenant on push_subscription for select to groundstop_tenant
  using (exists (select from tenant_holder h where h.holder_ref = push_subscription.holder_ref));
alter table privacy_request enable row level security;
create policy of_tenant on privacy_request for select to groundstop_tenant
  using (exists (select from tenant_holder h where h.holder_ref = privacy_request.holder_ref));
alter table privacy_request_archive enable row level security;
create policy of_tenant on privacy_request_archive for select to groundstop_tenant
  using (exists (select from tenant_holder h where h.holder_ref = privacy_request_archive.holder_ref));

grant select on tenant_holder, contact, person_key, push_subscription, privacy_request,
  privacy_request_archive to groundstop_tenant;
