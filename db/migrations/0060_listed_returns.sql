-- What the rail lists as come back: all of the transfer, not a part of it.
alter table listed_transfer add column is_returned boolean not null default false;
