-- The core book: products, legs, observations, evaluations, policies, payouts, ledger, audit, clock.
-- Wrong states are made impossible here, not only in code. Amounts are minor units of `currency`.

create extension if not exists "uuid-ossp";

-- The namespace of every deterministic id: the same name always gives the same uuid.
create function groundstop_id(name text) returns uuid
  language sql immutable strict parallel safe
  return uuid_generate_v5('8a1f2c1e-7d0b-5f7e-9a36-3f0e6b1c2d4a'::uuid, name);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, lower(tg_op)
    using errcode = 'integrity_constraint_violation';
end $$;

-- Virtual time. No row: the product runs on wall time.
create table virtual_clock (
  is_only_row boolean primary key default true check (is_only_row),
  virtual_anchor timestamptz not null,
  wall_anchor timestamptz not null,
  -- Virtual seconds per wall second; 0 is a stopped clock, moved by hand.
  speed double precision not null check (speed >= 0 and speed <= 100000),
  updated_at timestamptz not null default now()
);

create table product_version (
  id uuid primary key,
  code text not null check (code ~ '^[A-Z][A-Z0-9_-]{1,31}$'),
  version integer not null check (version >= 1),
  rules jsonb not null,
  created_at timestamptz not null default now(),
  unique (code, version)
);

create trigger no_change before update or delete or truncate on product_version for each statement execute function refuse_change();

create table flight_leg (
  id uuid primary key,
  leg_key text not null,
  seq integer not null default 1 check (seq >= 1),
  carrier text not null check (carrier ~ '^[A-Z0-9]{2}$'),
  flight_number text not null check (flight_number ~ '^[1-9][0-9]{0,4}[A-Z]?$|^0$'),
  origin text not null check (origin ~ '^[A-Z]{3}$'),
  destination text not null check (destination ~ '^[A-Z]{3}$'),
  origin_local_date date not null,
  origin_zone text not null,
  destination_zone text not null,
  provider_ident text not null,
  -- The provider's present timetable; what is insured is frozen on the policy.
  scheduled_out timestamptz not null,
  scheduled_in timestamptz not null check (scheduled_in > scheduled_out),
  phase text not null default 'SCHEDULED' check (phase in (
    'SCHEDULED','OUT','AIRBORNE','LANDED','ARRIVED','CANCEL_REPORTED','CANCELLED','DIVERTING',
    'DIVERTED','CONTINUING','NOT_REACHED','UNKNOWN','SETTLED')),
  -- Folded evidence, domain LegFacts.
  facts jsonb not null default '{}',
  -- When asking the provider can bring news; null when nothing more is expected.
  next_poll_at timestamptz,
  poll_phase text,
  poll_reason text,
  last_polled_at timestamptz,
  last_ok_at timestamptz,
  consecutive_failures integer not null default 0 check (consecutive_failures >= 0),
  -- Since when the leg has had to be watched: a leg never answered for is late from here.
  watched_since timestamptz not null default now(),
  -- Grows with every poll written, so that of two polls at once only one folds its answer in.
  poll_version integer not null default 0,
  -- Undecided policies. A leg without one is not polled.
  undecided_policies integer not null default 0 check (undecided_policies >= 0),
  -- A tick's claim on the leg, wall time: another tick takes it over after that.
  claimed_until timestamptz,
  claimed_by text,
  settled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (leg_key, seq)
);
create index flight_leg_due on flight_leg (next_poll_at) where undecided_policies > 0 and next_poll_at is not null;
create index flight_leg_window on flight_leg (scheduled_out) where undecided_policies > 0;

-- What a provider said, once per change. Only the seen-counters of a row may move.
create table flight_observation (
  id bigint generated always as identity primary key,
  leg_id uuid not null references flight_leg (id),
  provider text not null,
  http_status integer not null,
  payload_sha256 text not null check (payload_sha256 ~ '^[0-9a-f]{64}$'),
  -- SHA-256 of `norm`: equal to the leg's previous row means nothing changed.
  norm_sha256 text not null check (norm_sha256 ~ '^[0-9a-f]{64}$'),
  norm jsonb not null,
  flags text[] not null default '{}',
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null check (last_seen_at >= first_seen_at),
  seen_count integer not null default 1 check (seen_count >= 1),
  created_at timestamptz not null default now()
);
create index flight_observation_leg on flight_observation (leg_id, id desc);

create function keep_observation() returns trigger language plpgsql as $$
begin
  if (new.id, new.leg_id, new.provider, new.http_status, new.payload_sha256, new.norm_sha256, new.norm,
      new.flags, new.first_seen_at, new.created_at)
     is distinct from
     (old.id, old.leg_id, old.provider, old.http_status, old.payload_sha256, old.norm_sha256, old.norm,
      old.flags, old.first_seen_at, old.created_at)
     or new.last_seen_at < old.last_seen_at or new.seen_count < old.seen_count then
    raise exception 'flight_observation is append-only: only its seen-counters may grow'
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger keep before update on flight_observation for each row execute function keep_observation();
create trigger no_delete before delete or truncate on flight_observation for each statement execute function refuse_change();

-- One decision about one leg under one product version and one insured arrival; policies share it.
create table evaluation (
  id uuid primary key,
  leg_id uuid not null references flight_leg (id),
  product_version_id uuid not null references product_version (id),
  insured_scheduled_in timestamptz not null,
  tzdata_version text not null,
  facts jsonb not null,
  observation_ids bigint[] not null,
  outcome text not null check (outcome in ('PAY','NO_PAY','REVIEW')),
  delay_min integer,
  bps integer not null check (bps between 0 and 10000),
  reasons text[] not null,
  evaluated_at timestamptz not null,
  created_at timestamptz not null default now(),
  check ((outcome = 'PAY') = (bps > 0))
);
create index evaluation_leg on evaluation (leg_id);
create trigger no_change before update or delete or truncate on evaluation for each statement execute function refuse_change();

create table policy (
  id uuid primary key,
  -- Byte order, so that an export sorts alike on every server.
  policy_number text collate "C" not null unique check (length(policy_number) between 1 and 64),
  product_version_id uuid not null references product_version (id),
  leg_id uuid not null references flight_leg (id),
  marketing_ident text,
  insured_scheduled_out timestamptz not null,
  insured_scheduled_in timestamptz not null check (insured_scheduled_in > insured_scheduled_out),
  sum_insured_minor bigint not null check (sum_insured_minor > 0 and sum_insured_minor <= 9007199254740991),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- What the holder paid, when known; in the same currency.
  premium_minor bigint check (premium_minor between 0 and 9007199254740991),
  payee_ref text not null check (length(payee_ref) between 1 and 255),
  state text not null check (state in (
    'BOUND','MONITORING','TRIGGERED','IN_REVIEW','PAID','EXPIRED','CLOSED','CANCELLED_BY_HOLDER','DECLINED')),
  state_version integer not null default 1,
  outcome text check (outcome in ('PAY','NO_PAY')),
  bps integer check (bps between 0 and 10000),
  amount_minor bigint check (amount_minor between 0 and sum_insured_minor),
  evaluation_id uuid references evaluation (id),
  decided_at timestamptz,
  bound_at timestamptz not null,
  cover_end timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((outcome is null) = (decided_at is null)),
  check ((outcome is null) = (bps is null)),
  check ((outcome is null) = (amount_minor is null)),
  check (outcome is distinct from 'NO_PAY' or amount_minor = 0)
) with (fillfactor = 70);
-- What a decision fans out to, a group (leg, product version, insured arrival) at a time. No index speaks
-- of `state` or `outcome`: a policy's moves then touch no index at all.
create index policy_group on policy (leg_id, product_version_id, insured_scheduled_in, id);
-- What was insured is frozen at bind.
create trigger frozen before update of id, policy_number, product_version_id, leg_id, insured_scheduled_out,
  insured_scheduled_in, sum_insured_minor, currency, premium_minor, bound_at on policy
  for each statement execute function refuse_change();

create table escrow_reservation (
  policy_id uuid primary key references policy (id),
  currency text not null,
  reserved_minor bigint not null check (reserved_minor > 0),
  fulfilled_minor bigint not null default 0 check (fulfilled_minor >= 0),
  released_minor bigint not null default 0 check (released_minor >= 0),
  state text not null default 'RESERVED' check (state in ('RESERVED','FULFILLED','RELEASED')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (case state
    when 'RESERVED' then fulfilled_minor = 0 and released_minor = 0
    when 'FULFILLED' then fulfilled_minor > 0 and fulfilled_minor + released_minor = reserved_minor
    else fulfilled_minor = 0 and released_minor = reserved_minor end)
) with (fillfactor = 80);
create trigger frozen before update of policy_id, currency, reserved_minor on escrow_reservation
  for each statement execute function refuse_change();

-- Up to 500 payouts that one workflow, `payout:<id>`, carries out.
create table payout_batch (
  id uuid primary key,
  size integer not null check (size between 1 and 500),
  -- Set once its workflow was started; a batch without it is started by the next tick.
  started_at timestamptz,
  created_at timestamptz not null default now()
);
create index payout_batch_unstarted on payout_batch (created_at) where started_at is null;

create table payout (
  id uuid primary key,
  policy_id uuid not null references policy (id),
  revision integer not null default 0 check (revision >= 0),
  evaluation_id uuid not null references evaluation (id),
  batch_id uuid references payout_batch (id),
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  payee_ref text not null,
  state text not null default 'CREATED' check (state in (
    'CREATED','APPROVED','SUBMITTED','IN_TRANSIT','PAID','FAILED','RETURNED','CANCELLED')),
  transfer_id text unique,
  approved_by text,
  paid_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (policy_id, revision),
  check (state not in ('PAID','IN_TRANSIT') or transfer_id is not null),
  check ((state = 'PAID') = (paid_at is not null)),
  check (state in ('CREATED','CANCELLED') or approved_by is not null)
);
create index payout_batch_members on payout (batch_id);
create index payout_unbatched on payout (created_at) where batch_id is null;
-- No index knows the state and pages have room, so a change of state rewrites no index (HOT).
alter table payout set (fillfactor = 50);

create trigger frozen before update of id, policy_id, revision, evaluation_id, amount_minor, currency on payout
  for each statement execute function refuse_change();

create table payout_attempt (
  payout_id uuid not null references payout (id),
  n integer not null check (n >= 1),
  idempotency_key text not null unique,
  request_sha256 text not null,
  provider text not null,
  provider_ref text,
  outcome text not null default 'OPEN' check (outcome in ('OPEN','ACCEPTED','DEFINITE_FAIL','UNKNOWN')),
  code text,
  -- How often the request was sent with this key.
  sends integer not null default 0,
  -- How often it was answered with what a rail may have stored for good, such as a server error.
  server_errors integer not null default 0 check (server_errors >= 0),
  -- When a look-up by group first found nothing; business time.
  absent_since timestamptz,
  started_at timestamptz not null,
  finished_at timestamptz,
  primary key (payout_id, n),
  check ((outcome = 'OPEN') = (finished_at is null)),
  check (outcome <> 'ACCEPTED' or provider_ref is not null)
);
create unique index payout_attempt_one_open on payout_attempt (payout_id) where outcome = 'OPEN';

create table ledger_transaction (
  id uuid primary key,
  -- What happened, once: `bind:<policy>`, `trig:<payout>`, `sub:<payout>:<n>`, `paid:<payout>:<n>` ...
  ref text not null unique,
  kind text not null check (kind in ('capital','bind','trigger','submit','paid','fail','return','expire','cancel','correct')),
  effective_at timestamptz not null,
  created_at timestamptz not null default now()
);

-- A posting moves an amount from one account to another: one row is the credit and the equal debit,
-- so a transaction out of balance cannot be written down.
create table ledger_posting (
  id bigint generated always as identity primary key,
  transaction_id uuid not null references ledger_transaction (id),
  source text not null,
  destination text not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  check (source <> destination)
);
create index ledger_posting_transaction on ledger_posting (transaction_id);
create index ledger_posting_source on ledger_posting (source);
create index ledger_posting_destination on ledger_posting (destination);
create trigger no_change before update or delete or truncate on ledger_transaction for each statement execute function refuse_change();
create trigger no_change before update or delete or truncate on ledger_posting for each statement execute function refuse_change();

-- Cached balances of the shared accounts that a decision depends on, moved in the posting's transaction.
create table pool_balance (
  account text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  balance_minor numeric(38, 0) not null check (balance_minor >= 0),
  updated_at timestamptz not null default now(),
  primary key (account, currency)
);

create table review_case (
  id uuid primary key,
  subject_kind text not null check (subject_kind in ('leg','policy','payout')),
  subject_id uuid not null,
  reason_code text not null,
  state text not null default 'OPEN' check (state in ('OPEN','CLAIMED','RESOLVED','ESCALATED')),
  details jsonb not null default '{}',
  opened_at timestamptz not null,
  resolved_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index review_case_one_open on review_case (subject_kind, subject_id, reason_code) where state <> 'RESOLVED';

-- A leg that was not polled within its phase's greatest gap.
create table coverage_incident (
  id bigint generated always as identity primary key,
  leg_id uuid not null references flight_leg (id),
  poll_phase text not null,
  gap_s integer not null check (gap_s >= 0),
  max_gap_s integer not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  created_at timestamptz not null default now()
);
create unique index coverage_incident_one_open on coverage_incident (leg_id) where closed_at is null;

create table audit_event (
  seq bigint generated always as identity primary key,
  at timestamptz not null,
  actor text not null,
  action text not null,
  subject text not null,
  details jsonb not null default '{}',
  correlation_id text
);
create trigger no_change before update or delete or truncate on audit_event for each statement execute function refuse_change();

-- Answers of POST requests by Idempotency-Key: the same key gets the same answer.
create table idempotent_request (
  scope text not null,
  key text not null check (length(key) between 1 and 255),
  request_sha256 text not null,
  response_status integer,
  response_body jsonb,
  -- While there is no answer: until then its first request is at work, afterwards another may take over.
  locked_until timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (scope, key)
);

-- Run-time settings; defaults come from the environment.
create table setting (
  key text primary key,
  value jsonb not null,
  updated_by text not null,
  updated_at timestamptz not null default now()
);
