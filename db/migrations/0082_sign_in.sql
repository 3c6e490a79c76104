-- People who sign in and their sessions. The tables of better-auth under its names of fields, see
-- db/stores/sign-in-tables.ts; `auth_user` has our own columns beside them. No password, token or code is
-- in them, only hashes.

create table auth_user (
  id text primary key,
  tenant text not null default 'default' check (tenant ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  -- What stands in the audit trail.
  name text not null unique check (name ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$'),
  email text not null unique check (email = lower(email)),
  email_verified boolean not null default false,
  role text not null check (role in ('viewer', 'operator', 'claims', 'admin')),
  must_change_password boolean not null default false,
  disabled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index auth_user_unverified on auth_user (created_at) where not email_verified;

-- `token` is the SHA-256 of what the cookie holds.
create table auth_session (
  id text primary key,
  user_id text not null references auth_user (id) on delete cascade,
  token text not null unique check (token ~ '^[0-9a-f]{64}$'),
  ip_address text,
  user_agent text,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index auth_session_user on auth_session (user_id);
create index auth_session_expiry on auth_session (expires_at);

-- How a user signs in: `credential` with the hash of a password.
create table auth_account (
  id text primary key,
  user_id text not null references auth_user (id) on delete cascade,
  provider_id text not null,
  account_id text not null,
  password text check (password ~ '^[0-9a-f]{32}:[0-9a-f]{128}$'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider_id, account_id)
);
create index auth_account_user on auth_account (user_id);

-- Codes of invitations and password resets: `identifier` is a hash of the code, `value` whose it is.
create table auth_verification (
  id text primary key,
  identifier text not null unique,
  value text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index auth_verification_expiry on auth_verification (expires_at);

-- What cookies are signed with where AUTH_SECRET is not set: made once, the same for every process.
create table auth_secret (
  is_only_row boolean primary key default true check (is_only_row),
  secret text not null check (length(secret) >= 32),
  created_at timestamptz not null default now()
);
