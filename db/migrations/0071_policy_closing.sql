-- Paid and expired policies that may be closed, by the end of their cover.

create index policy_to_close on policy (cover_end, id) where state in ('PAID', 'EXPIRED');
