-- Endorsements: the only way in which what is insured may change, and each change kept for good.

create table endorsement (
  policy_id uuid not null references policy (id),
  n integer not null check (n >= 1),
  leg_id uuid not null references flight_leg (id),
  old_scheduled_out timestamptz not null,
  old_scheduled_in timestamptz not null,
  new_scheduled_out timestamptz not null,
  new_scheduled_in timestamptz not null check (new_scheduled_in > new_scheduled_out),
  -- When the provider was first seen to show the new timetable; later than a day ahead it is a delay.
  announced_at timestamptz not null check (announced_at <= old_scheduled_out - interval '24 hours'),
  -- The holder may cancel for a full refund until departure.
  refund_offered boolean not null,
  created_at timestamptz not null default now(),
  primary key (policy_id, n),
  check ((old_scheduled_out, old_scheduled_in) <> (new_scheduled_out, new_scheduled_in))
);
create index endorsement_leg on endorsement (leg_id);
create trigger no_change before update or delete or truncate on endorsement
  for each statement execute function refuse_change();

-- The insured schedule moves exactly as the policy's newest endorsement says, and cover with it.
create function keep_insured_schedule() returns trigger language plpgsql as $$
begin
  if new.cover_end = new.insured_scheduled_in + interval '24 hours' and exists (
    select from endorsement e
    where e.policy_id = new.id
      and e.n = (select max(x.n) from endorsement x where x.policy_id = new.id)
      and (e.old_scheduled_out, e.old_scheduled_in) = (old.insured_scheduled_out, old.insured_scheduled_in)
      and (e.new_scheduled_out, e.new_scheduled_in) = (new.insured_scheduled_out, new.insured_scheduled_in)
  ) then
    return new;
  end if;
  raise exception '% is append-only: % refused without its endorsement', tg_table_name, lower(tg_op)
    using errcode = 'integrity_constraint_violation';
end $$;

drop trigger frozen on policy;
create trigger frozen before update of id, policy_number, product_version_id, leg_id, sum_insured_minor,
  currency, premium_minor, bound_at on policy
  for each statement execute function refuse_change();
create trigger endorsed before update of insured_scheduled_out, insured_scheduled_in on policy
  for each row when ((old.insured_scheduled_out, old.insured_scheduled_in)
    is distinct from (new.insured_scheduled_out, new.insured_scheduled_in))
  execute function keep_insured_schedule();
