-- Reconciliation: what the payment rail listed, per run, until the run has compared it.

create table listed_transfer (
  -- The run that listed it; another attempt of a run lists anew.
  run_id uuid not null,
  transfer_id text not null,
  amount_minor bigint not null,
  currency text not null,
  -- The payout's id, when the transfer is ours.
  transfer_group text,
  transferred_at timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (run_id, transfer_id)
);

-- Money at the rail that no payout of ours accounts for has no other subject than itself.
alter table review_case drop constraint review_case_subject_kind_check;
alter table review_case add constraint review_case_subject_kind_check
  check (subject_kind in ('leg', 'policy', 'payout', 'control', 'transfer'));
