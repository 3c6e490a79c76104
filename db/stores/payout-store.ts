/**
 * Payouts and their batches in Postgres: batching, approval, cancelling, where they stand. What is
 * said to and heard from the rail is in payout-attempt-store.ts.
 */
import { sql } from 'kysely'

import type {
  PayoutSelection,
  PayoutStanding,
  PayoutStore,
} from '../../domain/ports/payout-store.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { createPayoutAttempts } from './payout-attempt-store.ts'
import {
  accountSql,
  isAboveLimit,
  isPaused,
  isSelected,
  postEntries,
  reviewFaulty,
} from './payout-sql.ts'

/** The payout store over `db`. Every method is one statement, so nothing is ever half-written. */
export function createPayoutStore(db: Database): PayoutStore {
  return {
    ...createPayoutAttempts(db),
    batchCreated: (limits) => batchCreated(db, limits),
    listUnstartedBatches: (limit) => listUnstartedBatches(db, limit),
    markBatchesStarted: (batchIds) => markBatchesStarted(db, batchIds),
    approve: (selection, approval) => approve(db, selection, approval),
    readStanding: (selection) => readStanding(db, selection),
    cancel: (selection, cancellation) => cancel(db, selection, cancellation),
  }
}

async function batchCreated(
  db: Database,
  limits: { readonly batchSize: number; readonly maxBatches: number },
): Promise<number> {
  const { batchSize, maxBatches } = limits
  // A batch is named after its least payout: a payout is batched once, so the name is unique.
  const { rows } = await sql<{ taken: number }>`
    with picked as materialized (
      select p.id, p.created_at
      from payout p
      where p.batch_id is null and p.state = 'CREATED'
      order by p.created_at, p.id
      limit ${batchSize * maxBatches}
      for update skip locked
    ), numbered as materialized (
      select id, (row_number() over (order by created_at, id) - 1) / ${batchSize}::bigint as k
      from picked
    ), named as materialized (
      select id, min(id::text) over (partition by k) as first_id from numbered
    ), made as (
      insert into payout_batch (id, size)
      select groundstop_id('batch|' || n.first_id), count(*) from named n group by n.first_id
    ), moved as (
      update payout p
      set batch_id = groundstop_id('batch|' || n.first_id), updated_at = now()
      from named n
      where p.id = n.id
    )
    select count(*) as taken from picked`.execute(db)
  return rows[0]?.taken ?? 0
}

async function listUnstartedBatches(db: Database, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select b.id from payout_batch b
    where b.started_at is null
    order by b.created_at, b.id
    limit ${limit}`.execute(db)
  return rows.map((row) => row.id)
}

async function markBatchesStarted(db: Database, batchIds: readonly string[]): Promise<number> {
  const result = await sql`
    update payout_batch b set started_at = now()
    where b.id = any(${batchIds}::uuid[]) and b.started_at is null`.execute(db)
  return Number(result.numAffectedRows ?? 0n)
}

async function approve(
  db: Database,
  selection: PayoutSelection,
  approval: { readonly by: string; readonly isByPerson: boolean; readonly at: Instant },
): Promise<{ approved: number; heldPayoutIds: string[] }> {
  const { by, isByPerson, at } = approval
  const approvable = isByPerson ? ['CREATED', 'FAILED'] : ['CREATED']
  // APPROVED ones are chosen only to tell those that the kill switch keeps from being sent.
  const { rows } = await sql<{ id: string; is_held: boolean; is_new: boolean }>`
    with chosen as materialized (
      select p.id, p.policy_id, p.amount_minor, p.currency, p.state
      from payout p
      where ${isSelected(selection)} and p.state = any(${approvable}::text[] || 'APPROVED'::text)
      order by p.id
      for update of p
    ), ruled as materialized (
      select p.id, p.policy_id, p.state, p.state <> 'APPROVED' as is_new,
        ${isPaused(sql`p.policy_id`)} or (
          p.state <> 'APPROVED' and not ${isByPerson}::boolean and ${isAboveLimit()}) as is_held
      from chosen p
    ), approved as (
      update payout p
      set state = 'APPROVED', approved_by = ${by}, updated_at = now()
      from ruled r
      where p.id = r.id and r.is_new and not r.is_held
    ), resumed as (
      update policy o
      set state = 'TRIGGERED', state_version = o.state_version + 1, updated_at = now()
      from ruled r
      where r.state = 'FAILED' and o.id = r.policy_id and not r.is_held and o.state = 'IN_REVIEW'
    ), resolved as (
      update review_case c
      set state = 'RESOLVED', resolved_at = ${at}::timestamptz, updated_at = now()
      from ruled r
      where ${isByPerson}::boolean and c.subject_kind = 'payout' and c.subject_id = r.id
        and r.is_new and not r.is_held and c.state <> 'RESOLVED'
    )
    select r.id, r.is_held, r.is_new from ruled r order by r.id`.execute(db)
  const heldPayoutIds = rows.filter((row) => row.is_held).map((row) => row.id)
  return { approved: rows.filter((row) => row.is_new && !row.is_held).length, heldPayoutIds }
}

async function readStanding(db: Database, selection: PayoutSelection): Promise<PayoutStanding> {
  const { rows } = await sql<{ settled: number; rejected: string[]; unknown: string[] }>`
    select
      count(*) filter (where s.standing = 'settled') as settled,
      coalesce(array_agg(s.id order by s.id) filter (where s.standing = 'rejected'), '{}')::text[]
        as rejected,
      coalesce(array_agg(s.id order by s.id) filter (where s.standing = 'unknown'), '{}')::text[]
        as unknown
    from (
      select p.id, case
        when p.state = 'PAID' then 'settled'
        when p.state = 'FAILED' then 'rejected'
        when p.state = 'APPROVED' then 'unknown'
        when p.state <> 'SUBMITTED' then 'elsewhere'
        when exists (
          select from payout_attempt a where a.payout_id = p.id and a.outcome = 'OPEN'
        ) then 'unknown'
        else 'rejected' end as standing
      from payout p
      where ${isSelected(selection)}
    ) s`.execute(db)
  const standing = rows[0]
  return {
    settled: standing?.settled ?? 0,
    rejectedPayoutIds: standing?.rejected ?? [],
    unknownPayoutIds: standing?.unknown ?? [],
  }
}

async function cancel(
  db: Database,
  selection: PayoutSelection,
  cancellation: { readonly by: string; readonly reason: string; readonly at: Instant },
): Promise<{ cancelled: number; refusedPayoutIds: string[] }> {
  const { by, reason, at } = cancellation
  const details = JSON.stringify({ by, reason })
  const { rows } = await sql<{ cancelled: number }>`
    with chosen as materialized (
      select p.id, p.policy_id, p.amount_minor, p.currency
      from payout p
      where ${isSelected(selection)} and p.state in ('CREATED', 'APPROVED', 'FAILED')
      order by p.id
      for update of p
    ), cancelled as (
      update payout p set state = 'CANCELLED', updated_at = now()
      from chosen c
      where p.id = c.id
    ), entry as (
      select 'can:' || c.id as ref, ${accountSql.payable(sql`c.policy_id`)} as source,
        ${accountSql.cancelled} as destination, c.amount_minor, c.currency
      from chosen c
    ), ${postEntries('cancel', at)}, faulty as (
      select c.id as payout_id, ${details}::jsonb as details from chosen c
    ), ${reviewFaulty('PAYOUT_CANCELLED', at)}
    select count(*) as cancelled from chosen`.execute(db)
  const refused = await sql<{ id: string }>`
    select p.id from payout p
    where ${isSelected(selection)} and p.state in ('SUBMITTED', 'IN_TRANSIT', 'PAID', 'RETURNED')
    order by p.id`.execute(db)
  return {
    cancelled: rows[0]?.cancelled ?? 0,
    refusedPayoutIds: refused.rows.map((row) => row.id),
  }
}
