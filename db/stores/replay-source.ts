/** Reads legs with their observations and evaluations, page by page. */
import { sql } from 'kysely'

import { emptyFacts, type LegFacts } from '../../domain/leg-facts.ts'
import type {
  EarlierTimetable,
  ReplayedEvaluation,
  ReplayedLeg,
  ReplayedObservation,
  ReplaySource,
} from '../../domain/ports/replay-source.ts'
import type { Product } from '../../domain/product.ts'
import type { Database } from '../client.ts'
import { inSnapshot } from '../snapshot.ts'
import {
  secondFactsOf,
  watchedLegColumns,
  watchedLegOf,
  type WatchedLegRow,
} from './watched-leg.ts'

/** The source over `db`. */
export function createReplaySource(db: Database): ReplaySource {
  return { readLegs: (after, limit) => readLegs(db, after, limit) }
}

async function readLegs(db: Database, after: string | null, limit: number): Promise<ReplayedLeg[]> {
  return inSnapshot(db, async (trx) => {
    const { rows } = await sql<WatchedLegRow & { readonly id: string }>`
        select l.id, ${watchedLegColumns}
        from flight_leg l
        where (${after}::uuid is null or l.id > ${after}::uuid)
          and exists (select from evaluation e where e.leg_id = l.id and e.rule = 'automatic')
        order by l.id limit ${limit}`.execute(trx)
    const legIds = rows.map(({ id }) => id)
    const observations = await readObservations(trx, legIds)
    const evaluations = await readEvaluations(trx, legIds)
    const timetables = await readTimetables(trx, legIds)
    return rows.map((row) => ({
      legId: row.id,
      leg: watchedLegOf(row),
      secondProvider: secondFactsOf(row)?.provider ?? null,
      earlier: timetables.get(row.id) ?? [],
      observations: observations.get(row.id) ?? [],
      evaluations: evaluations.get(row.id) ?? [],
    }))
  })
}

async function readObservations(db: Database, legIds: readonly string[]) {
  const { rows } = await sql<ReplayedObservation & { readonly legId: string }>`
    select leg_id as "legId", provider, first_seen_at as "firstSeenAt", last_seen_at as "lastSeenAt",
      seen_count as "seenCount", norm as records
    from flight_observation where leg_id = any(${legIds}::uuid[]) order by id`.execute(db)
  return Map.groupBy(rows, ({ legId }) => legId)
}

/** One a retime: its endorsements all say the same of the leg. */
async function readTimetables(db: Database, legIds: readonly string[]) {
  const { rows } = await sql<EarlierTimetable & { readonly legId: string }>`
    select distinct on (leg_id, announced_at) leg_id as "legId", announced_at as until,
      old_scheduled_out as "scheduledOut", old_scheduled_in as "scheduledIn"
    from endorsement where leg_id = any(${legIds}::uuid[])
    order by leg_id, announced_at, n desc, policy_id`.execute(db)
  return Map.groupBy(rows, ({ legId }) => legId)
}

type EvaluationRow = Omit<ReplayedEvaluation, 'facts' | 'product'> & {
  readonly legId: string
  readonly facts: LegFacts | { readonly version?: undefined }
  readonly rules: Product
}

async function readEvaluations(db: Database, legIds: readonly string[]) {
  const { rows } = await sql<EvaluationRow>`
    select e.leg_id as "legId", e.id as "evaluationId", v.rules,
      e.insured_scheduled_in as "insuredScheduledIn", e.facts, e.second_facts as second, e.outcome, e.bps,
      e.disputed_bps as "disputedBps",
      e.delay_min as "delayMin", e.reasons, e.decision_revision as "decisionRevision",
      e.evaluated_at as "evaluatedAt"
    from evaluation e join product_version v on v.id = e.product_version_id
    where e.leg_id = any(${legIds}::uuid[]) and e.rule = 'automatic'
    order by e.id`.execute(db)
  const evaluations = rows.map(({ facts, rules, ...row }) => ({
    ...row,
    product: rules,
    facts: facts.version === undefined ? emptyFacts() : facts,
  }))
  return Map.groupBy(evaluations, ({ legId }) => legId)
}
