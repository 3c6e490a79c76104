-- Quotes: what was offered, on what terms, and what became of it. A quote is bound at most once.

create table quote (
  id uuid primary key,
  product_version_id uuid not null references product_version (id),
  -- The operating leg, whether or not it is watched yet.
  leg_key text not null,
  -- As asked for, and the timetable's leg whose schedule is insured: domain LegIdentity, ScheduledLeg.
  sold jsonb not null,
  leg jsonb not null,
  sum_insured_minor bigint not null check (sum_insured_minor > 0 and sum_insured_minor <= 9007199254740991),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  premium_minor bigint not null check (premium_minor > 0 and premium_minor < sum_insured_minor),
  -- How the premium came about, the terms of sale and what each outcome pays: domain Rate, Underwriting,
  -- QuotedAmounts.
  rate jsonb not null,
  terms jsonb not null,
  amounts jsonb not null,
  quoted_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > quoted_at),
  state text not null default 'QUOTED' check (state in ('QUOTED','BOUND','DECLINED','LAPSED')),
  -- Why it was declined: code, field and reason.
  declined jsonb,
  policy_id uuid unique references policy (id),
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((state = 'BOUND') = (policy_id is not null)),
  check ((state = 'DECLINED') = (declined is not null)),
  check ((state = 'QUOTED') = (closed_at is null))
);

create trigger frozen before update of id, product_version_id, leg_key, sold, leg, sum_insured_minor,
  currency, premium_minor, rate, terms, amounts, quoted_at, expires_at on quote
  for each statement execute function refuse_change();

-- QUOTED is the only state that others follow.
create function close_quote_once() returns trigger language plpgsql as $$
begin
  if old.state <> 'QUOTED' then
    raise exception 'quote % is % already', old.id, old.state
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger closed_once before update of state, policy_id, declined, closed_at on quote
  for each row execute function close_quote_once();
create trigger no_delete before delete or truncate on quote for each statement execute function refuse_change();
