-- The second lock: what callers of a tenant read is read in the role `groundstop_tenant`, which sees the rows
-- of the tenant that the connection names, `groundstop.tenant`, and no others, whatever a statement asks for.
-- It only reads. The owner of the tables, which is who runs this, passes by: the house's plans are as before.

do $$
begin
  if not exists (select from pg_roles where rolname = 'groundstop_tenant') then
    begin
      create role groundstop_tenant nologin;
    exception
      -- Roles belong to the server: another of its databases was faster.
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        raise exception 'the role groundstop_tenant is missing and % may not create it: have an administrator of the server run: create role groundstop_tenant nologin; grant groundstop_tenant to %',
          current_user, quote_ident(current_user);
    end;
  end if;
  begin
    set local role groundstop_tenant;
    set local role none;
  exception when insufficient_privilege then
    begin
      execute format('grant groundstop_tenant to %I', current_user);
    exception when insufficient_privilege then
      raise exception '% may not act as groundstop_tenant: have an administrator of the server run: grant groundstop_tenant to %',
        current_user, quote_ident(current_user);
    end;
  end;
end $$;

grant usage on schema public to groundstop_tenant;

-- The id in a text that names a thing; null when it holds none.
create function uuid_in(part text) returns uuid
  language sql immutable strict parallel safe
  return case when part ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then part::uuid end;

-- What carries a tenant.
alter table policy enable row level security;
create policy of_tenant on policy for select to groundstop_tenant
  using (tenant <> 'default' and tenant = current_setting('groundstop.tenant', true));
alter table quote enable row level security;
create policy of_tenant on quote for select to groundstop_tenant
  using (tenant <> 'default' and tenant = current_setting('groundstop.tenant', true));

-- What hangs on a policy: the rule of `policy` holds within these conditions too.
alter table payout enable row level security;
create policy of_tenant on payout for select to groundstop_tenant
  using (exists (select from policy p where p.id = policy_id));
alter table payout_attempt enable row level security;
create policy of_tenant on payout_attempt for select to groundstop_tenant
  using (exists (select from payout o where o.id = payout_id));
alter table escrow_reservation enable row level security;
create policy of_tenant on escrow_reservation for select to groundstop_tenant
  using (exists (select from policy p where p.id = policy_id));
alter table endorsement enable row level security;
create policy of_tenant on endorsement for select to groundstop_tenant
  using (exists (select from policy p where p.id = policy_id));
alter table appeal enable row level security;
create policy of_tenant on appeal for select to groundstop_tenant
  using (exists (select from policy p where p.id = policy_id));
alter table notification_fact enable row level security;
create policy of_tenant on notification_fact for select to groundstop_tenant
  using (exists (select from policy p where p.id = policy_id));
-- What operators are told is the house's.
alter table notification enable row level security;
create policy of_tenant on notification for select to groundstop_tenant
  using (exists (select from policy p where p.id = policy_id));
-- A case about a leg, a transfer or a control is the house's.
alter table review_case enable row level security;
create policy of_tenant on review_case for select to groundstop_tenant
  using (case subject_kind
    when 'policy' then exists (select from policy p where p.id = subject_id)
    when 'payout' then exists (select from payout o where o.id = subject_id)
    else false end);
alter table told_case enable row level security;
create policy of_tenant on told_case for select to groundstop_tenant
  using (exists (select from review_case r where r.id = case_id));
-- A decision about a leg is every policy's of its product.
alter table evaluation enable row level security;
create policy of_tenant on evaluation for select to groundstop_tenant
  using (exists (select from policy p
    where p.leg_id = evaluation.leg_id and p.product_version_id = evaluation.product_version_id));
alter table decision_correction enable row level security;
create policy of_tenant on decision_correction for select to groundstop_tenant
  using (exists (select from evaluation e where e.id = evaluation_id));

-- The house's books and trail: what is about one policy, payout or case, and nothing of the pool. A reference
-- has the id behind its first colon.
alter table ledger_transaction enable row level security;
create policy of_tenant on ledger_transaction for select to groundstop_tenant
  using (exists (select from payout o where o.id = uuid_in(split_part(ref, ':', 2)))
    or exists (select from policy p where p.id = uuid_in(split_part(ref, ':', 2))));
alter table ledger_posting enable row level security;
create policy of_tenant on ledger_posting for select to groundstop_tenant
  using (exists (select from ledger_transaction t where t.id = transaction_id));
alter table audit_event enable row level security;
create policy of_tenant on audit_event for select to groundstop_tenant
  using (starts_with(subject, 'review:')
    and exists (select from review_case r where r.id = uuid_in(split_part(subject, ':', 2))));
alter table setting enable row level security;
create policy of_tenant on setting for select to groundstop_tenant
  using (key = 'reviews.twoPersonLimitMinor');
-- Read beside a payout; no row of it is shown: a batch holds payouts of everybody.
alter table payout_batch enable row level security;

-- Flights are facts, but which of them somebody else insures is not: a leg is shown with a policy on it.
alter table flight_leg enable row level security;
create policy of_tenant on flight_leg for select to groundstop_tenant
  using (exists (select from policy p where p.leg_id = flight_leg.id));
alter table flight_observation enable row level security;
create policy of_tenant on flight_observation for select to groundstop_tenant
  using (exists (select from policy p where p.leg_id = flight_observation.leg_id));

grant select on policy, quote, payout, payout_attempt, escrow_reservation, endorsement, appeal,
  notification_fact, notification, review_case, told_case, evaluation, decision_correction,
  ledger_transaction, ledger_posting, audit_event, setting, payout_batch, flight_leg,
  flight_observation, product_version to groundstop_tenant;
