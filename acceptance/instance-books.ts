/** Reads of an installation what a run is judged by, from its database: an inspector beside the product. */
import { sql } from 'kysely'

import type { Database } from '../db/client.ts'

/** A policy that waits for people. */
export type ReviewedPolicy = {
  readonly policyNumber: string
  readonly legKey: string
  /** Of the leg's newest review case. */
  readonly reason: string
}

/** What was decided about one policy, and on what. */
export type DecisionDetail = {
  readonly policyNumber: string
  readonly reasons: readonly string[]
  readonly delayMin: number | null
  readonly evaluatedAt: string
  readonly arrival: string | null
}

/** The policies without a decision that are in review. */
export async function readReviews(db: Database): Promise<ReviewedPolicy[]> {
  const { rows } = await sql<ReviewedPolicy>`
    select o.policy_number as "policyNumber", l.leg_key as "legKey",
      coalesce((select r.reason_code from review_case r
        where r.subject_id in (o.id, o.leg_id) order by r.opened_at desc limit 1), 'none') as reason
    from policy o
    join flight_leg l on l.id = o.leg_id
    where o.outcome is null and o.state = 'IN_REVIEW'
    order by o.policy_number`.execute(db)
  return rows
}

/** A decided policy that an open case may owe more. */
export type DoubtedPolicy = {
  readonly caseId: string
  readonly legKey: string
  readonly policyNumber: string
  /** Paid so far. */
  readonly bps: number
}

/** The policies with an open dispute, by case: the lower of two tiers was paid, the rest is with people. */
export async function readDisputed(db: Database): Promise<DoubtedPolicy[]> {
  const { rows } = await sql<DoubtedPolicy>`
    select r.id as "caseId", l.leg_key as "legKey", o.policy_number as "policyNumber", o.bps
    from review_case r
    join flight_leg l on l.id = r.subject_id
    join policy o on o.leg_id = l.id
    join evaluation v on v.id = o.evaluation_id and v.disputed_bps is not null
    where r.reason_code = 'TIER_DISPUTED' and r.state <> 'RESOLVED'
    order by r.id, o.policy_number`.execute(db)
  return rows
}

/** The policies that an open case about a correction upwards is about. */
export async function readCorrected(db: Database): Promise<DoubtedPolicy[]> {
  const { rows } = await sql<DoubtedPolicy>`
    select r.id as "caseId", l.leg_key as "legKey", o.policy_number as "policyNumber", o.bps
    from review_case r
    join flight_leg l on l.id = r.subject_id
    join policy o on o.leg_id = l.id
    where r.reason_code = 'CORRECTION_HIGHER' and r.state <> 'RESOLVED' and exists (
      select from decision_correction c
      where c.evaluation_id = o.evaluation_id and c.corrected_bps > c.bps)
    order by r.id, o.policy_number`.execute(db)
  return rows
}

/** A case about a leg or a policy that nobody has decided. */
export type OpenCase = {
  readonly caseId: string
  readonly legKey: string
  /** The policies of it that wait for the decision. */
  readonly policyNumbers: readonly string[]
}

/** The open cases that policies wait for, the oldest first. */
export async function readOpenCases(db: Database): Promise<OpenCase[]> {
  const { rows } = await sql<OpenCase>`
    select r.id as "caseId", l.leg_key as "legKey",
      array_agg(o.policy_number order by o.policy_number) as "policyNumbers"
    from review_case r
    join policy o on (r.subject_kind = 'leg' and o.leg_id = r.subject_id)
      or (r.subject_kind = 'policy' and o.id = r.subject_id)
    join flight_leg l on l.id = o.leg_id
    where r.state <> 'RESOLVED' and r.reason_code not in ('TIER_DISPUTED', 'CORRECTION_HIGHER')
      and o.outcome is null and o.state = 'IN_REVIEW'
    group by r.id, l.leg_key
    order by r.opened_at, r.id`.execute(db)
  return rows
}

/** The grounds of the decisions about these policies. */
export async function readDetails(
  db: Database,
  policyNumbers: readonly string[],
): Promise<Map<string, DecisionDetail>> {
  const { rows } = await sql<DecisionDetail>`
    select o.policy_number as "policyNumber", v.reasons, v.delay_min as "delayMin",
      v.evaluated_at as "evaluatedAt", v.facts #>> '{arrival,value}' as arrival
    from policy o
    join evaluation v on v.id = o.evaluation_id
    where o.policy_number = any(${policyNumbers}::text[])`.execute(db)
  return new Map(rows.map((row) => [row.policyNumber, row]))
}

/** Reserved for policies that an open case keeps from their end, their own or their leg's. Minor units. */
export async function readEscrowWithPeople(db: Database): Promise<bigint> {
  const { rows } = await sql<{ minor: string }>`
    select coalesce(sum(e.reserved_minor - e.fulfilled_minor - e.released_minor), 0)::text as minor
    from escrow_reservation e
    join policy o on o.id = e.policy_id
    where exists (select from review_case r
      where r.subject_id in (o.id, o.leg_id) and r.state <> 'RESOLVED')`.execute(db)
  return BigInt(rows[0]?.minor ?? '0')
}

/** Legs that were not asked about in time, ever. */
export async function countCoverageIncidents(db: Database): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::integer as n from coverage_incident`.execute(db)
  return rows[0]?.n ?? 0
}
