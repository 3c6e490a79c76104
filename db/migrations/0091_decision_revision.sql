-- The rules change. An evaluation says which state of them made it, so that only the same ones replay it.
-- Null: made by people, or before this was kept.
alter table evaluation
  add column decision_revision integer check (decision_revision >= 1);
