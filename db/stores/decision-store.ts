/** Decisions in Postgres: groups to decide and evaluations (carrying out is in decision-page.ts). */
import { sql } from 'kysely'

import { MAX_LEG_PAGE } from '../../domain/ports/leg-store.ts'
import type {
  DecisionGroup,
  DecisionStore,
  NewEvaluation,
} from '../../domain/ports/decision-store.ts'
import type { Product } from '../../domain/product.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import { applyPage } from './decision-page.ts'
import { factsOf, secondFactsOf, watchedLegColumns, watchedLegOf } from './watched-leg.ts'
import type { WatchedLegRow } from './watched-leg.ts'

/** The newest observations named in an evaluation; a settled leg has about fifteen in all. */
const EVIDENCE_OBSERVATIONS = 50

/** The decision store over a database. */
export function createDecisionStore(db: Database): DecisionStore {
  return {
    loadGroups: (legIds) => loadGroups(db, legIds),
    saveEvaluations: (evaluations) => saveEvaluations(db, evaluations),
    applyPage: (page) => retriedTransaction(db, (trx) => applyPage(trx, page)),
  }
}

type GroupRow = WatchedLegRow & {
  readonly id: string
  readonly product_version_id: string
  readonly insured_scheduled_in: Instant
  readonly policies: number
  readonly rules: Product
}

async function loadGroups(db: Database, legIds: readonly string[]): Promise<DecisionGroup[]> {
  if (legIds.length > MAX_LEG_PAGE) throw new RangeError('page of legs is too long')
  const { rows } = await sql<GroupRow>`
    select l.id, ${watchedLegColumns}, g.product_version_id, g.insured_scheduled_in, g.policies,
      v.rules
    from (
      select leg_id, product_version_id, insured_scheduled_in, count(*) as policies
      from policy
      where leg_id = any(${legIds}::uuid[]) and outcome is null
        and state in ('BOUND', 'MONITORING')
      group by leg_id, product_version_id, insured_scheduled_in
    ) as g
    join flight_leg l on l.id = g.leg_id
    join product_version v on v.id = g.product_version_id
    order by l.id, g.product_version_id, g.insured_scheduled_in`.execute(db)
  return rows.map((row) => ({
    legId: row.id,
    leg: watchedLegOf(row),
    facts: factsOf(row),
    second: secondFactsOf(row),
    productVersionId: row.product_version_id,
    product: row.rules,
    insuredScheduledIn: row.insured_scheduled_in,
    policies: row.policies,
  }))
}

async function saveEvaluations(
  db: Database,
  evaluations: readonly NewEvaluation[],
): Promise<string[]> {
  const decisions = evaluations.map(({ decision }) => ({
    outcome: decision.outcome,
    bps: decision.outcome === 'PAY' ? decision.bps : 0,
    delay_min: decision.outcome === 'REVIEW' ? null : decision.delayMin,
    reasons: decision.reasons,
    disputed_bps: decision.outcome === 'PAY' ? (decision.disputedBps ?? null) : null,
  }))
  const { rows } = await sql<{ id: string }>`
    with r as (
      select groundstop_id(concat_ws('|', 'evaluation', leg_id, product_version_id,
        extract(epoch from insured_scheduled_in)::bigint, facts_sha256, decision_revision)) as id, u.*
      from unnest(
        ${evaluations.map((evaluation) => evaluation.legId)}::uuid[],
        ${evaluations.map((evaluation) => evaluation.productVersionId)}::uuid[],
        ${evaluations.map((evaluation) => evaluation.insuredScheduledIn)}::timestamptz[],
        ${evaluations.map((evaluation) => evaluation.tzdataVersion)}::text[],
        ${evaluations.map((evaluation) => evaluation.facts)}::jsonb[],
        ${evaluations.map((evaluation) => evaluation.secondFacts)}::jsonb[],
        ${evaluations.map((evaluation) => evaluation.factsSha256)}::text[],
        ${decisions.map((decision) => JSON.stringify(decision))}::jsonb[],
        ${evaluations.map((evaluation) => evaluation.decisionRevision)}::integer[],
        ${evaluations.map((evaluation) => evaluation.evaluatedAt)}::timestamptz[]
      ) with ordinality as u (leg_id, product_version_id, insured_scheduled_in, tzdata_version,
        facts, second_facts, facts_sha256, decision, decision_revision, evaluated_at, n)
    ),
    stored as (
      insert into evaluation (id, leg_id, product_version_id, insured_scheduled_in, tzdata_version,
        facts, second_facts, observation_ids, outcome, delay_min, bps, disputed_bps, reasons,
        decision_revision, evaluated_at)
      select id, leg_id, product_version_id, insured_scheduled_in, tzdata_version, facts, second_facts,
        array(
          select o.id from flight_observation o where o.leg_id = r.leg_id
          order by o.id desc limit ${EVIDENCE_OBSERVATIONS}),
        decision ->> 'outcome', (decision ->> 'delay_min')::integer, (decision ->> 'bps')::integer,
        (decision ->> 'disputed_bps')::integer,
        array(select jsonb_array_elements_text(decision -> 'reasons')), decision_revision,
        evaluated_at
      from r order by id
      on conflict (id) do nothing
    )
    select id from r order by n`.execute(db)
  return rows.map((row) => row.id)
}
