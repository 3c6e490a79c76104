-- The audit trail goes on in files: events past their time leave the database once an archive file holds
-- them, and the chain leads on from the archive's last hash.

-- Files that hold events; each follows the one before it without a gap.
create table audit_archive (
  last_position bigint primary key,
  first_position bigint not null unique check (first_position between 1 and last_position),
  prev_hash text not null check (prev_hash ~ '^[0-9a-f]{64}$'),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  file text not null unique check (length(file) between 1 and 255),
  bytes bigint not null check (bytes > 0),
  -- Of the file as it lies in its folder.
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null default now()
);
create trigger no_change before update or delete or truncate on audit_archive for each statement execute function refuse_change();

create function follow_archive() returns trigger language plpgsql as $$
declare
  last audit_archive;
begin
  select * into last from audit_archive a order by a.last_position desc limit 1;
  if new.first_position <> coalesce(last.last_position, 0) + 1
    or new.prev_hash <> coalesce(last.hash, repeat('0', 64)) then
    raise exception 'archive % does not follow the one before it', new.file
      using errcode = 'integrity_constraint_violation';
  end if;
  if not exists (
    select from audit_chain c where c.position = new.last_position and c.hash = new.hash) then
    raise exception 'archive % does not end where the chain is', new.file
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger follows before insert on audit_archive for each row execute function follow_archive();

-- A link may go when an archive holds it, its event when the link has gone.
create function keep_link() returns trigger language plpgsql as $$
begin
  if not is_retention() or not exists (
    select from audit_archive a where a.last_position >= old.position) then
    raise exception '% is append-only: delete refused', tg_table_name
      using errcode = 'integrity_constraint_violation';
  end if;
  return old;
end $$;
create function keep_event() returns trigger language plpgsql as $$
begin
  if not is_retention() or exists (select from audit_chain c where c.event_seq = old.seq) then
    raise exception '% is append-only: delete refused', tg_table_name
      using errcode = 'integrity_constraint_violation';
  end if;
  return old;
end $$;
drop trigger no_change on audit_chain;
create trigger no_change before update or truncate on audit_chain for each statement execute function refuse_change();
create trigger no_delete before delete on audit_chain for each row execute function keep_link();
drop trigger no_change on audit_event;
create trigger no_change before update or truncate on audit_event for each statement execute function refuse_change();
create trigger no_delete before delete on audit_event for each row execute function keep_event();

-- Removes all events of an archive whose file has this digest; how many, 0 when they have gone before.
create function remove_archived_events(archive_position bigint, archive_sha256 text)
  returns bigint language plpgsql
  set groundstop.retention = 'on' as $$
declare
  archive audit_archive;
  seqs bigint[];
  gone bigint;
begin
  select * into strict archive from audit_archive a
  where a.last_position = archive_position and a.sha256 = archive_sha256;
  with links as (
    delete from audit_chain c
    where c.position between archive.first_position and archive.last_position
    returning c.event_seq
  ) select coalesce(array_agg(l.event_seq), '{}') into seqs from links l;
  delete from audit_event e where e.seq = any(seqs);
  get diagnostics gone = row_count;
  if gone <> cardinality(seqs)
    or gone not in (0, archive.last_position - archive.first_position + 1) then
    raise exception 'archive % holds other events than the table', archive.file
      using errcode = 'integrity_constraint_violation';
  end if;
  return gone;
end $$;
