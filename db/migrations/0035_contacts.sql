-- Where holders are reached. Personal data live here and nowhere else: policies, payloads, logs and
-- notifications carry only the token, and erasing a person is deleting rows here.

create table contact (
  -- The policy's payee_ref.
  holder_ref text primary key check (length(holder_ref) between 1 and 255),
  display_name text check (length(display_name) between 1 and 200),
  email text check (length(email) between 3 and 254 and email ~ '^[^\s@]+@[^\s@]+$'),
  -- E.164.
  phone text check (phone ~ '^\+[1-9][0-9]{6,14}$'),
  locale text not null check (locale in ('en', 'de')),
  -- What the holder wants to be told by; none is a wish not to be told.
  channels text[] not null check (channels <@ array['email', 'sms', 'push']),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- A browser that a holder allowed us to push to (RFC 8030); its push service tells when it is gone.
create table push_subscription (
  id uuid primary key,
  holder_ref text not null references contact (holder_ref) on delete cascade,
  endpoint text not null unique check (length(endpoint) between 1 and 2000),
  p256dh text not null check (p256dh ~ '^[A-Za-z0-9_-]{80,100}$'),
  auth text not null check (auth ~ '^[A-Za-z0-9_-]{16,32}$'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index push_subscription_holder on push_subscription (holder_ref);
