-- Ids of DPoP proofs that were seen (RFC 9449): one that comes again while it would still hold is a
-- replay, at whichever process it comes in.

create table dpop_proof (
  -- SHA-256 of the key's thumbprint and the proof's `jti`.
  id text primary key check (id ~ '^[0-9a-f]{64}$'),
  expires_at timestamptz not null
);
create index dpop_proof_expiry on dpop_proof (expires_at);
