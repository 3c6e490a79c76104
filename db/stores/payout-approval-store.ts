/**
 * Approval of payouts in Postgres: by rule within the limit and the day's ceiling, by one person, by
 * two people above the limit. The kill switch holds all of them.
 */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import type {
  PayoutApproval,
  PayoutSelection,
  PayoutStore,
} from '../../domain/ports/payout-store.ts'
import { PAYOUTS_DAILY_CEILING } from '../../domain/ports/setting-store.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { businessDay, isAboveLimit, isPaused, isSelected, openControlCase } from './payout-sql.ts'

type Fragment = RawBuilder<unknown>

/**
 * go: approved now. first: the first of two people, now. repeat: that again, by the same request.
 * same-person: the first would be the second. before: approved earlier. held: by a rule.
 */
type Verdict = 'go' | 'first' | 'repeat' | 'same-person' | 'before' | 'held'

/** The `approve` of the payout store. */
export async function approve(
  db: Database,
  selection: PayoutSelection,
  approval: PayoutApproval,
): ReturnType<PayoutStore['approve']> {
  const rows = approval.isByPerson
    ? await decide(db, selection, approval)
    : await db.transaction().execute(async (trx) => {
        await lockDays(trx, selection, approval.at)
        return decide(trx, selection, approval)
      })
  const idsOf = (...verdicts: readonly Verdict[]): string[] =>
    rows.filter((row) => verdicts.includes(row.verdict)).map((row) => row.id)
  return {
    approved: idsOf('go').length,
    heldPayoutIds: idsOf('held', 'first', 'repeat', 'same-person'),
    awaitingSecondIds: idsOf('first', 'repeat'),
    samePersonIds: idsOf('same-person'),
  }
}

/**
 * Locks the payouts, then the rows of the day's sums: what is approved next sees every sum that was
 * committed before. Every approver by rule takes these locks in this order.
 */
async function lockDays(db: Database, selection: PayoutSelection, at: Instant): Promise<void> {
  await sql`
    with chosen as materialized (
      select p.currency, p.state
      from payout p
      where ${isSelected(selection)} and p.state in ('CREATED', 'APPROVED')
      order by p.id
      for update of p
    )
    insert into payout_day (currency, day)
    select c.currency, ${businessDay(at)} from chosen c
    where c.state = 'CREATED'
    group by c.currency
    order by c.currency
    on conflict (currency, day) do update set updated_at = now()`.execute(db)
}

/** Most a rule may approve on a day in `currency`; null is no ceiling, what cannot be read is zero. */
function ceilingOf(currency: Fragment): Fragment {
  return sql`(
    select case jsonb_typeof(s.value)
      when 'null' then null
      when 'number' then s.value::numeric
      when 'object' then case
        when jsonb_typeof(s.value -> ${currency}) = 'number' then (s.value ->> ${currency})::numeric
        when s.value ? ${currency} and s.value -> ${currency} <> 'null'::jsonb then 0 end
      else 0 end
    from setting s where s.key = ${PAYOUTS_DAILY_CEILING})`
}

/** CTEs `judged` and `ruled`: every payout of the selection with its verdict. */
function ruled(selection: PayoutSelection, approval: PayoutApproval): Fragment {
  const { by, isByPerson, at, requestId } = approval
  const approvable = isByPerson ? ['CREATED', 'FAILED', 'RETURNED'] : ['CREATED']
  // APPROVED ones are chosen only to tell those that the kill switch keeps from being sent.
  return sql`chosen as materialized (
      select p.id, p.policy_id, p.amount_minor, p.currency, p.state, p.created_at,
        p.first_approved_by, p.first_approval_ref
      from payout p
      where ${isSelected(selection)} and p.state = any(${approvable}::text[] || 'APPROVED'::text)
      order by p.id
      for update of p
    ), judged as materialized (
      select p.*, case
        when ${isPaused(sql`p.policy_id`)} then 'held'
        when p.state = 'APPROVED' then 'before'
        when not ${isByPerson}::boolean then
          case when ${isAboveLimit()} then 'held' else 'by-rule' end
        when not ${isAboveLimit()} then 'go'
        when p.first_approved_by is null then 'first'
        when p.first_approval_ref = ${requestId}::text then 'repeat'
        when lower(btrim(p.first_approved_by)) = lower(btrim(${by}::text)) then 'same-person'
        else 'go' end as verdict
      from chosen p
    ), day as materialized (
      select c.currency, ${ceilingOf(sql`c.currency`)} as ceiling_minor,
        coalesce(d.approved_minor, 0) as approved_minor
      from (select distinct j.currency from judged j where j.verdict = 'by-rule') c
      left join payout_day d on d.currency = c.currency and d.day = ${businessDay(at)}
    ), ruled as materialized (
      -- The smallest first: the ceiling pays as many people as it can.
      select j.*, j.verdict as first_verdict, case
        when j.verdict <> 'by-rule' then j.verdict
        when d.ceiling_minor is null or d.approved_minor + sum(j.amount_minor) over (
          partition by j.verdict, j.currency order by j.amount_minor, j.created_at, j.id
        ) <= d.ceiling_minor then 'go'
        else 'held' end as final_verdict
      from judged j
      left join day d on d.currency = j.currency
    )`
}

async function decide(
  db: Database,
  selection: PayoutSelection,
  approval: PayoutApproval,
): Promise<{ id: string; verdict: Verdict }[]> {
  const { by, isByPerson, at, reason, requestId } = approval
  const { rows } = await sql<{ id: string; verdict: Verdict }>`
    with ${ruled(selection, approval)}, approved as (
      update payout p
      set state = 'APPROVED', approved_by = concat_ws(', ', r.first_approved_by, ${by}::text),
        first_approved_by = null, first_approval_ref = null, updated_at = now(),
        batch_id = case when not ${approval.leavesBatch ?? false}::boolean or r.state = 'CREATED'
          then p.batch_id end
      from ruled r
      where p.id = r.id and r.final_verdict = 'go'
    ), first_approved as (
      update payout p
      set first_approved_by = ${by}, first_approval_ref = ${requestId}, updated_at = now()
      from ruled r
      where p.id = r.id and r.final_verdict = 'first'
    ), counted as (
      update payout_day d
      set approved_minor = d.approved_minor + a.amount_minor, updated_at = now()
      from (
        select r.currency, sum(r.amount_minor) as amount_minor from ruled r
        where r.first_verdict = 'by-rule' and r.final_verdict = 'go'
        group by r.currency
      ) a
      where d.currency = a.currency and d.day = ${businessDay(at)}
    ), over_ceiling as (
      select concat_ws('|', 'ceiling', d.currency, ${businessDay(at)}) as subject,
        jsonb_build_object('currency', d.currency, 'day', ${businessDay(at)},
          'ceilingMinor', d.ceiling_minor, 'approvedMinor', d.approved_minor,
          'heldPayouts', count(*), 'heldMinor', sum(r.amount_minor)) as details
      from ruled r
      join day d on d.currency = r.currency
      where r.first_verdict = 'by-rule' and r.final_verdict = 'held'
      group by d.currency, d.ceiling_minor, d.approved_minor
    ), ceiling_case as (
      ${openControlCase('DAILY_CEILING', sql`over_ceiling`, at)}
    ), resumed as (
      update policy o
      set state = 'TRIGGERED', state_version = o.state_version + 1, updated_at = now()
      from ruled r
      where r.state in ('FAILED', 'RETURNED') and o.id = r.policy_id and r.final_verdict = 'go'
        and o.state = 'IN_REVIEW'
    ), resolved as (
      update review_case c
      set state = 'RESOLVED', resolved_at = ${at}::timestamptz, updated_at = now()
      from ruled r
      where ${isByPerson}::boolean and c.subject_kind = 'payout' and c.subject_id = r.id
        and r.final_verdict = 'go' and c.state <> 'RESOLVED'
    ), audited as (
      insert into audit_event (at, actor, action, subject, details)
      select ${at}::timestamptz, ${by},
        case r.final_verdict when 'go' then 'payout.approve' else 'payout.approve-first' end,
        'payout:' || r.id,
        jsonb_build_object('reason', ${reason}::text,
          'before', jsonb_build_object('state', r.state, 'firstApprovedBy', r.first_approved_by),
          'after', jsonb_build_object(
            'state', case r.final_verdict when 'go' then 'APPROVED' else r.state end,
            'firstApprovedBy', coalesce(r.first_approved_by,
              case r.final_verdict when 'first' then ${by}::text end)))
      from ruled r
      where ${isByPerson}::boolean and r.final_verdict in ('go', 'first')
      order by r.id
    )
    select r.id, r.final_verdict as verdict from ruled r order by r.id`.execute(db)
  return rows
}
