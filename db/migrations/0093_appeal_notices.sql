-- Holders are told that their appeal was received and how it ended, in the transactions that make it so.

alter table notification drop constraint notification_template_check;
alter table notification add constraint notification_template_check
  check (template in ('policy-bound', 'policy-cancelled', 'policy-endorsed', 'policy-in-review',
    'policy-not-paid', 'payout-paid', 'payout-returned', 'appeal-received', 'appeal-stands',
    'appeal-upheld', 'operator-notice'));

alter table notification_fact drop constraint notification_fact_kind_check;
alter table notification_fact add constraint notification_fact_kind_check
  check (kind in ('BOUND', 'CANCELLED', 'ENDORSED', 'IN_REVIEW', 'NOT_PAID', 'PAID', 'RETURNED',
    'APPEAL_RECEIVED', 'APPEAL_STANDS', 'APPEAL_UPHELD'));

create function note_appeal_fact() returns trigger language plpgsql as $$
begin
  insert into notification_fact (kind, policy_id, occasion)
  values ('APPEAL_' || coalesce(new.result, 'RECEIVED'), new.policy_id, new.id::text);
  return null;
end $$;
create trigger note_received after insert on appeal for each row execute function note_appeal_fact();
create trigger note_end after update of result on appeal for each row
  when (old.result is null and new.result is not null) execute function note_appeal_fact();
