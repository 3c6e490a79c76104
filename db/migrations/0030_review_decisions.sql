-- Review cases that people decide: who has one, what the first of two proposed, how it ended; and
-- evaluations that a person made.

alter table review_case
  add column assignee text,
  add column claimed_at timestamptz,
  -- A person wants news awaited until then: nobody is reminded before.
  add column wait_until timestamptz,
  add column escalated_at timestamptz,
  -- The first of two persons' decision, until another one confirms or refuses it.
  add column proposal jsonb,
  add column proposed_by text,
  -- How it ended: PAID, DENIED, ACKNOWLEDGED, REASON_GONE ...; null when a payout's approval ended it.
  add column resolution text,
  add column resolved_by text,
  add column resolution_reason text,
  -- The request of the last decision, so that its repeat is told from another one.
  add column decision_ref text,
  -- Since when a workflow looks after it; null while it waits for its turn.
  add column orchestrated_at timestamptz,
  add constraint review_case_claim check (
    (assignee is null) = (claimed_at is null) and (state <> 'CLAIMED' or assignee is not null)),
  add constraint review_case_proposal check (
    (proposal is null) = (proposed_by is null) and (proposal is null or state <> 'RESOLVED')),
  add constraint review_case_resolution check (resolution is null or state = 'RESOLVED');
create index review_case_subject on review_case (subject_kind, subject_id);

alter table evaluation
  -- automatic: the product's rules over facts. manual: a person, over a case.
  add column rule text not null default 'automatic' check (rule in ('automatic', 'manual')),
  add column decided_by text,
  add column decision_reason text,
  add column case_id uuid references review_case (id),
  add constraint evaluation_by_person check (
    (rule = 'manual') = (decided_by is not null and decision_reason is not null and case_id is not null));

-- What was done to a case, a policy or a payout is looked up by it.
create index audit_event_subject on audit_event (subject, seq);
