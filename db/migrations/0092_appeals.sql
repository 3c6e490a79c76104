-- Appeals: a decided policy is looked at again by a person, within the days of its product. What was asked
-- is kept as it was; the end is written once. The policy waits in review and has its state back when
-- nothing changes; more is a further payout, never an edit of the first.

create table appeal (
  id uuid primary key,
  policy_id uuid not null references policy (id),
  n integer not null check (n >= 1),
  case_id uuid not null unique references review_case (id),
  reason text not null check (length(reason) between 1 and 200),
  evidence text check (length(evidence) between 1 and 2000),
  filed_by text not null,
  filed_at timestamptz not null,
  -- The request that made it, so that its repeat is told from another one.
  request_ref text,
  -- What was decided, and the state that is given back. A denied policy that has not expired stays as it is.
  evaluation_id uuid references evaluation (id),
  state_before text not null check (state_before in ('MONITORING','EXPIRED','PAID','CLOSED')),
  -- Null while it is open.
  result text check (result in ('STANDS','UPHELD')),
  grounds text,
  more_minor bigint check (more_minor > 0),
  decided_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (policy_id, n),
  constraint appeal_end check (
    (result is null) = (decided_at is null) and (result is null) = (grounds is null)
    and (result is not distinct from 'UPHELD') = (more_minor is not null))
);
create unique index appeal_one_open on appeal (policy_id) where result is null;
create unique index appeal_request on appeal (policy_id, request_ref) where request_ref is not null;

create trigger frozen before update of id, policy_id, n, case_id, reason, evidence, filed_by, filed_at,
  request_ref, evaluation_id, state_before on appeal
  for each statement execute function refuse_change();
create trigger no_delete before delete or truncate on appeal for each statement execute function refuse_change();
create trigger legal_start after insert on appeal for each row
  when (new.result is not null) execute function refuse_transition('result');
create trigger legal_move after update of result on appeal for each row
  when (old.result is not null and new.result is distinct from old.result)
  execute function refuse_transition('result');

-- From review a policy goes back to PAID or CLOSED too, but only by an appeal that was made there and stands.
drop trigger legal_move on policy;
create trigger legal_move after update of state on policy for each row
  when (old.state <> new.state and not case old.state
    when 'BOUND' then new.state in ('MONITORING','TRIGGERED','IN_REVIEW','CANCELLED_BY_HOLDER','DECLINED')
    when 'MONITORING' then new.state in ('TRIGGERED','IN_REVIEW','EXPIRED')
    when 'TRIGGERED' then new.state in ('PAID','IN_REVIEW')
    when 'IN_REVIEW' then new.state in ('TRIGGERED','EXPIRED','PAID','CLOSED')
    when 'PAID' then new.state in ('CLOSED','IN_REVIEW')
    when 'EXPIRED' then new.state in ('CLOSED','IN_REVIEW')
    when 'CLOSED' then new.state = 'IN_REVIEW'
    else false end)
  execute function refuse_transition('state');

create function require_standing_appeal() returns trigger language plpgsql as $$
begin
  if not exists (
    select from appeal a
    where a.policy_id = new.id and a.result = 'STANDS' and a.state_before = new.state
  ) then
    raise exception 'policy goes from % to % only by an appeal that stands', old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;
create trigger given_back after update of state on policy for each row
  when (old.state = 'IN_REVIEW' and new.state in ('PAID','CLOSED'))
  execute function require_standing_appeal();
