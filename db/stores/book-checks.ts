/**
 * The book's invariants as SQL: every check selects what must not be, as (invariant, subject, detail).
 * `balance` is the CTE of every account's balance, derived from the postings alone.
 */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import type { CoverageRequest } from '../../domain/ports/leg-store.ts'

type Check = RawBuilder<unknown>

/** A policy has one terminal outcome, and its payouts stay within what was insured. */
const POLICIES: readonly Check[] = [
  sql`select 'I1' as invariant, 'policy:' || o.id as subject,
      format('payouts of %s exceed the sum insured of %s %s',
        sum(p.amount_minor), o.sum_insured_minor, o.currency) as detail
    from payout p
    join policy o on o.id = p.policy_id
    where p.state <> 'CANCELLED'
    group by o.id
    having sum(p.amount_minor) > o.sum_insured_minor`,
  sql`select 'I1', 'policy:' || o.id, format('is %s with outcome %s', o.state, coalesce(o.outcome, 'none'))
    from policy o
    where (o.state in ('TRIGGERED', 'PAID') and o.outcome is distinct from 'PAY')
      or (o.state in ('EXPIRED', 'BOUND') and o.outcome = 'PAY')`,
  sql`select 'I1', 'policy:' || o.id, 'is PAID and its first payout is not'
    from policy o
    where o.state = 'PAID' and not exists (
      select from payout p where p.policy_id = o.id and p.revision = 0 and p.state in ('PAID', 'RETURNED'))`,
  sql`select 'I1', 'payout:' || p.id, format('is in %s and its policy in %s', p.currency, o.currency)
    from payout p
    join policy o on o.id = p.policy_id
    where p.currency <> o.currency`,
  sql`select 'I4', 'policy:' || o.id, format('is to be paid %s and its payout is %s',
      o.amount_minor, coalesce(p.amount_minor::text, 'missing'))
    from policy o
    left join payout p on p.policy_id = o.id and p.revision = 0
    where o.outcome = 'PAY' and o.amount_minor is distinct from p.amount_minor`,
  sql`select 'I4', 'payout:' || p.id, format('rests on evaluation %s, its policy on %s with outcome %s',
      p.evaluation_id, coalesce(o.evaluation_id::text, 'none'), coalesce(o.outcome, 'none'))
    from payout p
    join policy o on o.id = p.policy_id
    where p.revision = 0
      and (o.outcome is distinct from 'PAY' or o.evaluation_id is distinct from p.evaluation_id)`,
]

/** Nobody is denied by the clock alone, and money is set aside exactly as long as it may be owed. */
const EXPIRY: readonly Check[] = [
  sql`select 'I6' as invariant, 'policy:' || o.id as subject,
      format('is EXPIRED on evaluation %s, its leg settled at %s', coalesce(v.outcome, 'none'),
        coalesce(l.settled_at::text, 'no time')) as detail
    from policy o
    join flight_leg l on l.id = o.leg_id
    left join evaluation v on v.id = o.evaluation_id
    where o.state = 'EXPIRED' and (l.settled_at is null or v.outcome is null or v.outcome = 'PAY')`,
  sql`select 'I2', 'policy:' || o.id, format('is %s and its reservation %s', o.state, e.state)
    from policy o
    join escrow_reservation e on e.policy_id = o.id
    where (o.state in ('EXPIRED', 'CLOSED', 'PAID', 'CANCELLED_BY_HOLDER') and e.state = 'RESERVED')
      or (o.state in ('BOUND', 'MONITORING') and e.state <> 'RESERVED')`,
]

/** The reservation says what the ledger says: reserved at bind, fulfilled to payable, released. */
const ESCROW: readonly Check[] = [
  sql`select 'I2', 'policy:' || coalesce(e.policy_id::text, l.policy_id),
      format('reserved, fulfilled, released: the reservation says %s, %s, %s, the ledger %s, %s, %s',
        e.reserved_minor, e.fulfilled_minor, e.released_minor, l.reserved, l.fulfilled, l.released)
    from escrow_reservation e
    full join (
      select m.policy_id, m.currency, sum(m.reserved) as reserved, sum(m.fulfilled) as fulfilled,
        sum(m.released) as released
      from (
        select substr(p.destination, 8) as policy_id, p.currency, p.amount_minor as reserved,
          0 as fulfilled, 0 as released
        from ledger_posting p where p.destination like 'escrow:%'
        union all
        select substr(p.source, 8), p.currency, 0,
          case when p.destination like 'payable:%' then p.amount_minor else 0 end,
          case when p.destination like 'payable:%' then 0 else p.amount_minor end
        from ledger_posting p where p.source like 'escrow:%'
      ) m
      group by m.policy_id, m.currency
    ) l on l.policy_id = e.policy_id::text and l.currency = e.currency
    where (e.reserved_minor, e.fulfilled_minor, e.released_minor)
      is distinct from (l.reserved, l.fulfilled, l.released)`,
]

/** Balances: cached ones are the derived ones, and no account that holds money is below zero. */
const BALANCES: readonly Check[] = [
  sql`select 'I3', 'account:' || c.account, format('cached balance is %s, derived %s %s',
      c.balance_minor, coalesce(b.balance, 0), c.currency)
    from pool_balance c
    left join balance b on b.account = c.account and b.currency = c.currency
    where c.balance_minor <> coalesce(b.balance, 0)`,
  sql`select 'I3', 'account:' || b.account, format('balance is %s %s', b.balance, b.currency)
    from balance b
    where b.balance < 0 and b.account ~ '^(pool|escrow|payable|payout|suspense|external):'`,
  sql`select 'LEDGER', 'account:' || coalesce(x.account, w.account),
      format('accounts hold %s, payouts say %s %s', coalesce(x.balance, 0), coalesce(w.amount, 0),
        coalesce(x.currency, w.currency))
    from (
      select g.account, b.currency, sum(b.balance) as balance
      from balance b
      cross join lateral (select case
        when b.account like 'payable:%' then 'payable'
        when b.account like 'payout:in_flight:%' then 'in flight'
        when b.account = 'external:holder' then 'holders'
        when b.account = 'suspense:payout_cancelled' then 'cancelled' end) as g (account)
      where g.account is not null
      group by g.account, b.currency
    ) x
    full join (
      select g.account, p.currency, sum(p.amount_minor) as amount
      from payout p
      cross join lateral (select case
        when p.state in ('CREATED', 'APPROVED', 'FAILED', 'RETURNED') then 'payable'
        when p.state in ('SUBMITTED', 'IN_TRANSIT') then 'in flight'
        when p.state = 'PAID' then 'holders'
        when p.state = 'CANCELLED' then 'cancelled' end) as g (account)
      group by g.account, p.currency
    ) w on w.account = x.account and w.currency = x.currency
    where coalesce(x.balance, 0) <> coalesce(w.amount, 0)`,
  sql`select 'LEDGER', 'payout:' || p.id, format('%s %s owed, account payable holds %s',
      p.owed, p.currency, coalesce(b.balance, 0))
    from (
      select min(p.id::text) as id, p.policy_id, p.currency, coalesce(sum(p.amount_minor)
        filter (where p.state in ('CREATED', 'APPROVED', 'FAILED', 'RETURNED')), 0) as owed
      from payout p
      group by p.policy_id, p.currency
    ) p
    left join balance b on b.account = 'payable:' || p.policy_id and b.currency = p.currency
    where p.owed <> coalesce(b.balance, 0)`,
]

/** Premiums are unearned exactly as long as their policies live, and no leg was sold beyond its limit. */
const SALES: readonly Check[] = [
  sql`select 'LEDGER', 'account:premium:unearned',
      format('holds %s, premiums of live policies are %s %s', coalesce(b.balance, 0),
        coalesce(p.premium, 0), coalesce(b.currency, p.currency))
    from (select currency, balance from balance where account = 'premium:unearned') b
    full join (
      select o.currency, sum(o.premium_minor) as premium
      from policy o
      where o.premium_minor > 0 and o.state in ('BOUND', 'MONITORING', 'TRIGGERED', 'IN_REVIEW')
        -- Reopened after its end: what was earned stays earned.
        and not exists (select from ledger_transaction t where t.ref = 'earn:' || o.id)
      group by o.currency
    ) p on p.currency = b.currency
    where coalesce(b.balance, 0) <> coalesce(p.premium, 0)`,
  sql`select 'I9', 'leg:' || l.leg_key, format('%s %s were sold on it under limits of at most %s',
      sum(o.sum_insured_minor), o.currency, max((q.terms ->> 'clusterLimitMinor')::numeric))
    from quote q
    join policy o on o.id = q.policy_id
    join flight_leg l on l.id = o.leg_id
    where o.state not in ('CANCELLED_BY_HOLDER', 'DECLINED')
    group by l.leg_key, o.currency
    having sum(o.sum_insured_minor) > max((q.terms ->> 'clusterLimitMinor')::numeric)`,
]

/** Attempts fit their payouts, and money out has its ledger transaction. */
const ATTEMPTS: readonly Check[] = [
  sql`select 'I5', 'payout:' || p.id, format('is %s with %s open attempts', p.state, count(a.n))
    from payout p
    left join payout_attempt a on a.payout_id = p.id and a.outcome = 'OPEN'
    where p.state = 'SUBMITTED' or a.n is not null
    group by p.id
    having count(a.n) > 1
      or (p.state <> 'SUBMITTED' and count(a.n) > 0)
      or (p.state = 'SUBMITTED' and count(a.n) = 0 and not exists (
        select from review_case r
        where r.subject_kind = 'payout' and r.subject_id = p.id and r.state <> 'RESOLVED'))`,
  sql`select 'I5', 'payout:' || p.id, format('is PAID by %s and its accepted attempts by %s',
      p.transfer_id, coalesce(string_agg(a.provider_ref, ', '), 'none'))
    from payout p
    left join payout_attempt a on a.payout_id = p.id and a.outcome = 'ACCEPTED'
    where p.state = 'PAID'
    group by p.id
    having count(a.n) <> 1 or max(a.provider_ref) is distinct from p.transfer_id`,
  sql`select 'LEDGER', 'payout:' || p.id, format('is PAID with %s paid transactions', count(t.id))
    from payout p
    left join payout_attempt a on a.payout_id = p.id and a.outcome = 'ACCEPTED'
    left join ledger_transaction t on t.ref = concat_ws(':', 'paid', a.payout_id, a.n)
    where p.state = 'PAID'
    group by p.id
    having count(t.id) <> 1`,
  sql`select 'LEDGER', 'ledger:' || t.ref, 'has no postings'
    from ledger_transaction t
    where not exists (select from ledger_posting l where l.transaction_id = t.id)`,
]

/** Legs with undecided policies are watched, and count them rightly. */
const WATCH: readonly Check[] = [
  sql`select 'I7' as invariant, 'leg:' || l.id as subject,
      format('has %s undecided policies and no next poll', l.undecided_policies) as detail
    from flight_leg l
    where l.undecided_policies > 0 and l.next_poll_at is null`,
  sql`select 'I7', 'leg:' || l.id, format('counts %s undecided policies, there are %s',
      l.undecided_policies, count(p.id))
    from flight_leg l
    left join policy p on p.leg_id = l.id and p.outcome is null and p.state in ('BOUND', 'MONITORING')
    group by l.id
    having count(p.id) <> l.undecided_policies`,
]

/** Tables that only grow have the triggers that see to it, and these are awake. */
const GUARDS: readonly Check[] = [
  sql`select 'I8' as invariant, 'table:' || w.table_name as subject,
      format('trigger %s %s', w.trigger_name,
        case when t.tgname is null then 'is missing' else 'is asleep' end) as detail
    from (values
      ('product_version', 'no_change'), ('evaluation', 'no_change'), ('audit_event', 'no_change'),
      ('ledger_transaction', 'no_change'), ('ledger_posting', 'no_change'),
      ('flight_observation', 'keep'), ('flight_observation', 'no_delete'),
      ('flight_observation', 'no_truncate'),
      ('audit_event', 'no_delete'), ('audit_chain', 'no_change'), ('audit_chain', 'no_delete'),
      ('audit_archive', 'no_change'), ('audit_archive', 'follows'),
      ('quote', 'no_delete'), ('quote', 'no_truncate'),
      ('payment_event', 'no_delete'), ('payment_event', 'no_truncate'),
      ('policy', 'frozen'), ('policy', 'legal_move'), ('policy', 'given_back'),
      ('appeal', 'frozen'), ('appeal', 'legal_move'), ('appeal', 'no_delete'), ('payout', 'frozen'),
      ('review_case', 'legal_move'), ('flight_leg', 'legal_move')
    ) as w (table_name, trigger_name)
    left join pg_trigger t on t.tgrelid = w.table_name::regclass and t.tgname = w.trigger_name
    where t.tgname is null or t.tgenabled not in ('O', 'A')`,
]

/** A person's evaluation belongs to a case that a person closed, and an appeal ends with its case. */
const REVIEWS: readonly Check[] = [
  sql`select 'I4' as invariant, 'evaluation:' || v.id as subject,
      format('was made by %s over a case that is %s', v.decided_by, coalesce(r.state, 'gone')) as detail
    from evaluation v
    left join review_case r on r.id = v.case_id
    where v.rule = 'manual' and (r.state is distinct from 'RESOLVED'
      or r.resolution not in ('PAID', 'DENIED'))`,
  sql`select 'I1', 'policy:' || a.policy_id, format('appeal %s is %s and its case %s %s', a.n,
      coalesce(a.result, 'open'), r.state, r.resolution)
    from appeal a
    join review_case r on r.id = a.case_id
    where case when a.result is null then r.state = 'RESOLVED'
      else r.resolution is distinct from case a.result when 'STANDS' then 'DENIED' else 'PAID' end
      end`,
]

/** Every check, with the invariants' numbers of the domain: I1 to I9, and the ledger's totals. */
export const BOOK_CHECKS: readonly Check[] = [
  ...POLICIES,
  ...EXPIRY,
  ...ESCROW,
  ...BALANCES,
  ...SALES,
  ...ATTEMPTS,
  ...WATCH,
  ...GUARDS,
  ...REVIEWS,
]

/**
 * I7 at a moment: watched legs that were not answered for within their phase's greatest gap, `slackS`
 * seconds for the check that opens incidents, and have none.
 */
export function coverageCheck(at: CoverageRequest, slackS: number): Check {
  const { now, windowBeforeOutS, limits } = at
  return sql`select 'I7', 'leg:' || w.id, format(
      'has had no answer for %s s in phase %s, and no incident says so', w.gap_s, w.poll_phase)
    from (
      select l.id, l.poll_phase, extract(epoch from ${now}::timestamptz - greatest(
        coalesce(l.last_ok_at, l.scheduled_out - make_interval(secs => ${windowBeforeOutS})),
        l.watched_since))::integer as gap_s
      from flight_leg l
      where l.undecided_policies > 0
        and l.scheduled_out <= ${now}::timestamptz + make_interval(secs => ${windowBeforeOutS})
    ) as w
    join unnest(
      ${limits.map(({ phase }) => phase)}::text[],
      ${limits.map(({ maxGapS }) => maxGapS)}::integer[]
    ) as m (phase, max_gap_s) on m.phase = w.poll_phase
    where w.gap_s > m.max_gap_s + ${slackS}
      and not exists (
        select from coverage_incident i where i.leg_id = w.id and i.closed_at is null)`
}
