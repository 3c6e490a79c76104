/** Reads payouts for people. */
import { sql } from 'kysely'

import { ledgerRef } from '../../domain/ledger.ts'
import type { Page, PageRequest } from '../../domain/ports/page.ts'
import type {
  ListedPayout,
  PayoutDetails,
  PayoutFilter,
  PayoutReads,
} from '../../domain/ports/payout-reads.ts'
import type { Database } from '../client.ts'
import { keyPart, microsOf, pageOf, readKey, timeOfMicros } from '../keyset.ts'
import { inSnapshot } from '../snapshot.ts'

/** Attempts and postings shown; a payout with more is a fault of ours. */
const ATTEMPTS_LIMIT = 100
const POSTINGS_LIMIT = 500

/** The reader over this database. */
export function createPayoutReads(db: Database): PayoutReads {
  return {
    list: (filter, page) => listPayouts(db, filter, page),
    find: (payoutId) => findPayout(db, payoutId),
  }
}

const LISTED = sql`o.id as "payoutId", p.policy_number as "policyNumber", o.revision, o.state,
  o.amount_minor as "amountMinor", o.currency, o.transfer_id as "transferId",
  o.created_at as "createdAt", o.paid_at as "paidAt"`

async function listPayouts(
  db: Database,
  filter: PayoutFilter,
  page: PageRequest,
): Promise<Page<ListedPayout>> {
  const scope = ['payouts', filter]
  const key = readKey(page, scope, [keyPart.micros, keyPart.uuid])
  const { rows } = await sql<ListedPayout & { micros: string }>`
    select ${LISTED}, ${microsOf(sql`o.created_at`)} as micros
    from payout o join policy p on p.id = o.policy_id
    where ${conditions(filter, key)}
    order by o.created_at desc, o.id desc
    limit ${page.limit + 1}`.execute(db)
  return pageOf(rows, page, scope, {
    item: ({ micros: _micros, ...row }) => row,
    key: ({ micros, payoutId }) => [micros, payoutId],
  })
}

function conditions(filter: PayoutFilter, key: readonly string[] | null) {
  const { state, policyNumber, batchId } = filter
  const all = [sql`true`]
  if (key !== null) {
    all.push(sql`(o.created_at, o.id) < (${timeOfMicros(key[0] ?? null)}, ${key[1]}::uuid)`)
  }
  if (state !== undefined) all.push(sql`o.state = ${state}`)
  if (policyNumber !== undefined) all.push(sql`p.policy_number = ${policyNumber}`)
  if (batchId !== undefined) all.push(sql`o.batch_id = ${batchId}::uuid`)
  return sql.join(all, sql` and `)
}

type Row = ListedPayout &
  Pick<PayoutDetails, 'evaluationId' | 'approvedBy' | 'policy' | 'attempts'> & {
    readonly batchId: string | null
    readonly batchSize: number | null
    readonly startedAt: PayoutDetails['paidAt']
  }

async function findPayout(db: Database, payoutId: string): Promise<PayoutDetails | null> {
  return inSnapshot(db, async (trx) => {
    const { rows } = await sql<Row>`
        select ${LISTED}, o.evaluation_id as "evaluationId", o.approved_by as "approvedBy",
          jsonb_build_object('policyNumber', p.policy_number, 'state', p.state, 'product',
            jsonb_build_object('code', v.code, 'version', v.version), 'legKey', l.leg_key) as policy,
          b.id as "batchId", b.size as "batchSize", b.started_at as "startedAt"
        from payout o
        join policy p on p.id = o.policy_id
        join product_version v on v.id = p.product_version_id
        join flight_leg l on l.id = p.leg_id
        left join payout_batch b on b.id = o.batch_id
        where o.id = ${payoutId}::uuid
        limit 1`.execute(trx)
    const [row] = rows
    if (row === undefined) return null
    const { batchId, batchSize, startedAt, ...payout } = row
    const attempts = await readAttempts(trx, payoutId)
    const batch =
      batchId === null || batchSize === null ? null : { batchId, size: batchSize, startedAt }
    return { ...payout, batch, attempts, postings: await readPostings(trx, payoutId, attempts) }
  })
}

async function readAttempts(db: Database, payoutId: string): Promise<PayoutDetails['attempts']> {
  const { rows } = await sql<PayoutDetails['attempts'][number]>`
    select n, outcome, code, provider, provider_ref as "providerRef",
      idempotency_key as "idempotencyKey", sends, started_at as "startedAt",
      finished_at as "finishedAt"
    from payout_attempt where payout_id = ${payoutId}::uuid
    order by n limit ${ATTEMPTS_LIMIT}`.execute(db)
  return rows
}

/** By the references that the payout's events have: no scan of the ledger. */
async function readPostings(
  db: Database,
  payoutId: string,
  attempts: PayoutDetails['attempts'],
): Promise<PayoutDetails['postings']> {
  const refs = [ledgerRef.trigger(payoutId), ledgerRef.cancel(payoutId)]
  for (const { n } of attempts) {
    refs.push(ledgerRef.submit(payoutId, n), ledgerRef.paid(payoutId, n))
    refs.push(ledgerRef.fail(payoutId, n), ledgerRef.return(payoutId, n))
  }
  const { rows } = await sql<PayoutDetails['postings'][number]>`
    select t.ref, t.kind, t.effective_at as "effectiveAt", g.source, g.destination,
      g.amount_minor as "amountMinor", g.currency
    from ledger_transaction t join ledger_posting g on g.transaction_id = t.id
    where t.ref = any(${refs}::text[])
    order by g.id limit ${POSTINGS_LIMIT}`.execute(db)
  return rows
}
