-- Cases are looked after: when somebody was reminded last; by whom evidence is found is the leg's matter.

alter table review_case add column reminded_at timestamptz;

-- What a workflow looks after, and what waits for one; resolved cases leave both.
create index review_case_tended on review_case (orchestrated_at) where orchestrated_at is not null;
