/** Reconciliation in Postgres: the rail's list is unnested into a table and compared in one statement. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import type { Transfer } from '../../domain/ports/payment-provider.ts'
import type {
  Reconciled,
  ReconciliationStore,
  ReconciliationWindow,
} from '../../domain/ports/reconciliation-store.ts'
import {
  LOOK_BACK_MS,
  OVERLAP_MS,
  RECONCILIATION_BREAKS,
  type ReconciliationBreak,
} from '../../domain/reconciliation.ts'
import { addMs, type Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { judgedTransfers, missingAtProvider, stale } from './reconciliation-sql.ts'
import { readControlTotals } from './reconciliation-totals.ts'

type Fragment = RawBuilder<unknown>

/** The reconciliation store over `db`. */
export function createReconciliationStore(db: Database): ReconciliationStore {
  return {
    findStart: (provider, now) => findStart(db, provider, now),
    saveTransfers: (runId, transfers) => saveTransfers(db, runId, transfers),
    countListed: (runId) => countListed(db, runId),
    compare: (window, casesLimit) => compare(db, window, casesLimit),
    finish: (window) => finish(db, window),
  }
}

const cursorOf = (provider: string): string => `reconciliation:${provider}`

async function findStart(db: Database, provider: string, now: Instant): Promise<Instant> {
  // Wall time: runs end within hours.
  await sql`delete from listed_transfer where created_at < now() - interval '2 days'`.execute(db)
  const { rows } = await sql<{ since: Instant }>`
    select coalesce(
      greatest(
        c.position - ${LOOK_BACK_MS} * interval '1 millisecond',
        -- An attempt that was open at the last comparison, or was answered since, is compared again.
        least(c.position - ${OVERLAP_MS} * interval '1 millisecond', (
          select min(started_at) from payout_attempt
          where provider = ${provider} and (outcome = 'OPEN' or finished_at > c.position)))),
      (select min(started_at) from payout_attempt where provider = ${provider}),
      ${addMs(now, -OVERLAP_MS)}::timestamptz) as since
    from (select 1) as one
    left join job_cursor c on c.job = ${cursorOf(provider)}`.execute(db)
  const since = rows[0]?.since
  if (since === undefined) throw new Error('the start of the reconciliation was not found')
  return since
}

async function saveTransfers(
  db: Database,
  runId: string,
  transfers: readonly Transfer[],
): Promise<void> {
  await sql`
    insert into listed_transfer
      (run_id, transfer_id, amount_minor, currency, transfer_group, transferred_at, is_returned)
    select ${runId}::uuid, * from unnest(
      ${transfers.map((transfer) => transfer.id)}::text[],
      ${transfers.map((transfer) => transfer.amount.minor)}::bigint[],
      ${transfers.map((transfer) => transfer.amount.currency)}::text[],
      ${transfers.map((transfer) => transfer.group)}::text[],
      ${transfers.map((transfer) => transfer.createdAt)}::timestamptz[],
      ${transfers.map((transfer) => transfer.status === 'returned')}::boolean[])
    on conflict do nothing`.execute(db)
}

async function countListed(db: Database, runId: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from listed_transfer where run_id = ${runId}::uuid`.execute(db)
  return rows[0]?.n ?? 0
}

type FoundRow = {
  class: ReconciliationBreak | 'MATCHED' | 'RETURN_KNOWN' | 'IN_FLIGHT'
  n: number
  opened: number
}

async function compare(
  db: Database,
  window: ReconciliationWindow,
  casesLimit: number,
): Promise<Reconciled> {
  const { rows } = await sql<FoundRow>`
    with ours as materialized (${judgedTransfers(window)}),
    found as materialized (
      select class, transfer_id, payout_id, n, listed from ours
      union all ${missingAtProvider(window)}
      union all ${stale(window)}
    ),
    ${reviews(window, casesLimit)}
    select f.class, count(*) as n,
      (select count(*) from opened o where o.reason_code = 'RECON_' || f.class) as opened
    from found f group by f.class`.execute(db)
  const countOf = (name: FoundRow['class']): number =>
    rows.find((row) => row.class === name)?.n ?? 0
  const counts = RECONCILIATION_BREAKS.map((name) => [name, countOf(name)] as const)
  return {
    listed: await countListed(db, window.runId),
    matched: countOf('MATCHED'),
    returned: countOf('RETURN_KNOWN'),
    inFlight: countOf('IN_FLIGHT'),
    // Every class is named once in RECONCILIATION_BREAKS.
    breaks: Object.fromEntries(counts) as Record<ReconciliationBreak, number>,
    casesOpened: rows.reduce((sum, row) => sum + row.opened, 0),
    totals: await readControlTotals(db, window),
  }
}

/** A case for each break that never had one: its id is made of what is wrong, and is taken once. */
function reviews({ provider, asOf }: ReconciliationWindow, limit: number): Fragment {
  return sql`
    broken as (
      select 'RECON_' || f.class as reason, s.kind, s.subject,
        groundstop_id(concat_ws('|', 'review', 'RECON_' || f.class, s.subject, f.n)) as id,
        array_position(${RECONCILIATION_BREAKS}::text[], f.class) as gravity,
        jsonb_strip_nulls(jsonb_build_object('provider', ${provider}::text, 'transferId',
          f.transfer_id, 'payoutId', f.payout_id, 'attempt', f.n, 'listed', f.listed,
          'ledger', case when p.id is not null then jsonb_build_object('amountMinor', p.amount_minor,
            'currency', p.currency, 'state', p.state) end)) as details
      from found f
      left join payout p on p.id = f.payout_id
      cross join lateral (
        select x.kind, case x.kind when 'payout' then f.payout_id
          else groundstop_id(concat_ws('|', 'transfer', ${provider}::text, f.transfer_id)) end as subject
        from (select case when f.class in ('MISSING_IN_LEDGER', 'DUPLICATE') then 'transfer'
          else 'payout' end as kind) as x
      ) as s
      where f.class not in ('MATCHED', 'RETURN_KNOWN', 'IN_FLIGHT')
    ),
    opened as (
      insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
      select b.id, b.kind, b.subject, b.reason, b.details, ${asOf}::timestamptz
      from broken b
      where not exists (select from review_case r where r.id = b.id)
      order by b.gravity, b.id
      limit ${limit}
      on conflict do nothing
      returning reason_code
    )`
}

async function finish(
  db: Database,
  { runId, provider, asOf }: ReconciliationWindow,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`
      insert into job_cursor (job, position) values (${cursorOf(provider)}, ${asOf}::timestamptz)
      on conflict (job) do update
        set position = greatest(job_cursor.position, excluded.position), updated_at = now()`.execute(
      trx,
    )
    await sql`delete from listed_transfer where run_id = ${runId}::uuid`.execute(trx)
  })
}
