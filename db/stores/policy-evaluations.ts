/** Reads what the rules said of a policy and the observations that it rested on, at one moment. */
import { sql } from 'kysely'

import { SHOWN_LIMIT } from '../../domain/ports/leg-reads.ts'
import type {
  PolicyEvaluation,
  PolicyEvaluationReads,
  PolicyEvaluations,
} from '../../domain/ports/policy-evaluations.ts'
import type { Database } from '../client.ts'
import { inSnapshot } from '../snapshot.ts'
import { readObservationsOf } from './leg-reads.ts'

type Row = Omit<PolicyEvaluation, 'observations'>

/** The reader over this database. */
export function createPolicyEvaluationReads(db: Database): PolicyEvaluationReads {
  return {
    read: (policyNumber) =>
      // One moment: an evaluation is never shown without its observations.
      inSnapshot(db, (trx) => read(trx, policyNumber)),
  }
}

async function read(db: Database, policyNumber: string): Promise<PolicyEvaluations | null> {
  const { rows } = await sql<{ id: string; legKey: string }>`
    select p.id, l.leg_key as "legKey"
    from policy p join flight_leg l on l.id = p.leg_id
    where p.policy_number = ${policyNumber} limit 1`.execute(db)
  const [policy] = rows
  if (policy === undefined) return null
  const found = await readEvaluations(db, policy.id)
  const ids = [...new Set(found.flatMap(({ observationIds }) => observationIds))]
  const seen = new Map((await readObservationsOf(db, ids)).map((one) => [one.observationId, one]))
  const evaluations = found.map((one) => ({
    ...one,
    observations: one.observationIds.slice(-SHOWN_LIMIT).flatMap((id) => seen.get(id) ?? []),
  }))
  return { policyNumber, legKey: policy.legKey, evaluations }
}

async function readEvaluations(db: Database, policyId: string): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select e.id as "evaluationId",
      jsonb_build_object('code', v.code, 'version', v.version) as product,
      e.insured_scheduled_in as "insuredScheduledIn", e.outcome, e.bps, e.delay_min as "delayMin",
      e.reasons, e.observation_ids as "observationIds", e.evaluated_at as "evaluatedAt",
      e.tzdata_version as "tzdataVersion", e.facts,
      coalesce(e.id = p.evaluation_id, false) as "isDecisive",
      array(select o.id::text from payout o where o.policy_id = p.id and o.evaluation_id = e.id
        order by o.revision) as "payoutIds"
    from policy p
    join evaluation e on e.leg_id = p.leg_id and e.product_version_id = p.product_version_id
    join product_version v on v.id = e.product_version_id
    where p.id = ${policyId}::uuid and (
      e.insured_scheduled_in = p.insured_scheduled_in
      or exists (select from endorsement n
        where n.policy_id = p.id and n.old_scheduled_in = e.insured_scheduled_in))
    order by e.evaluated_at desc, e.id limit ${SHOWN_LIMIT}`.execute(db)
  return rows
}
