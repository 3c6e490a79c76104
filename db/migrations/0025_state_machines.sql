-- A payout, an attempt and a reservation go only from one legal state to the next. The tables in
-- domain/payout.ts and domain/escrow.ts say the same; a test compares every pair.

-- Called only for a move that no path allows; its argument is the column that holds the state.
create function refuse_transition() returns trigger language plpgsql as $$
begin
  raise exception '% cannot go from % to %', tg_table_name, coalesce(to_jsonb(old) ->> tg_argv[0], 'nothing'),
    to_jsonb(new) ->> tg_argv[0] using errcode = 'integrity_constraint_violation';
end $$;

-- The rail gave back what it had accepted.
alter table payout_attempt
  drop constraint payout_attempt_outcome_check,
  add constraint payout_attempt_outcome_check
    check (outcome in ('OPEN','ACCEPTED','DEFINITE_FAIL','UNKNOWN','RETURNED')),
  drop constraint payout_attempt_check1,
  add constraint payout_attempt_reference
    check (outcome not in ('ACCEPTED','RETURNED') or provider_ref is not null);

-- A returned payout above the approval limit takes two people again.
alter table payout
  drop constraint payout_first_approval,
  add constraint payout_first_approval check (
    (first_approved_by is null) = (first_approval_ref is null)
    and (first_approved_by is null or state in ('CREATED','FAILED','RETURNED','CANCELLED')));

-- The conditions are the state machines: a legal move is judged in the executor and calls nothing. After
-- the row, because a trigger before it would lock every row a second time.
create trigger legal_move after update of state on payout for each row
  when (old.state <> new.state and not case old.state
    when 'CREATED' then new.state in ('APPROVED','CANCELLED')
    when 'APPROVED' then new.state in ('SUBMITTED','CANCELLED')
    when 'SUBMITTED' then new.state in ('IN_TRANSIT','PAID','FAILED','APPROVED')
    when 'IN_TRANSIT' then new.state in ('PAID','RETURNED')
    when 'PAID' then new.state = 'RETURNED'
    when 'FAILED' then new.state in ('APPROVED','CANCELLED')
    when 'RETURNED' then new.state in ('APPROVED','CANCELLED')
    else false end)
  execute function refuse_transition('state');
create trigger legal_start after insert on payout for each row
  when (new.state <> 'CREATED') execute function refuse_transition('state');

create trigger legal_move after update of outcome on payout_attempt for each row
  when (old.outcome <> new.outcome and not case old.outcome
    when 'OPEN' then new.outcome in ('ACCEPTED','DEFINITE_FAIL','UNKNOWN')
    when 'ACCEPTED' then new.outcome = 'RETURNED'
    else false end)
  execute function refuse_transition('outcome');
create trigger legal_start after insert on payout_attempt for each row
  when (new.outcome <> 'OPEN') execute function refuse_transition('outcome');

create trigger legal_move after update of state on escrow_reservation for each row
  when (old.state <> new.state and not (old.state = 'RESERVED' and new.state in ('FULFILLED','RELEASED')))
  execute function refuse_transition('state');
create trigger legal_start after insert on escrow_reservation for each row
  when (new.state <> 'RESERVED') execute function refuse_transition('state');
