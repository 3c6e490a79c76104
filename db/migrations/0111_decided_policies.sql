-- What was decided within a period, and what was still at risk at its end, without reading every policy
-- there ever was.
create index policy_decided_at on policy (decided_at);
