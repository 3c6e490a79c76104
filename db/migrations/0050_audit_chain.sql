-- The audit trail as a hash chain: every event is bound to the one before it, so that an event that is
-- changed, removed or slipped in later is found. db/stores/audit-chain.ts checks it and states the same
-- text; a test fails when the two differ.

create table audit_chain (
  position bigint primary key check (position >= 1),
  event_seq bigint not null unique references audit_event (seq),
  prev_hash text not null check (prev_hash ~ '^[0-9a-f]{64}$'),
  hash text not null check (hash ~ '^[0-9a-f]{64}$')
);
create trigger no_change before update or delete or truncate on audit_chain for each statement execute function refuse_change();

-- Where the chain ends. Transactions that wrote events take turns at this row.
create table audit_head (
  is_only_row boolean primary key default true check (is_only_row),
  position bigint not null check (position >= 0),
  hash text not null check (hash ~ '^[0-9a-f]{64}$')
);
insert into audit_head (position, hash) values (0, repeat('0', 64));

create function append_to_audit_chain(event audit_event) returns void language plpgsql as $$
declare
  head audit_head;
  next_hash text;
begin
  select * into strict head from audit_head for update;
  next_hash := encode(sha256(convert_to(jsonb_build_array(
    head.position + 1, head.hash, event.seq, (extract(epoch from event.at) * 1000000)::bigint,
    event.actor, event.action, event.subject, event.details, event.correlation_id)::text, 'UTF8')), 'hex');
  insert into audit_chain (position, event_seq, prev_hash, hash)
  values (head.position + 1, event.seq, head.hash, next_hash);
  update audit_head set position = head.position + 1, hash = next_hash;
end $$;

do $$
declare
  event audit_event;
begin
  for event in select * from audit_event order by seq loop
    perform append_to_audit_chain(event);
  end loop;
end $$;

create function chain_audit_event() returns trigger language plpgsql as $$
begin
  perform append_to_audit_chain(new);
  return null;
end $$;

-- At the commit, when the transaction waits for nothing else any more: the head is held for moments,
-- and two transactions cannot each hold what the other one needs.
create constraint trigger chain_event after insert on audit_event
  deferrable initially deferred for each row execute function chain_audit_event();
