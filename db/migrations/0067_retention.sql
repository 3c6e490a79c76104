-- Retention: rows that have had their time may go, in small batches found by an index.

create index idempotent_request_created on idempotent_request (created_at);
create index notification_operator on notification (created_at) where audience = 'operator';
create index notification_holder on notification (created_at) where audience = 'holder';
-- What was sent again points at what it repeats, and is asked about it when that goes.
create index notification_resent on notification (resend_of) where resend_of is not null;
create index quote_unbound on quote (expires_at) where state in ('QUOTED', 'LAPSED');
create index payment_event_closed on payment_event (closed_at) where outcome is not null;

-- True inside the functions of retention alone; nothing else sets it.
create function is_retention() returns boolean language sql stable as $$
  select coalesce(current_setting('groundstop.retention', true), '') = 'on'
$$;

-- A quote that was never bound or declined may go: nothing came of it.
create function keep_quote() returns trigger language plpgsql as $$
begin
  if not is_retention() or old.state not in ('QUOTED', 'LAPSED') then
    raise exception '% is append-only: delete refused', tg_table_name
      using errcode = 'integrity_constraint_violation';
  end if;
  return old;
end $$;
drop trigger no_delete on quote;
create trigger no_delete before delete on quote for each row execute function keep_quote();
create trigger no_truncate before truncate on quote for each statement execute function refuse_change();

-- An event of a rail may go when it was applied.
create function keep_payment_event() returns trigger language plpgsql as $$
begin
  if not is_retention() or old.outcome is null then
    raise exception '% is append-only: delete refused', tg_table_name
      using errcode = 'integrity_constraint_violation';
  end if;
  return old;
end $$;
drop trigger no_delete on payment_event;
create trigger no_delete before delete on payment_event for each row execute function keep_payment_event();
create trigger no_truncate before truncate on payment_event for each statement execute function refuse_change();

-- Lapsed quotes whose time to be bound ended before a moment, the oldest first.
create function remove_lapsed_quotes(before timestamptz, at_most integer)
  returns table (items bigint, bytes bigint) language plpgsql
  set groundstop.retention = 'on' as $$
begin
  return query
    with aged as (
      select x.id, pg_column_size(x.*) as size from quote x
      where x.state in ('QUOTED', 'LAPSED') and x.expires_at < before
      order by x.expires_at limit at_most for update skip locked
    ), gone as (
      delete from quote q using aged a where q.id = a.id returning a.size
    )
    select count(*), coalesce(sum(g.size), 0)::bigint from gone g;
end $$;

-- Applied events of rails that were closed before a moment, the oldest first.
create function remove_applied_events(before timestamptz, at_most integer)
  returns table (items bigint, bytes bigint) language plpgsql
  set groundstop.retention = 'on' as $$
begin
  return query
    with aged as (
      select x.source, x.event_id, pg_column_size(x.*) as size from payment_event x
      where x.outcome is not null and x.closed_at < before
      order by x.closed_at limit at_most for update skip locked
    ), gone as (
      delete from payment_event e using aged a
      where e.source = a.source and e.event_id = a.event_id returning a.size
    )
    select count(*), coalesce(sum(g.size), 0)::bigint from gone g;
end $$;
