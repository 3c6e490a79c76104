-- Accepted payments that the rail confirms later, or may still give back, and when they are looked up next.

-- Business time; null where acceptance is final, which is most.
alter table payout_attempt add column next_check_at timestamptz;
create index payout_attempt_next_check on payout_attempt (next_check_at) where next_check_at is not null;
