/** Fragments of SQL that the statements about payouts share. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import { account } from '../../domain/ledger.ts'
import type { PayoutSelection } from '../../domain/ports/payout-store.ts'
import { PAYOUTS_APPROVAL_LIMIT, PAYOUTS_PAUSED } from '../../domain/ports/setting-store.ts'
import type { Instant } from '../../domain/time.ts'
import { earnPremiums } from './premium-sql.ts'

type Fragment = RawBuilder<unknown>

/** The payouts `p` of a selection. */
export function isSelected(selection: PayoutSelection): Fragment {
  return 'batchId' in selection
    ? sql`p.batch_id = ${selection.batchId}::uuid`
    : sql`p.id = any(${selection.payoutIds}::uuid[])`
}

/**
 * Whether the kill switch holds payouts of policy `policyId`. What cannot be read as "go" holds: a
 * mistyped setting must stop money, not let it through.
 */
export function isPaused(policyId: Fragment): Fragment {
  return sql`coalesce((
    select case
      when s.value in ('false'::jsonb, 'null'::jsonb) then false
      when s.value ? 'all' and s.value -> 'all' <> 'false'::jsonb then true
      when jsonb_typeof(s.value -> 'products') = 'array' then s.value -> 'products' ? (
        select v.code
        from policy o
        join product_version v on v.id = o.product_version_id
        where o.id = ${policyId})
      else true end
    from setting s where s.key = ${PAYOUTS_PAUSED}), false)`
}

/** Whether payout `p` is above what a rule may approve; a limit that cannot be read is zero. */
export function isAboveLimit(): Fragment {
  return sql`coalesce((
    select p.amount_minor > case jsonb_typeof(s.value)
      when 'null' then null
      when 'number' then s.value::numeric
      when 'object' then (s.value ->> p.currency)::numeric
      else 0 end
    from setting s where s.key = ${PAYOUTS_APPROVAL_LIMIT}), false)`
}

/** Whether rail `provider` has no balance for payout `p`. */
export function isRailDry(provider: string): Fragment {
  return sql`exists (
    select from rail_hold h where h.provider = ${provider} and h.currency = p.currency)`
}

/** The business day of `at`: a date in UTC. */
export function businessDay(at: Instant): Fragment {
  return sql`(${at}::timestamptz at time zone 'UTC')::date`
}

/**
 * SHA-256 over everything that the request of payout `p` under key `key` is made of. The same payout
 * gives the same request, byte for byte; the stored hash shows when it would not.
 */
export function requestSha256(key: Fragment): Fragment {
  return sql`encode(sha256(convert_to(concat_ws(
    '|', p.amount_minor, p.currency, p.payee_ref, p.id, p.policy_id, ${key}), 'UTF8')), 'hex')`
}

/** Account names of the domain over columns. */
export const accountSql = {
  payable: (policyId: Fragment): Fragment => sql`(${account.payable('')}::text || ${policyId})`,
  inFlight: (provider: Fragment): Fragment => sql`(${account.inFlight('')}::text || ${provider})`,
  holder: sql`${account.holder}::text`,
  /** Cancelled payouts: owed to no one yet, and not the pool's before a review says so. */
  cancelled: sql`'suspense:payout_cancelled'::text`,
} as const

/**
 * Posts the rows of CTE `entry` (ref, source, destination, amount_minor, currency) to the ledger: one
 * transaction with one posting each. A ref that exists fails the whole statement, which is right: the
 * caller moved a state that had been moved before.
 */
export function postEntries(kind: string, at: Instant): Fragment {
  return sql`identified as materialized (
    select groundstop_id('ledger|' || e.ref) as id, e.* from entry e
  ), booked as (
    insert into ledger_transaction (id, ref, kind, effective_at)
    select e.id, e.ref, ${kind}, ${at}::timestamptz from identified e
  ), posted as (
    insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
    select e.id, e.source, e.destination, e.amount_minor, e.currency from identified e
  )`
}

/**
 * CTE `paid_policies`: the policies of the payouts in CTE `paid` (id, policy_id, revision, n) are PAID
 * and their premiums earned, unless another payout of theirs is neither paid nor cancelled. A first payout
 * that is paid at its first attempt has no other one beside it, as a top-up follows only what is settled:
 * nothing is looked up.
 */
export function paidPolicies(at: Instant): Fragment {
  return sql`paid_policies as (
    update policy o
    set state = 'PAID', state_version = o.state_version + 1, updated_at = now()
    from paid
    where o.id = paid.policy_id and o.state = 'TRIGGERED'
      and ((paid.revision = 0 and paid.n = 1) or 0 = (
        select count(*) from payout q
        where q.policy_id = paid.policy_id and q.id <> paid.id
          and q.state not in ('PAID', 'CANCELLED')))
    returning o.id, o.premium_minor, o.currency
  ), ${earnPremiums(sql`paid_policies`, at)}`
}

/**
 * Opens a review of each payout in CTE `faulty` (payout_id, details) unless one is open for the same
 * reason, and takes its policy from TRIGGERED to IN_REVIEW.
 */
export function reviewFaulty(reasonCode: string, at: Instant): Fragment {
  return sql`reviewed as (
    ${openCases(reasonCode, at)}
  ), reviewed_policies as (
    update policy o
    set state = 'IN_REVIEW', state_version = o.state_version + 1, updated_at = now()
    from faulty f
    join payout fp on fp.id = f.payout_id
    where o.id = fp.policy_id and o.state = 'TRIGGERED'
  )`
}

/** The insert of `reviewFaulty` alone. */
export function openCases(reasonCode: string, at: Instant): Fragment {
  return sql`insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
    select groundstop_id(concat_ws('|', 'review', 'payout', f.payout_id, ${reasonCode}::text, (
        select count(*) from review_case r
        where r.subject_kind = 'payout' and r.subject_id = f.payout_id
          and r.reason_code = ${reasonCode}))),
      'payout', f.payout_id, ${reasonCode}, f.details, ${at}::timestamptz
    from faulty f
    on conflict do nothing`
}

/**
 * Opens one case, ever, for each row (subject, details) of `cte`: subjects name their day, so a case
 * that a person resolved is not opened again on the same day.
 */
export function openControlCase(reasonCode: string, cte: Fragment, at: Instant): Fragment {
  return sql`insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
    select groundstop_id(concat_ws('|', 'review', 'control', c.subject, ${reasonCode}::text)),
      'control', groundstop_id('control|' || c.subject), ${reasonCode}, c.details, ${at}::timestamptz
    from ${cte} c
    on conflict do nothing`
}
