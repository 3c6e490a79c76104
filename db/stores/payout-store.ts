/**
 * Payouts and their batches in Postgres: batching and cancelling. Approval is in
 * payout-approval-store.ts, what is said to and heard from the rail in payout-attempt-store.ts.
 */
import { sql } from 'kysely'

import type {
  PayoutCancellation,
  PayoutSelection,
  PayoutStore,
} from '../../domain/ports/payout-store.ts'
import type { Database } from '../client.ts'
import { approve } from './payout-approval-store.ts'
import { createPayoutAttempts } from './payout-attempt-store.ts'
import { accountSql, isSelected, postEntries, reviewFaulty } from './payout-sql.ts'
import { createPayoutResolutions } from './payout-resolution-store.ts'
import { readStanding } from './payout-standing.ts'

/** The payout store over `db`. Every method is one transaction, so nothing is ever half-written. */
export function createPayoutStore(db: Database): PayoutStore {
  return {
    ...createPayoutAttempts(db),
    ...createPayoutResolutions(db),
    batchCreated: (limits) => batchCreated(db, limits),
    listUnstartedBatches: (limit) => listUnstartedBatches(db, limit),
    markBatchesStarted: (batchIds) => markBatchesStarted(db, batchIds),
    approve: (selection, approval) => approve(db, selection, approval),
    readStanding: (selection, provider) => readStanding(db, selection, provider),
    cancel: (selection, cancellation) => cancel(db, selection, cancellation),
  }
}

async function batchCreated(
  db: Database,
  limits: { readonly batchSize: number; readonly maxBatches: number },
): Promise<number> {
  const { batchSize, maxBatches } = limits
  // A batch is named after its least payout and the attempts that it had: a payout is batched once at
  // first, and again only after a further attempt came back, so the name is unique.
  const { rows } = await sql<{ taken: number }>`
    with picked as materialized (
      select p.id, p.created_at, concat_ws('|', p.id, case when p.state <> 'CREATED' then (
        select nullif(count(*), 0) from payout_attempt a where a.payout_id = p.id) end) as name
      from payout p
      where p.batch_id is null and p.state in ('CREATED', 'APPROVED')
      order by p.created_at, p.id
      limit ${batchSize * maxBatches}
      for update of p skip locked
    ), numbered as materialized (
      select id, name, (row_number() over (order by created_at, id) - 1) / ${batchSize}::bigint as k
      from picked
    ), named as materialized (
      select id, min(name) over (partition by k) as batch from numbered
    ), made as (
      insert into payout_batch (id, size)
      select groundstop_id('batch|' || n.batch), count(*) from named n group by n.batch
    ), moved as (
      update payout p
      set batch_id = groundstop_id('batch|' || n.batch), updated_at = now()
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

async function cancel(
  db: Database,
  selection: PayoutSelection,
  cancellation: PayoutCancellation,
): Promise<{ cancelled: number; refusedPayoutIds: string[] }> {
  const { by, reason, at, from = null } = cancellation
  const details = JSON.stringify({ by, reason })
  const { rows } = await sql<{ cancelled: number }>`
    with chosen as materialized (
      select p.id, p.policy_id, p.state, p.amount_minor, p.currency
      from payout p
      where ${isSelected(selection)} and p.state in ('CREATED', 'APPROVED', 'FAILED', 'RETURNED')
        and (${from}::text is null or p.state = ${from})
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
    ), audited as (
      insert into audit_event (at, actor, action, subject, details)
      select ${at}::timestamptz, ${by}, 'payout.cancel', 'payout:' || c.id, jsonb_build_object(
        'reason', ${reason}::text, 'before', c.state, 'after', 'CANCELLED')
      from chosen c order by c.id
    ), ${reviewFaulty('PAYOUT_CANCELLED', at)}
    select count(*) as cancelled from chosen`.execute(db)
  const refused = await sql<{ id: string }>`
    select p.id from payout p
    where ${isSelected(selection)} and p.state <> 'CANCELLED'
    order by p.id`.execute(db)
  return {
    cancelled: rows[0]?.cancelled ?? 0,
    refusedPayoutIds: refused.rows.map((row) => row.id),
  }
}
