-- How many connections a process holds to an outside service, as it reported last.

alter table provider_process add column open_connections integer not null default 0
  check (open_connections >= 0);
