-- A second flight-data source: its facts of a leg beside the first one's, never mixed with them.

alter table flight_leg
  -- Domain SecondFacts; {} while it was not asked about the leg.
  add column second_facts jsonb not null default '{}';

alter table evaluation
  -- As they were when it was made; null when one source decided because there is no other.
  add column second_facts jsonb,
  -- What the source that says more would pay: the difference is for people.
  add column disputed_bps integer check (disputed_bps between 1 and 10000),
  add constraint evaluation_dispute check (disputed_bps is null or (outcome = 'PAY' and disputed_bps > bps));
