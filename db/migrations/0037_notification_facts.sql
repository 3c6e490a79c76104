-- The outbox: what holders are to be told, written in the transaction that makes it true, by whatever
-- statement does. A sweep turns facts into notifications and deletes them in one transaction.

create table notification_fact (
  id bigint generated always as identity primary key,
  kind text not null
    check (kind in ('BOUND', 'CANCELLED', 'IN_REVIEW', 'NOT_PAID', 'PAID', 'RETURNED')),
  -- No foreign keys: the rows come from the very rows that they name, which are never deleted.
  policy_id uuid not null,
  payout_id uuid,
  -- Tells one occurrence from the next of the same policy and kind: a transfer, an evaluation, a case.
  occasion text not null,
  created_at timestamptz not null default now()
);

create function note_payout_fact() returns trigger language plpgsql as $$
begin
  insert into notification_fact (kind, policy_id, payout_id, occasion)
  -- A payout that came back has no transfer any more: the one that came back tells it from the next.
  values (new.state, new.policy_id, new.id, coalesce(new.transfer_id, old.transfer_id));
  return null;
end $$;
create trigger note_fact after update of state on payout for each row
  when (new.state is distinct from old.state and new.state in ('PAID', 'RETURNED'))
  execute function note_payout_fact();

create function note_policy_fact() returns trigger language plpgsql as $$
begin
  insert into notification_fact (kind, policy_id, occasion)
  values (tg_argv[0], new.id, coalesce(new.evaluation_id::text, ''));
  return null;
end $$;
create trigger note_not_paid after update of outcome on policy for each row
  when (new.outcome = 'NO_PAY' and old.outcome is distinct from 'NO_PAY')
  execute function note_policy_fact('NOT_PAID');
create trigger note_cancelled after update of state on policy for each row
  when (new.state = 'CANCELLED_BY_HOLDER' and old.state is distinct from new.state)
  execute function note_policy_fact('CANCELLED');

-- Cases whose holders have been told that a person looks: once per case.
create table told_case (
  case_id uuid primary key references review_case (id),
  created_at timestamptz not null default now()
);
