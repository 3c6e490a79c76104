-- Schedules of tasks carry the tenant, so that tenants take turns; ended tasks may go after a while.

-- Those that the server has are made to carry it.
update task set applied_revision = 0
where state in ('SCHEDULED', 'PAUSED') and tenant <> 'default';

create index task_ended on task (updated_at)
where state in ('DONE', 'FAILED', 'MISSED', 'CANCELLED');

-- What the dead-man's switch knows of a task goes with it.
create function forget_task_watch() returns trigger language plpgsql as $$
begin
  delete from schedule_watch where schedule_id = old.schedule_id;
  return old;
end $$;
create trigger forget_watch after delete on task for each row execute function forget_task_watch();
