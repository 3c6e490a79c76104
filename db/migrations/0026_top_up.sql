-- Further payouts of a policy: each is made by one decision, and all of them stay within what was insured.

-- What a payout after the first was decided by: a decision repeated is one payout.
alter table payout
  add column decision_ref text check (length(decision_ref) between 1 and 200),
  add constraint payout_top_up_decision check ((revision = 0) = (decision_ref is null));
create unique index payout_decision on payout (policy_id, decision_ref) where decision_ref is not null;

drop trigger frozen on payout;
create trigger frozen before update of id, policy_id, revision, evaluation_id, amount_minor, currency, decision_ref on payout
  for each statement execute function refuse_change();

-- A first payout is compared alone: the decision of its policy locked the row and there is no other one. Those that
-- follow take turns by the policy's lock, so that each sees the ones before it.
create function keep_within_insured() returns trigger language plpgsql as $$
declare
  over_insured text;
begin
  perform from policy o where o.id in (select policy_id from made where revision > 0) order by o.id for update;
  select o.policy_number into over_insured
  from made m
  join policy o on o.id = m.policy_id
  where m.currency <> o.currency or o.sum_insured_minor < case when m.revision = 0 then m.amount_minor else (
    select sum(p.amount_minor) from payout p where p.policy_id = m.policy_id and p.state <> 'CANCELLED') end
  limit 1;
  if found then
    raise exception 'payouts do not fit the sum insured of policy %', over_insured
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;
create trigger within_insured after insert on payout
  referencing new table as made for each statement execute function keep_within_insured();
