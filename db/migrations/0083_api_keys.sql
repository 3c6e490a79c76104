-- API keys: what programs send instead of signing in. Of the key itself only its SHA-256 is kept; a key
-- of 256 random bits needs no slow hash.

create table api_key (
  id uuid primary key,
  tenant text not null check (tenant ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  name text not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$'),
  role text not null check (role in ('viewer', 'operator', 'claims', 'admin')),
  sha256 text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
  -- Its first characters, by which people tell keys apart.
  hint text not null,
  -- RFC 7638 thumbprint of the key pair that its holder proves to have; null for a bearer's key.
  proof_thumbprint text check (proof_thumbprint ~ '^[A-Za-z0-9_-]{43}$'),
  expires_at timestamptz,
  revoked_at timestamptz,
  -- To a minute.
  last_used_at timestamptz,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index api_key_live_name on api_key (tenant, name) where revoked_at is null;
create index api_key_listed on api_key (tenant, created_at desc, id desc);
