-- Requests of persons about their own data, with the moment by which the law wants them answered.
-- Times are wall time. The holder is a token; what becomes of a request is in the audit trail as well.

create table privacy_request (
  id uuid primary key,
  kind text not null check (kind in ('export', 'erasure')),
  holder_ref text not null check (length(holder_ref) between 1 and 255),
  state text not null default 'RECEIVED'
    check (state in ('RECEIVED', 'IN_PROGRESS', 'FULFILLED', 'REFUSED')),
  received_at timestamptz not null,
  due_at timestamptz not null check (due_at > received_at),
  received_by text not null,
  -- What an erasure waits for.
  waits_for text check (waits_for in ('LIVE_POLICIES', 'OPEN_PAYOUTS')),
  refusal text,
  closed_at timestamptz,
  -- The copy that was made.
  file_bytes bigint check (file_bytes > 0),
  file_sha256 text check (file_sha256 ~ '^[0-9a-f]{64}$'),
  -- The link that is out: never itself, only what it is known by.
  link_sha256 text check (link_sha256 ~ '^[0-9a-f]{64}$'),
  link_expires_at timestamptz,
  link_tries_left integer check (link_tries_left >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((state in ('FULFILLED', 'REFUSED')) = (closed_at is not null)),
  check ((state = 'REFUSED') = (refusal is not null)),
  check ((state = 'FULFILLED' and kind = 'export') = (file_sha256 is not null)),
  check ((file_sha256 is null) = (file_bytes is null)),
  check (waits_for is null or kind = 'erasure'),
  check (link_sha256 is null or file_sha256 is not null),
  check ((link_sha256 is null) = (link_expires_at is null)),
  check ((link_sha256 is null) = (link_tries_left is null))
);
-- A person who asks the same twice waits once.
create unique index privacy_request_open on privacy_request (holder_ref, kind)
  where state in ('RECEIVED', 'IN_PROGRESS');
create index privacy_request_due on privacy_request (due_at, id)
  where state in ('RECEIVED', 'IN_PROGRESS');
create index privacy_request_listed on privacy_request (created_at, id);
create index privacy_request_closed on privacy_request (closed_at) where closed_at is not null;

create trigger frozen before update of id, kind, holder_ref, received_at, due_at, received_by, created_at
  on privacy_request for each statement execute function refuse_change();
-- domain/privacy-request.ts PRIVACY_TRANSITIONS, for whatever statement.
create trigger legal_move after update of state on privacy_request for each row
  when (old.state <> new.state and not case old.state
    when 'RECEIVED' then new.state in ('IN_PROGRESS', 'REFUSED')
    when 'IN_PROGRESS' then new.state in ('FULFILLED', 'REFUSED')
    else false end)
  execute function refuse_transition('state');
create trigger legal_start after insert on privacy_request for each row
  when (new.state <> 'RECEIVED') execute function refuse_transition('state');

-- What is left of an answered request after its time: the proof that and when it was answered.
create table privacy_request_archive (
  id uuid primary key,
  kind text not null,
  holder_ref text not null,
  state text not null check (state in ('FULFILLED', 'REFUSED')),
  received_at timestamptz not null,
  due_at timestamptz not null,
  received_by text not null,
  refusal text,
  closed_at timestamptz not null,
  file_bytes bigint,
  file_sha256 text,
  archived_at timestamptz not null default now()
);
create trigger no_change before update or delete or truncate on privacy_request_archive
  for each statement execute function refuse_change();

-- Everything about one person is found by their token. It never changes with a policy's state.
create index policy_payee on policy (payee_ref);
create index notification_told_to on notification (to_ref) where audience = 'holder';
