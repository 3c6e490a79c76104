/** Decided legs that wait for another look, and corrections, in Postgres. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import { account } from '../../domain/ledger.ts'
import type {
  CorrectionStore,
  DecidedGroup,
  DueCorrection,
  NewCorrection,
  NextLook,
} from '../../domain/ports/correction-store.ts'
import type { Product } from '../../domain/product.ts'
import { parseInstant } from '../../domain/time.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import { shareSql } from './decision-page.ts'

/** People look at the difference; nothing is paid or taken back by itself. */
const CORRECTION_HIGHER = 'CORRECTION_HIGHER'

/** The correction store over a database. */
export function createCorrectionStore(db: Database): CorrectionStore {
  return {
    due: (now, limit) => due(db, now, limit),
    planLooks: (looks) => planLooks(db, looks),
    save: (corrections, now) => save(db, corrections, now),
  }
}

type GroupRow = Omit<DecidedGroup, 'product' | 'insuredScheduledIn'> & {
  readonly insuredScheduledIn: string
}

async function due(db: Database, now: Instant, limit: number): Promise<DueCorrection[]> {
  const { rows } = await sql<{ id: string; groups: readonly GroupRow[] }>`
    select l.id, coalesce((
        select json_agg(g) from (
          select p.product_version_id as "productVersionId",
            p.insured_scheduled_in as "insuredScheduledIn", p.evaluation_id as "evaluationId", p.bps,
            count(*)::integer as policies
          from policy p join evaluation e on e.id = p.evaluation_id
          where p.leg_id = l.id and p.outcome = e.outcome and p.bps = e.bps
            and e.disputed_bps is null and 'MANUAL' <> all(e.reasons)
          group by 1, 2, 3, 4 order by 1, 2, 3) as g
      ), '[]') as groups
    from flight_leg l
    where l.correction_look_at <= ${now}::timestamptz
    order by l.correction_look_at, l.id
    limit ${limit}`.execute(db)
  const versions = new Set(rows.flatMap(({ groups }) => groups.map((g) => g.productVersionId)))
  const found = await sql<{ id: string; rules: Product }>`
    select id, rules from product_version where id = any(${[...versions]}::uuid[])`.execute(db)
  const products = new Map(found.rows.map(({ id, rules }) => [id, rules]))
  return rows.map(({ id, groups }) => ({
    legId: id,
    groups: groups.map((group) => {
      const product = products.get(group.productVersionId)
      if (product === undefined) throw new Error(`product ${group.productVersionId} vanished`)
      return { ...group, product, insuredScheduledIn: parseInstant(group.insuredScheduledIn) }
    }),
  }))
}

async function planLooks(db: Database, looks: readonly NextLook[]): Promise<void> {
  await sql`
    update flight_leg l set correction_look_at = r.look_at, updated_at = now()
    from unnest(
      ${looks.map(({ legId }) => legId)}::uuid[], ${looks.map(({ at }) => at)}::timestamptz[]
    ) as r (id, look_at)
    where l.id = r.id`.execute(db)
}

async function save(
  db: Database,
  corrections: readonly NewCorrection[],
  now: Instant,
): Promise<readonly NewCorrection[]> {
  if (corrections.length === 0) return []
  return await retriedTransaction(db, async (trx) => {
    const inserted = await sql<{ evaluation_id: string; corrected_evaluation_id: string }>`
      with given as (
        select * from unnest(
          ${corrections.map(({ legId }) => legId)}::uuid[],
          ${corrections.map(({ evaluationId }) => evaluationId)}::uuid[],
          ${corrections.map(({ correctedEvaluationId }) => correctedEvaluationId)}::uuid[],
          ${corrections.map(({ bps }) => bps)}::integer[],
          ${corrections.map(({ correctedBps }) => correctedBps)}::integer[],
          ${corrections.map(({ policies }) => policies)}::integer[]
        ) as u (leg_id, evaluation_id, corrected_evaluation_id, bps, corrected_bps, policies)
      ),
      kept as (
        insert into decision_correction (id, leg_id, evaluation_id, corrected_evaluation_id, bps,
          corrected_bps, policies, found_at)
        select groundstop_id(concat_ws('|', 'correction', evaluation_id, corrected_evaluation_id)),
          leg_id, evaluation_id, corrected_evaluation_id, bps, corrected_bps, policies,
          ${now}::timestamptz
        from given order by evaluation_id
        on conflict do nothing
        returning *
      ),
      higher as (
        select distinct on (leg_id) * from kept
        where corrected_bps > bps order by leg_id, corrected_bps - bps desc, evaluation_id
      ),
      review as (
        insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
        select groundstop_id(concat_ws('|', 'review', 'leg', leg_id, ${CORRECTION_HIGHER}::text, (
            select count(*) from review_case r where r.subject_kind = 'leg'
              and r.subject_id = h.leg_id and r.reason_code = ${CORRECTION_HIGHER}))),
          'leg', leg_id, ${CORRECTION_HIGHER}::text,
          jsonb_build_object('decidedEvaluationId', evaluation_id,
            'correctedEvaluationId', corrected_evaluation_id, 'decidedBps', bps,
            'correctedBps', corrected_bps),
          ${now}::timestamptz
        from higher h
        on conflict do nothing
      ),
      ${bookLeakage(now)}
      select evaluation_id, corrected_evaluation_id from kept`.execute(trx)
    const isNew = new Set(
      inserted.rows.map((row) => `${row.evaluation_id}|${row.corrected_evaluation_id}`),
    )
    return corrections.filter((one) =>
      isNew.has(`${one.evaluationId}|${one.correctedEvaluationId}`),
    )
  })
}

/** CTEs that post what the corrections of CTE `kept` show to have been paid too much, by policy. */
function bookLeakage(now: Instant): RawBuilder<unknown> {
  const sum = sql`p.sum_insured_minor`
  return sql`leaked as (
      -- Below what an earlier correction of the decision left; that much is booked already.
      select 'corr:' || p.id || ':' || k.corrected_evaluation_id as ref, p.currency,
        ${shareSql(sum, sql`least(k.bps, coalesce(x.bps, k.bps))`)}
          - ${shareSql(sum, sql`k.corrected_bps`)} as minor
      from kept k
      join policy p on p.evaluation_id = k.evaluation_id and p.outcome = 'PAY'
      left join lateral (
        select min(c.corrected_bps) as bps from decision_correction c
        where c.evaluation_id = k.evaluation_id
      ) as x on true
      where k.corrected_bps < k.bps
    ),
    entry as (
      insert into ledger_transaction (id, ref, kind, effective_at)
      select groundstop_id('ledger|' || ref), ref, 'correct', ${now}::timestamptz
      from leaked where minor > 0
    ),
    posting as (
      insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
      select groundstop_id('ledger|' || ref), ${account.claims}, ${account.leakage}, minor, currency
      from leaked where minor > 0
    )`
}
