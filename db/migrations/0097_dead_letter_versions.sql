-- Which version of the code a run died under, so that letters can be told apart by it.

-- Null where the server does not tell, and of parked runs: they have not ended.
alter table dead_letter add column version text;

update dead_letter d set version = r.version
from job_run r
where r.run_id = d.run_id and r.version is not null and d.kind <> 'parked';
