-- Legs are looked at once more after their decision: what a source corrects afterwards is known.

alter table flight_leg
  -- When to look; null: nothing to look for.
  add column correction_look_at timestamptz;
create index flight_leg_correction on flight_leg (correction_look_at, id) where correction_look_at is not null;

-- A decision that later evidence contradicts. More owed is a review case too; too much paid stays paid and
-- is counted here as leakage.
create table decision_correction (
  id uuid primary key,
  leg_id uuid not null references flight_leg (id),
  -- What was decided, and what the corrected facts say.
  evaluation_id uuid not null references evaluation (id),
  corrected_evaluation_id uuid not null references evaluation (id),
  bps integer not null check (bps between 0 and 10000),
  corrected_bps integer not null check (corrected_bps between 0 and 10000 and corrected_bps <> bps),
  -- Policies that were decided so.
  policies integer not null check (policies > 0),
  found_at timestamptz not null,
  created_at timestamptz not null default now(),
  unique (evaluation_id, corrected_evaluation_id)
);
create trigger no_change before update or delete or truncate on decision_correction
  for each statement execute function refuse_change();
