-- Policies and review cases go only from one legal state to the next, and a settled leg stays settled. The
-- tables in domain/policy.ts, domain/review-state.ts and domain/leg-phase-transitions.ts say the same.

-- Called only for a move that no path allows; its argument is the column that holds the state.
create or replace function refuse_transition() returns trigger language plpgsql as $$
begin
  raise exception '% cannot go from % to %', tg_table_name, coalesce(to_jsonb(old) ->> tg_argv[0], 'nothing'),
    to_jsonb(new) ->> tg_argv[0] using errcode = 'integrity_constraint_violation';
end $$;

-- A legal move is judged in the executor and calls nothing; after the row, so that no row is locked twice.
create trigger legal_move after update of state on policy for each row
  when (old.state <> new.state and not case old.state
    when 'BOUND' then new.state in ('MONITORING','TRIGGERED','IN_REVIEW','CANCELLED_BY_HOLDER','DECLINED')
    when 'MONITORING' then new.state in ('TRIGGERED','IN_REVIEW','EXPIRED')
    when 'TRIGGERED' then new.state in ('PAID','IN_REVIEW')
    when 'IN_REVIEW' then new.state in ('TRIGGERED','EXPIRED')
    when 'PAID' then new.state in ('CLOSED','IN_REVIEW')
    when 'EXPIRED' then new.state in ('CLOSED','IN_REVIEW')
    when 'CLOSED' then new.state = 'IN_REVIEW'
    else false end)
  execute function refuse_transition('state');

create trigger legal_move after update of state on review_case for each row
  when (old.state <> new.state and not case old.state
    when 'OPEN' then new.state in ('CLAIMED','ESCALATED','RESOLVED')
    when 'CLAIMED' then new.state in ('OPEN','ESCALATED','RESOLVED')
    when 'ESCALATED' then new.state in ('CLAIMED','RESOLVED')
    else false end)
  execute function refuse_transition('state');

alter table flight_leg
  -- Grows when a provider corrects a leg that was settled: only then may its phase leave SETTLED.
  add column settled_revision integer not null default 0 check (settled_revision >= 0);

-- While policies are undecided a phase only says what the evidence looks like; it is final once all are decided.
create trigger legal_move after update of phase on flight_leg for each row
  when (old.phase = 'SETTLED' and new.phase <> 'SETTLED' and old.settled_at is not null
    and new.settled_at is not null and new.settled_revision = old.settled_revision)
  execute function refuse_transition('phase');
