-- Holders are told that the timetable moved what is insured, in the transaction that moves it.

alter table notification drop constraint notification_template_check;
alter table notification add constraint notification_template_check
  check (template in ('policy-bound', 'policy-cancelled', 'policy-endorsed', 'policy-in-review',
    'policy-not-paid', 'payout-paid', 'payout-returned', 'operator-notice'));

alter table notification_fact drop constraint notification_fact_kind_check;
alter table notification_fact add constraint notification_fact_kind_check
  check (kind in ('BOUND', 'CANCELLED', 'ENDORSED', 'IN_REVIEW', 'NOT_PAID', 'PAID', 'RETURNED'));

-- Once a statement: a retime endorses every policy of the leg at once.
create function note_endorsements() returns trigger language plpgsql as $$
begin
  insert into notification_fact (kind, policy_id, occasion)
  select 'ENDORSED', e.policy_id, e.n::text from endorsed e;
  return null;
end $$;
create trigger note_facts after insert on endorsement
  referencing new table as endorsed
  for each statement execute function note_endorsements();
