/**
 * Carrying decisions out on a page of policies, in one transaction: either a policy has its outcome,
 * escrow, payout, ledger and pool, or it has none of them.
 */
import { sql } from 'kysely'
import type { RawBuilder, Transaction } from 'kysely'

import { CORRECTION_LOOK_AFTER_MS } from '../../domain/correction.ts'
import { account, ledgerRef } from '../../domain/ledger.ts'
import type { DecisionReason } from '../../domain/decision.ts'
import type { AppliedPage, DecisionPage } from '../../domain/ports/decision-store.ts'
import type { Instant } from '../../domain/time.ts'
import { TWO_SOURCE_DEFAULTS } from '../../domain/product.ts'
import { addMs } from '../../domain/time.ts'
import type { DB } from '../types.generated.ts'

/** A share of a sum that rounds to nothing: a person decides, no payout of nothing is made. */
const AMOUNT_ZERO = 'AMOUNT_ZERO'

/** More than one source may pay by itself while the other is silent: a person decides. */
const ABOVE_SINGLE_SOURCE_LIMIT = 'ABOVE_SINGLE_SOURCE_LIMIT'

/** Reasons of the rules that the carrying out depends on. */
const SINGLE_SOURCE: DecisionReason = 'SINGLE_SOURCE'
const TIER_DISPUTED: DecisionReason = 'TIER_DISPUTED'

/**
 * Decides the undecided policies of the page's evaluations after `page.after`. Locks are taken in the
 * same order as everywhere: legs by id, policies, the pool.
 */
export async function applyPage(trx: Transaction<DB>, page: DecisionPage): Promise<AppliedPage> {
  // Two deciders of one leg take turns from here, so the second finds the first one's policies decided.
  await sql`
    select id from flight_leg
    where id in (select leg_id from evaluation where id = any(${page.evaluationIds}::uuid[]))
    order by id for update`.execute(trx)
  const { rows } = await sql<Omit<AppliedPage, 'next'> & { last: string | null; size: number }>`
    with target as (${undecidedPolicies(page)}),
    ${decided(page)},
    ${payoutsOf(page.now)},
    ${legs(page)},
    ${reviews(page)}
    select
      count(*) filter (where outcome = 'PAY') as paid,
      count(*) filter (where outcome = 'NO_PAY') as "notPaid",
      count(*) filter (where outcome is null) as "inReview",
      (select count(*) from new_payout) as "payoutsCreated",
      (array_agg(id order by id desc))[1] as last,
      count(*) as size
    from decided`.execute(trx)
  const [counts] = rows
  if (counts === undefined) throw new Error('the decision statement returned no row')
  const { last, size, ...applied } = counts
  return { ...applied, next: size === page.limit ? last : null }
}

/** The share `bps` of a sum in minor units, rounded half up and exact: the domain's shareOf. */
export function shareSql(sum: RawBuilder<unknown>, bps: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`div(${sum}::numeric * ${bps} + 5000, 10000)::bigint`
}

/** The page's policies with what is decided for them. */
function undecidedPolicies(page: DecisionPage): RawBuilder<unknown> {
  return sql`
    select t.*,
      case when t.decision = 'PAY' and (t.amount = 0 or t.amount > t.limit_minor) then 'REVIEW'
        else t.decision end as verdict
    from (
      select p.id, p.leg_id, p.currency, p.payee_ref, p.sum_insured_minor, e.id as evaluation_id,
        e.outcome as decision, e.bps, e.reasons, e.product_version_id, e.insured_scheduled_in,
        e.disputed_bps, ${shareSql(sql`p.sum_insured_minor`, sql`e.bps`)} as amount,
        case when ${SINGLE_SOURCE}::text = any(e.reasons) then coalesce(
          (v.rules #>> '{settle,autoPayLimitMinor}')::bigint,
          ${TWO_SOURCE_DEFAULTS.autoPayLimitMinor}) end as limit_minor
      from evaluation e
      join product_version v on v.id = e.product_version_id
      -- Per evaluation, so that a leg with very many policies is read in index order, page by page.
      cross join lateral (
        select id, leg_id, currency, payee_ref, sum_insured_minor from policy
        where leg_id = e.leg_id and product_version_id = e.product_version_id
          and insured_scheduled_in = e.insured_scheduled_in
          and outcome is null and state in ('BOUND', 'MONITORING')
          and (${page.after}::uuid is null or id > ${page.after}::uuid)
        order by id limit ${page.limit} for update
      ) as p
      where e.id = any(${page.evaluationIds}::uuid[])
      order by p.id limit ${page.limit}
    ) as t`
}

function decided(page: DecisionPage): RawBuilder<unknown> {
  return sql`
    decided as (
      update policy p set
        outcome = case when t.verdict <> 'REVIEW' then t.verdict end,
        bps = case when t.verdict <> 'REVIEW' then t.bps end,
        amount_minor = case when t.verdict <> 'REVIEW' then t.amount end,
        decided_at = case when t.verdict <> 'REVIEW' then ${page.now}::timestamptz end,
        evaluation_id = t.evaluation_id,
        state = case t.verdict when 'PAY' then 'TRIGGERED' when 'REVIEW' then 'IN_REVIEW'
          else 'MONITORING' end,
        state_version = p.state_version + 1, updated_at = now()
      from target t
      where p.id = t.id
      returning p.id, p.leg_id, p.outcome
    )`
}

/**
 * Payouts, escrow, ledger and pool of the rows of CTE `target` whose verdict is PAY: (id, evaluation_id,
 * amount, currency, payee_ref, verdict), the id being the policy's.
 */
export function payoutsOf(now: Instant): RawBuilder<unknown> {
  const trigger = sql`${ledgerRef.trigger('')}::text`
  const escrow = sql`${account.escrow('')}::text`
  const payable = sql`${account.payable('')}::text`
  const pool = sql`${account.poolAvailable()}::text`
  return sql`
    new_payout as (
      insert into payout (id, policy_id, revision, evaluation_id, amount_minor, currency, payee_ref)
      select groundstop_id('payout|' || id || '|0'), id, 0, evaluation_id, amount, currency, payee_ref
      from target where verdict = 'PAY'
      returning id, policy_id, amount_minor, currency
    ),
    entry as (
      insert into ledger_transaction (id, ref, kind, effective_at)
      select groundstop_id('ledger|' || ${trigger} || id), ${trigger} || id, 'trigger',
        ${now}::timestamptz
      from new_payout
    ),
    fulfilled as (
      update escrow_reservation s set state = 'FULFILLED', fulfilled_minor = o.amount_minor,
        released_minor = s.reserved_minor - o.amount_minor, updated_at = now()
      from new_payout o
      where s.policy_id = o.policy_id and s.state = 'RESERVED'
      returning o.id as payout_id, s.policy_id, s.currency, s.fulfilled_minor, s.released_minor
    ),
    posting as (
      insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
      select groundstop_id('ledger|' || ${trigger} || payout_id), ${escrow} || policy_id,
        ${payable} || policy_id, fulfilled_minor, currency
      from fulfilled
      union all
      select groundstop_id('ledger|' || ${trigger} || payout_id), ${escrow} || policy_id,
        ${pool}, released_minor, currency
      from fulfilled where released_minor > 0
    ),
    pool_row as (
      select account, currency from pool_balance
      where account = ${pool}
        and currency in (select currency from fulfilled where released_minor > 0)
      order by currency for update
    ),
    pool as (
      update pool_balance b set balance_minor = b.balance_minor + r.released, updated_at = now()
      from pool_row k join (
        select currency, sum(released_minor) as released from fulfilled group by currency
      ) as r on r.currency = k.currency
      where b.account = k.account and b.currency = k.currency
    )`
}

function legs(page: DecisionPage): RawBuilder<unknown> {
  return sql`
    leg as (
      update flight_leg l set
        undecided_policies = l.undecided_policies - d.policies,
        next_poll_at = case when l.undecided_policies > d.policies then l.next_poll_at end,
        settled_at = case when l.undecided_policies > d.policies then l.settled_at
          else ${page.now}::timestamptz end,
        correction_look_at = case when l.undecided_policies = d.policies
          then ${addMs(page.now, CORRECTION_LOOK_AFTER_MS)}::timestamptz end,
        updated_at = now()
      from (select leg_id, count(*)::integer as policies from decided group by leg_id) as d
      where l.id = d.leg_id
    )`
}

/**
 * One open case per leg and reason; a policy of its own only where its amount is the reason. A disputed
 * tier is paid at the lower one, and the case is about the difference.
 */
function reviews(page: DecisionPage): RawBuilder<unknown> {
  return sql`
    faulty as (
      select distinct on (leg_id, reasons[1]) 'leg' as kind, leg_id as subject,
        coalesce(reasons[1], 'REVIEW') as reason, evaluation_id, product_version_id, reasons,
        disputed_bps
      from target where decision = 'REVIEW'
      union all
      select * from (
        select distinct on (leg_id) 'leg', leg_id, ${TIER_DISPUTED}::text, evaluation_id,
          product_version_id, reasons, disputed_bps
        from target where verdict = 'PAY' and disputed_bps is not null
      ) as disputed
      union all
      select 'policy', id,
        case when amount = 0 then ${AMOUNT_ZERO}::text else ${ABOVE_SINGLE_SOURCE_LIMIT}::text end,
        evaluation_id, product_version_id, reasons, disputed_bps
      from target where decision = 'PAY' and verdict = 'REVIEW'
    ),
    review as (
      insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
      select groundstop_id(concat_ws('|', 'review', kind, subject, reason, (
          select count(*) from review_case r
          where r.subject_kind = kind and r.subject_id = subject and r.reason_code = reason))),
        kind, subject, reason,
        -- A disputed tier waits for nobody to decide: it must not look like a case that does.
        jsonb_build_object(
          case when disputed_bps is null then 'evaluationId' else 'paidEvaluationId' end, evaluation_id, 'productVersionId', product_version_id,
          'reasons', to_jsonb(reasons))
          || case when disputed_bps is null then '{}'::jsonb
            else jsonb_build_object('disputedBps', disputed_bps) end,
        ${page.now}::timestamptz
      from faulty
      on conflict do nothing
    )`
}
