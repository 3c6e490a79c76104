-- Premiums in the ledger: unearned while a policy lives, revenue when it ends, given back on cancellation.

alter table ledger_transaction drop constraint ledger_transaction_kind_check;
alter table ledger_transaction add constraint ledger_transaction_kind_check check (kind in (
  'capital','bind','trigger','submit','paid','fail','return','expire','cancel','correct','premium','earn'));

-- Policies whose premium is known already: as if it had been posted when they were bound, and earned
-- when they were decided if they have ended since.
create temporary table known_premium on commit drop as
  select id, premium_minor, currency, 'prem:' || id as ref, 'premium' as kind, bound_at as at,
    'receivable:channel:direct' as source, 'premium:unearned' as destination
  from policy where premium_minor > 0 and state not in ('CANCELLED_BY_HOLDER','DECLINED')
  union all
  select id, premium_minor, currency, 'earn:' || id, 'earn', coalesce(decided_at, bound_at),
    'premium:unearned', 'revenue:premium'
  from policy where premium_minor > 0 and state in ('PAID','EXPIRED','CLOSED');

insert into ledger_transaction (id, ref, kind, effective_at)
select groundstop_id('ledger|' || ref), ref, kind, at from known_premium;

insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
select groundstop_id('ledger|' || ref), source, destination, premium_minor, currency
from known_premium;
