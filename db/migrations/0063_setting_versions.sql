-- Every value that a setting ever had has a number of its own, whoever writes it: who changes a setting
-- that somebody else has changed meanwhile is told so. A reset and a new value never share a number.

create sequence setting_version;
alter table setting add column version bigint not null default nextval('setting_version');

create function number_setting() returns trigger language plpgsql as $$
begin
  new.version := nextval('setting_version');
  return new;
end $$;
create trigger number_setting before update on setting for each row execute function number_setting();
