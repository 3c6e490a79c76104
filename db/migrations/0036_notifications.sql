-- Messages to holders and operators: one row per message and channel, whose id follows from what it
-- tells, so that nothing is told twice. No address is here: the token finds it when the message is sent.

create table notification (
  id uuid primary key,
  audience text not null check (audience in ('holder', 'operator')),
  template text not null check (template in ('policy-bound', 'policy-cancelled', 'policy-in-review',
    'policy-not-paid', 'payout-paid', 'payout-returned', 'operator-notice')),
  -- The wording that was in force when it was queued.
  template_version integer not null check (template_version >= 1),
  locale text not null,
  channel text not null check (channel in ('email', 'sms', 'push', 'slack', 'webhook')),
  to_ref text not null,
  -- Gone when the push service has dropped it.
  push_subscription_id uuid references push_subscription (id) on delete set null,
  policy_id uuid references policy (id),
  payout_id uuid references payout (id),
  -- What operators are told; nothing of a holder is in it.
  content jsonb,
  resend_of uuid references notification (id),
  state text not null default 'QUEUED'
    check (state in ('QUEUED', 'SENT', 'DELIVERED', 'BOUNCED', 'FAILED', 'SUPPRESSED')),
  -- Why it was not sent or did not arrive.
  reason text,
  -- What the provider calls it.
  provider_ref text,
  attempts integer not null default 0 check (attempts >= 0),
  last_code text,
  -- Wall time, as all times of sending: a mail server knows no other.
  next_attempt_at timestamptz not null default now(),
  -- The run that sends it, and until when nobody else may.
  batch_id uuid,
  claimed_until timestamptz,
  sent_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((audience = 'operator') = (content is not null)),
  check ((audience = 'holder') = (policy_id is not null)),
  check ((audience = 'operator') = (template = 'operator-notice')),
  check (state not in ('SUPPRESSED', 'FAILED', 'BOUNCED') or reason is not null),
  check ((sent_at is not null) = (state in ('SENT', 'DELIVERED', 'BOUNCED'))),
  check ((batch_id is null) = (claimed_until is null))
);
create index notification_due on notification (next_attempt_at, id) where state = 'QUEUED';
create index notification_batch on notification (batch_id) where state = 'QUEUED';
create index notification_undelivered on notification (sent_at) where state = 'SENT' and channel = 'sms';
create index notification_listed on notification (created_at, id);
create index notification_policy on notification (policy_id, created_at, id);

create trigger frozen before update of id, audience, template, template_version, locale, channel, to_ref,
  policy_id, payout_id, content, resend_of, created_at on notification
  for each statement execute function refuse_change();

-- domain/notification.ts NOTIFICATION_TRANSITIONS, for whatever statement.
create function move_notification() returns trigger language plpgsql as $$
begin
  if (old.state, new.state) not in (('QUEUED', 'SENT'), ('QUEUED', 'SUPPRESSED'), ('QUEUED', 'FAILED'),
      ('SENT', 'DELIVERED'), ('SENT', 'BOUNCED')) then
    raise exception 'a notification does not go from % to %', old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger legal_move before update of state on notification for each row
  when (old.state is distinct from new.state) execute function move_notification();
