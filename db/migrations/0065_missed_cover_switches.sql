-- A switch of cover may also come too late to be carried out.

alter table cover_switch_change alter column is_changed type text
  using case when is_changed then 'switched' else 'unchanged' end;
alter table cover_switch_change rename column is_changed to outcome;
alter table cover_switch_change add check (outcome in ('switched', 'unchanged', 'missed'));
