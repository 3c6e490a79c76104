-- Which dead letters their job's owner has been told of; what was open before is not told now.

alter table dead_letter add column told_at timestamptz;

update dead_letter set told_at = now();

create index dead_letter_untold on dead_letter (died_at, run_id) where told_at is null and state = 'OPEN';
create index operator_notice_open on operator_notice (key) where recovered_at is null;
