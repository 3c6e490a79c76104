-- What the session cleanup looks for, the oldest first.

create index auth_session_renewed on auth_session (updated_at);
create index auth_verification_made on auth_verification (created_at);
drop index auth_verification_expiry;
