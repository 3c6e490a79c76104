/** Expiry in Postgres: a page of policies to their end in one transaction, or not at all. */
import { sql } from 'kysely'
import type { RawBuilder, Transaction } from 'kysely'

import { DECIDE_AFTER_MS, LAST_WAIT_MS } from '../../domain/expiry.ts'
import { account, ledgerRef } from '../../domain/ledger.ts'
import type {
  ExpiredPage,
  ExpiryPage,
  ExpiryPlace,
  ExpiryStore,
} from '../../domain/ports/expiry-store.ts'
import { addMs } from '../../domain/time.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import type { DB } from '../types.generated.ts'
import { postEntries } from './payout-sql.ts'
import { earnPremiums } from './premium-sql.ts'

const JOB = 'policy-expiration'

type Fragment = RawBuilder<unknown>

/** The expiry store over `db`. */
export function createExpiryStore(db: Database): ExpiryStore {
  return {
    expirePage: (page) => retriedTransaction(db, (trx) => expirePage(trx, page)),
    closePolicies: (page) => closePolicies(db, page),
    async writeCursor(position) {
      await sql`
        insert into job_cursor (job, position) values (${JOB}, ${position}::timestamptz)
        on conflict (job) do update set position = excluded.position, updated_at = now()`.execute(
        db,
      )
    },
  }
}

async function closePolicies(
  db: Database,
  { coverEndBy, limit }: Parameters<ExpiryStore['closePolicies']>[0],
): Promise<number> {
  const { rows } = await sql<{ closed: number }>`
    with done as (
      select p.id from policy p
      where p.state in ('PAID', 'EXPIRED') and p.cover_end <= ${coverEndBy}::timestamptz
        and not exists (
          select from escrow_reservation e where e.policy_id = p.id and e.state = 'RESERVED')
        and not exists (
          select from payout o where o.policy_id = p.id and o.state not in ('PAID', 'CANCELLED'))
        and not exists (
          select from review_case r where r.state <> 'RESOLVED' and r.subject_id in (p.id, p.leg_id))
        and not exists (
          select from payout o join review_case r on r.subject_id = o.id
          where o.policy_id = p.id and r.state <> 'RESOLVED')
        and not exists (
          select from notification n where n.policy_id = p.id and n.state = 'QUEUED')
        and not exists (select from notification_fact f where f.policy_id = p.id)
      order by p.cover_end, p.id
      limit ${limit}
      for update of p skip locked
    ), closed as (
      update policy p set state = 'CLOSED', state_version = p.state_version + 1, updated_at = now()
      from done d
      where p.id = d.id and p.state in ('PAID', 'EXPIRED')
      returning p.id
    )
    select count(*) as closed from closed`.execute(db)
  return rows[0]?.closed ?? 0
}

type Candidate = { id: string; leg_id: string; cover_end: Instant }

async function expirePage(trx: Transaction<DB>, page: ExpiryPage): Promise<ExpiredPage> {
  const { rows } = await candidates(page).execute(trx)
  const policyIds = rows.map((row) => row.id)
  const legIds = rows.map((row) => row.leg_id)
  // The order of locks is everywhere the same: legs by id, policies, the pool.
  await sql`select id from flight_leg where id = any(${legIds}::uuid[]) order by id for update`.execute(
    trx,
  )
  await sql`select id from policy where id = any(${policyIds}::uuid[]) order by id for update`.execute(
    trx,
  )
  // A statement of its own: it sees the payouts and reviews of whoever held the locks before.
  const result = await carryOut(policyIds, page.now).execute(trx)
  const [counts] = result.rows
  if (counts === undefined) throw new Error('the expiry statement returned no row')
  if (counts.expired !== counts.unreserved) {
    throw new Error(
      `${counts.expired} policies expired, ${counts.unreserved} reservations released`,
    )
  }
  const { unreserved: _unreserved, ...done } = counts
  return { ...done, next: rows.length === page.limit ? placeOf(rows.at(-1)) : null }
}

function placeOf(row: Candidate | undefined): ExpiryPlace | null {
  return row === undefined ? null : { coverEnd: row.cover_end, policyId: row.id }
}

function candidates({ after, limit, now }: ExpiryPage): RawBuilder<Candidate> {
  return sql<Candidate>`
    select id, leg_id, cover_end from policy
    where cover_end <= ${now}::timestamptz
      and cover_end >= coalesce(${after?.coverEnd ?? null}::timestamptz,
        (select position from job_cursor where job = ${JOB}), '-infinity')
      and (${after?.coverEnd ?? null}::timestamptz is null
        or (cover_end, id) > (${after?.coverEnd ?? null}::timestamptz, ${after?.policyId ?? null}::uuid))
      and state in ('BOUND', 'MONITORING')
    order by cover_end, id
    limit ${limit}`
}

type Counts = Omit<ExpiredPage, 'next'> & { readonly unreserved: number }

function carryOut(policyIds: readonly string[], now: Instant): RawBuilder<Counts> {
  return sql<Counts>`
    with target as materialized (${judged(policyIds, now)}),
    ${expired(now)},
    ${handedOver(now)}
    select
      count(*) filter (where verdict = 'EXPIRE') as expired,
      (select count(*) from released) as unreserved,
      (select coalesce(jsonb_agg(jsonb_build_object('currency', r.currency, 'amountMinor', r.sum::text)
          order by r.currency), '[]')
        from (select currency, sum(amount_minor) from released group by currency) as r) as released,
      count(*) filter (where verdict = 'REVIEW') as "inReview",
      count(*) filter (where verdict = 'HELD') as held,
      count(*) filter (where verdict = 'WAITING') as waiting,
      count(*) filter (where verdict = 'OVERDUE') as overdue,
      array(select distinct leg_id::text from target where verdict = 'OVERDUE' order by 1)
        as "overdueLegIds",
      min(cover_end) filter (where verdict in ('HELD', 'WAITING', 'OVERDUE')) as "oldestOpen"
    from target`
}

/**
 * What is to become of each policy. EXPIRE needs a settled no-pay and nobody who still looks at it:
 * the clock alone never denies. A case about what others of the leg are owed beyond their payment is not
 * about this one: a disputed tier never is, a correction upwards when it corrects another decision.
 */
function judged(policyIds: readonly string[], now: Instant): Fragment {
  return sql`
    select p.id, p.leg_id, p.cover_end, p.currency,
      case
        when p.state not in ('BOUND', 'MONITORING') then 'GONE'
        when p.outcome is null and p.cover_end <= ${addMs(now, -LAST_WAIT_MS)}::timestamptz
          then 'REVIEW'
        when p.outcome is null and p.cover_end <= ${addMs(now, -DECIDE_AFTER_MS)}::timestamptz
          and (l.next_poll_at is null or l.last_polled_at >= p.cover_end) then 'OVERDUE'
        when p.outcome is null then 'WAITING'
        when p.outcome = 'NO_PAY' and p.state = 'MONITORING' and v.outcome = 'NO_PAY'
          and l.settled_at is not null and l.undecided_policies = 0 and e.state = 'RESERVED'
          and not exists (
            select from payout o where o.policy_id = p.id and o.state <> 'CANCELLED')
          and not exists (
            select from review_case r
            where r.state <> 'RESOLVED' and (
              (r.subject_kind = 'policy' and r.subject_id = p.id)
              or (r.subject_kind = 'leg' and r.subject_id = p.leg_id
                and r.reason_code <> 'TIER_DISPUTED' and (r.reason_code <> 'CORRECTION_HIGHER'
                  or exists (select from decision_correction c
                    where c.evaluation_id = p.evaluation_id and c.corrected_bps > c.bps))))
          ) then 'EXPIRE'
        else 'HELD' end as verdict
    from policy p
    join flight_leg l on l.id = p.leg_id
    left join evaluation v on v.id = p.evaluation_id
    left join escrow_reservation e on e.policy_id = p.id
    where p.id = any(${policyIds}::uuid[])`
}

/** Settled no-pays: state, premium, reservation, ledger and pool. */
function expired(now: Instant): Fragment {
  return sql`
    expired as (
      update policy p set state = 'EXPIRED', state_version = p.state_version + 1, updated_at = now()
      from target t
      where p.id = t.id and t.verdict = 'EXPIRE' and p.state = 'MONITORING' and p.outcome = 'NO_PAY'
      returning p.id, p.premium_minor, p.currency
    ),
    ${releaseEscrow(now)}`
}

/**
 * Returns the reservations of the policies in CTE `expired` (id, premium_minor, currency) to the pool and
 * earns their premiums, with the ledger.
 */
export function releaseEscrow(now: Instant): Fragment {
  const pool = sql`${account.poolAvailable()}::text`
  return sql`
    ${earnPremiums(sql`expired`, now)},
    released as (
      update escrow_reservation e
      set state = 'RELEASED', released_minor = e.reserved_minor, updated_at = now()
      from expired x
      where e.policy_id = x.id and e.state = 'RESERVED'
      returning e.policy_id, e.currency, e.reserved_minor as amount_minor
    ),
    entry as (
      select ${ledgerRef.expire('')}::text || policy_id as ref,
        ${account.escrow('')}::text || policy_id as source, ${pool} as destination, amount_minor,
        currency
      from released
    ),
    ${postEntries('expire', now)},
    pool_row as (
      select account, currency from pool_balance
      where account = ${pool} and currency in (select currency from released)
      order by currency for update
    ),
    pool as (
      update pool_balance b set balance_minor = b.balance_minor + r.amount, updated_at = now()
      from pool_row k join (
        select currency, sum(amount_minor) as amount from released group by currency
      ) as r on r.currency = k.currency
      where b.account = k.account and b.currency = k.currency
    )`
}

/** Policies that no fact ever settled: people decide, one case a leg. */
function handedOver(now: Instant): Fragment {
  return sql`
    handed_over as (
      update policy p set state = 'IN_REVIEW', state_version = p.state_version + 1, updated_at = now()
      from target t
      where p.id = t.id and t.verdict = 'REVIEW' and p.state in ('BOUND', 'MONITORING')
        and p.outcome is null
      returning p.leg_id
    ),
    leg_count as (
      select leg_id, count(*)::integer as policies from handed_over group by leg_id
    ),
    leg as (
      update flight_leg l set
        undecided_policies = l.undecided_policies - c.policies,
        next_poll_at = case when l.undecided_policies > c.policies then l.next_poll_at end,
        settled_at = case when l.undecided_policies > c.policies then l.settled_at
          else ${now}::timestamptz end,
        updated_at = now()
      from leg_count c
      where l.id = c.leg_id
    ),
    review as (
      insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
      select groundstop_id(concat_ws('|', 'review', 'leg', leg_id, 'NO_FINAL_DATA', (
          select count(*) from review_case r
          where r.subject_kind = 'leg' and r.subject_id = leg_id
            and r.reason_code = 'NO_FINAL_DATA'))),
        'leg', leg_id, 'NO_FINAL_DATA', jsonb_build_object('openedBy', ${JOB}::text), ${now}::timestamptz
      from leg_count
      on conflict do nothing
    )`
}
