-- What was bound or quoted in an hour is found by its moment instead of by reading the whole book. Rows come
-- in the order of their times, and neither column ever moves: a few pages tell where they are.

create index policy_bound_at on policy using brin (bound_at) with (pages_per_range = 32);
create index quote_quoted_at on quote using brin (quoted_at) with (pages_per_range = 32);
