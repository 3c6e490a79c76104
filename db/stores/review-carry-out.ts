/**
 * Carrying decisions out on policies in review: paid as the automatic path pays, or denied and expired
 * with their escrow released. Callers hold the leg's lock.
 */
import { sql } from 'kysely'
import type { RawBuilder, Transaction } from 'kysely'

import type { ManualEvaluation, ReviewNote } from '../../domain/review-judgement.ts'
import type { Instant } from '../../domain/time.ts'
import type { DB } from '../types.generated.ts'
import { payoutsOf, shareSql } from './decision-page.ts'
import { releaseEscrow } from './expiry-store.ts'
import type { CaseRow } from './review-snapshot.ts'

/** Policies per statement; all pages of a case are one transaction. */
const POLICIES_PER_PAGE = 2_000

/** How many policies were moved. */
export type CarriedOut = { readonly paid: number; readonly denied: number }

/** Stores a person's evaluations of a case; their ids. The same case, product and arrival is one. */
export async function saveManualEvaluations(
  trx: Transaction<DB>,
  row: CaseRow,
  evaluations: readonly ManualEvaluation[],
  { by, reason, at }: ReviewNote,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    insert into evaluation (id, leg_id, product_version_id, insured_scheduled_in, tzdata_version,
      facts, observation_ids, outcome, delay_min, bps, reasons, evaluated_at, rule, decided_by,
      decision_reason, case_id)
    select groundstop_id(concat_ws('|', 'evaluation', 'manual', ${row.id}::text, u.version,
        extract(epoch from u.arrival)::bigint)),
      l.id, u.version, u.arrival, ${process.versions['tz'] ?? 'unknown'}, l.facts,
      array(select o.id from flight_observation o where o.leg_id = l.id order by o.id desc limit 50),
      u.outcome, u.delay_min, u.bps, array(select jsonb_array_elements_text(u.reasons)),
      ${at}::timestamptz, 'manual', ${by}, ${reason}, ${row.id}::uuid
    from unnest(
      ${evaluations.map((one) => one.productVersionId)}::uuid[],
      ${evaluations.map((one) => one.insuredScheduledIn)}::timestamptz[],
      ${evaluations.map((one) => one.outcome)}::text[],
      ${evaluations.map((one) => one.bps)}::integer[],
      ${evaluations.map((one) => one.delayMin)}::integer[],
      ${evaluations.map((one) => JSON.stringify(one.reasons))}::jsonb[]
    ) as u (version, arrival, outcome, bps, delay_min, reasons)
    join flight_leg l on l.id = ${row.leg_id}::uuid
    returning id`.execute(trx)
  return rows.map(({ id }) => id)
}

/**
 * Carries evaluations out on those undecided policies in review that `isMeant` (a condition on
 * `policy p`) chooses. Pays and denials are separate statements: each moves the pool once.
 */
export async function carryOutOnReviewed(
  trx: Transaction<DB>,
  evaluationIds: readonly string[],
  isMeant: RawBuilder<unknown>,
  now: Instant,
): Promise<CarriedOut> {
  if (evaluationIds.length === 0) return { paid: 0, denied: 0 }
  const all = async (page: (after: string | null) => RawBuilder<PageRow>): Promise<number> => {
    let moved = 0
    let after: string | null = null
    do {
      const { rows }: { rows: PageRow[] } = await page(after).execute(trx)
      moved += rows[0]?.moved ?? 0
      after = rows[0]?.size === POLICIES_PER_PAGE ? (rows[0]?.last ?? null) : null
    } while (after !== null)
    return moved
  }
  const target = { evaluationIds, isMeant }
  const paid = await all((after) => payPage({ ...target, after }, now))
  const denied = await all((after) => denyPage({ ...target, after }, now))
  return { paid, denied }
}

type PageRow = { readonly moved: number; readonly size: number; readonly last: string | null }

type Target = {
  readonly evaluationIds: readonly string[]
  readonly isMeant: RawBuilder<unknown>
  readonly after: string | null
}

/** The page's policies with their evaluation and what it pays them. */
function targets({ evaluationIds, isMeant, after }: Target, outcome: 'PAY' | 'NO_PAY') {
  return sql`target as materialized (
    select p.id, p.currency, p.payee_ref, e.id as evaluation_id, e.bps, e.outcome as verdict,
      ${shareSql(sql`p.sum_insured_minor`, sql`e.bps`)} as amount
    from evaluation e
    join policy p on p.leg_id = e.leg_id and p.product_version_id = e.product_version_id
      and p.insured_scheduled_in = e.insured_scheduled_in
    where e.id = any(${evaluationIds}::uuid[]) and e.outcome = ${outcome}
      and p.state = 'IN_REVIEW' and p.outcome is null and ${isMeant}
      -- A share that rounds to nothing is no payout.
      and (e.outcome = 'NO_PAY' or ${shareSql(sql`p.sum_insured_minor`, sql`e.bps`)} > 0)
      and (${after}::uuid is null or p.id > ${after}::uuid)
    order by p.id limit ${POLICIES_PER_PAGE}
    for update of p
  )`
}

function decided(state: 'TRIGGERED' | 'EXPIRED', now: Instant): RawBuilder<unknown> {
  return sql`decided as (
    update policy p set state = ${state}, outcome = t.verdict, bps = t.bps, amount_minor = t.amount,
      decided_at = ${now}::timestamptz, evaluation_id = t.evaluation_id,
      state_version = p.state_version + 1, updated_at = now()
    from target t
    where p.id = t.id
    returning p.id, p.premium_minor, p.currency
  )`
}

const counts = sql`select (select count(*) from decided) as moved, count(*) as size,
  (array_agg(id order by id desc))[1] as last from target`

function payPage(page: Target, now: Instant): RawBuilder<PageRow> {
  return sql<PageRow>`
    with ${targets(page, 'PAY')}, ${decided('TRIGGERED', now)}, ${payoutsOf(now)} ${counts}`
}

function denyPage(page: Target, now: Instant): RawBuilder<PageRow> {
  return sql<PageRow>`
    with ${targets(page, 'NO_PAY')}, ${decided('EXPIRED', now)},
    expired as (select id, premium_minor, currency from decided), ${releaseEscrow(now)} ${counts}`
}
