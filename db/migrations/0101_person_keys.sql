-- What names a person is stored under a key of their own: erasing them is deleting the key, and every copy
-- of what it closed, in whatever backup, says nothing any more. The product closes what was there before.

create table person_key (
  holder_ref text primary key check (length(holder_ref) between 1 and 255),
  -- The key of the ring that closes this one; null: none is configured, it is stored as it is.
  ring_key_id text,
  -- 32 bytes, or nonce, those and tag.
  material bytea not null
    check (octet_length(material) = case when ring_key_id is null then 32 else 60 end),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index person_key_ring on person_key (ring_key_id);

-- Name and addresses, closed; what sending plans by stays readable: whether there is one, language, wishes.
alter table contact
  add column sealed bytea,
  add column has_email boolean not null default false,
  add column has_phone boolean not null default false,
  add constraint contact_closed
    check (sealed is null or (display_name is null and email is null and phone is null));
update contact set has_email = email is not null, has_phone = phone is not null;
create index contact_readable on contact (holder_ref) where sealed is null;

-- Its id follows from the endpoint, which is therefore unique as before.
alter table push_subscription
  add column sealed bytea,
  alter column endpoint drop not null,
  alter column p256dh drop not null,
  alter column auth drop not null,
  add constraint push_subscription_closed check (
    sealed is null and endpoint is not null and p256dh is not null and auth is not null
    or sealed is not null and endpoint is null and p256dh is null and auth is null);
create index push_subscription_readable on push_subscription (holder_ref) where sealed is null;
