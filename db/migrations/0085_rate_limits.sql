-- How often something was tried, for all processes together: the table of rate-limiter-flexible, which
-- counts in it by one statement. Keys of people are hashes. It removes what expired an hour ago itself.

create table rate_limit (
  key text primary key,
  points integer not null default 0,
  -- Milliseconds since 1970.
  expire bigint
);
create index rate_limit_expiry on rate_limit (expire);
