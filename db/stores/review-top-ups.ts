/**
 * Pays decided policies of a case what they are owed beyond what they got, all of them or none. Callers
 * hold the locks of the leg and the case.
 */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import type { ReviewNote } from '../../domain/review-judgement.ts'
import type { DB } from '../types.generated.ts'
import { shareSql } from './decision-page.ts'
import { carryOutOnReviewed } from './review-carry-out.ts'
import { isDifferenceOf, payoutsSoFar } from './review-differences.ts'
import type { CaseRow } from './review-snapshot.ts'
import { reopenPolicies, takeFromPool, writeTopUps } from './top-up-store.ts'

/** The pool does not hold what would be paid: nothing is. Never retried by itself. */
export class PoolShortError extends Error {
  override readonly name = 'PoolShortError'
  readonly code = 'POOL_SHORT'
}

/** Policies per statement; all pages of a case are one transaction. */
const POLICIES_PER_PAGE = 2_000

/**
 * Pays every policy of the case whose evaluation gives more than it got; how many there are. Who was
 * denied is paid from the reservation while that stands, everybody else from the pool. Throws
 * PoolShortError, which undoes all.
 */
export async function payDifferences(
  trx: Transaction<DB>,
  row: CaseRow,
  evaluationIds: readonly string[],
  note: ReviewNote,
): Promise<number> {
  if (evaluationIds.length === 0) return 0
  // All at once: the pool is locked after policies, everywhere. What others wrote before is seen below.
  await sql`select p.id from policy p where ${isDifferenceOf(row)} order by p.id for update of p`.execute(
    trx,
  )
  const fromReservation = await payReserved(trx, row, evaluationIds, note)
  let fromPool = 0
  let after: string | null = null
  do {
    const page: OwedRow[] = await readOwed(trx, row, evaluationIds, after)
    await payPage(trx, row, page, note)
    fromPool += page.length
    after = page.length === POLICIES_PER_PAGE ? (page.at(-1)?.policy_id ?? null) : null
  } while (after !== null)
  return fromReservation + fromPool
}

/** Denied policies that have not expired are decided anew, as a case of undecided ones would be. */
async function payReserved(
  trx: Transaction<DB>,
  row: CaseRow,
  evaluationIds: readonly string[],
  { at }: ReviewNote,
): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    update policy p set state = 'IN_REVIEW', outcome = null, bps = null, amount_minor = null,
      decided_at = null, state_version = p.state_version + 1, updated_at = now()
    from evaluation e
    where e.id = any(${evaluationIds}::uuid[]) and e.leg_id = p.leg_id
      and e.product_version_id = p.product_version_id
      and e.insured_scheduled_in = p.insured_scheduled_in
      and p.outcome = 'NO_PAY' and p.state = 'MONITORING' and ${isDifferenceOf(row)}
      and ${shareSql(sql`p.sum_insured_minor`, sql`e.bps`)} > 0
    returning p.id`.execute(trx)
  const ids = rows.map(({ id }) => id)
  const isMeant = sql`p.id = any(${ids}::uuid[])`
  const { paid } = await carryOutOnReviewed(trx, evaluationIds, isMeant, at)
  if (paid !== ids.length) throw new Error(`${ids.length} policies reopened, ${paid} paid`)
  return paid
}

type OwedRow = {
  readonly policy_id: string
  readonly evaluation_id: string
  readonly revision: number
  readonly minor: number
  readonly currency: string
}

async function readOwed(
  trx: Transaction<DB>,
  row: CaseRow,
  evaluationIds: readonly string[],
  after: string | null,
): Promise<OwedRow[]> {
  const share = shareSql(sql`p.sum_insured_minor`, sql`e.bps`)
  const { rows } = await sql<OwedRow>`
    select p.id as policy_id, e.id as evaluation_id, s.revision, ${share} - s.got_minor as minor,
      p.currency
    from evaluation e
    join policy p on p.leg_id = e.leg_id and p.product_version_id = e.product_version_id
      and p.insured_scheduled_in = e.insured_scheduled_in
    cross join ${payoutsSoFar} as s
    where e.id = any(${evaluationIds}::uuid[]) and ${isDifferenceOf(row)}
      and ${share} > s.got_minor
      and (${after}::uuid is null or p.id > ${after}::uuid)
    order by p.id limit ${POLICIES_PER_PAGE}`.execute(trx)
  return rows
}

async function payPage(
  trx: Transaction<DB>,
  { id: caseId }: CaseRow,
  page: readonly OwedRow[],
  { by, reason, at }: ReviewNote,
): Promise<void> {
  if (page.length === 0) return
  const byCurrency = [...Map.groupBy(page, ({ currency }) => currency)]
  for (const [currency, rows] of byCurrency.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const minor = rows.reduce((sum, one) => sum + BigInt(one.minor), 0n)
    if (await takeFromPool(trx, { minor, currency })) continue
    throw new PoolShortError(`the pool does not hold ${minor} minor units of ${currency}`)
  }
  const payouts = page.map((one) => ({
    policyId: one.policy_id,
    revision: one.revision,
    evaluationId: one.evaluation_id,
    minor: one.minor,
  }))
  await writeTopUps(trx, payouts, { decisionRef: `review:${caseId}`, by, reason, at })
  await reopenPolicies(
    trx,
    page.map((one) => one.policy_id),
  )
  await decideDenied(trx, page, at)
}

/** Who was denied and gets a first payout has another outcome now; an outcome to pay stays what it was. */
async function decideDenied(
  trx: Transaction<DB>,
  page: readonly OwedRow[],
  at: ReviewNote['at'],
): Promise<void> {
  const first = page.filter(({ revision }) => revision === 0)
  await sql`
    update policy p set outcome = 'PAY', bps = e.bps, amount_minor = o.amount_minor,
      decided_at = ${at}::timestamptz, evaluation_id = e.id
    from payout o join evaluation e on e.id = o.evaluation_id
    where p.id = any(${first.map((one) => one.policy_id)}::uuid[]) and p.outcome = 'NO_PAY'
      and o.policy_id = p.id and o.revision = 0`.execute(trx)
}
