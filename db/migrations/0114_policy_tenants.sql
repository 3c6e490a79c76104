-- Whose each policy and quote is: a partner's, or the house's, `default`. It is set when the row is made and
-- never changes; whatever hangs on a policy is its tenant's.

alter table policy
  add column tenant text not null default 'default' check (tenant ~ '^[a-z0-9][a-z0-9-]{0,39}$');
drop trigger frozen on policy;
create trigger frozen before update of id, policy_number, product_version_id, leg_id, sum_insured_minor,
  currency, premium_minor, bound_at, tenant on policy
  for each statement execute function refuse_change();
-- Where the house alone has policies it holds nothing and is never written.
create index policy_of_tenant on policy (tenant, policy_number) where tenant <> 'default';

alter table quote
  add column tenant text not null default 'default' check (tenant ~ '^[a-z0-9][a-z0-9-]{0,39}$');
drop trigger frozen on quote;
create trigger frozen before update of id, product_version_id, leg_key, sold, leg, sum_insured_minor,
  currency, premium_minor, rate, terms, amounts, quoted_at, expires_at, tenant on quote
  for each statement execute function refuse_change();
