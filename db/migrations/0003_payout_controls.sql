-- Payout controls: the daily ceiling of rules, the first of two approvals, rails that ran dry.

-- What rules approved, per currency and business day (UTC). Approvers lock the row: one at a time.
create table payout_day (
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  day date not null,
  approved_minor numeric(38, 0) not null default 0 check (approved_minor >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (currency, day)
);

-- The first of two people who approve a large payout, until the second does; and the request that
-- said so, so that its repeat is told from a second one.
alter table payout
  add column first_approved_by text,
  add column first_approval_ref text,
  add constraint payout_first_approval check (
    (first_approved_by is null) = (first_approval_ref is null)
    and (first_approved_by is null or state in ('CREATED','FAILED','CANCELLED')));

-- A rail whose balance does not cover payouts in a currency; one payout at a time tries it again.
create table rail_hold (
  provider text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  held_since timestamptz not null,
  next_probe_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider, currency)
);

-- A case about a day's ceiling or a rail has neither leg, policy nor payout.
alter table review_case
  drop constraint review_case_subject_kind_check,
  add constraint review_case_subject_kind_check
    check (subject_kind in ('leg','policy','payout','control'));
