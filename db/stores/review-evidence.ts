/** Reads a review case with its leg, what providers said and what was done to it, at one moment. */
import { sql } from 'kysely'

import type { ReviewEvent, ReviewPageInput } from '../../domain/explain-review.ts'
import { SHOWN_LIMIT } from '../../domain/ports/leg-reads.ts'
import type { ReviewEvidence } from '../../domain/ports/review-evidence.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { inSnapshot } from '../snapshot.ts'
import { readObservations } from './leg-reads.ts'
import { isDifferenceOf } from './review-differences.ts'
import { readCase, snapshotOf, waitsForCase, type CaseRow } from './review-snapshot.ts'
import { factsOf, watchedLegColumns, watchedLegOf, type WatchedLegRow } from './watched-leg.ts'

/** The evidence over `db`. */
export function createReviewEvidence(db: Database): ReviewEvidence {
  return {
    read: (caseId) =>
      inSnapshot(db, async (trx) => {
        const row = await readCase(trx, caseId)
        if (row === null) return null
        return {
          snapshot: await snapshotOf(trx, row),
          ...(await readRest(trx, row)),
          leg: await readLeg(trx, row),
          history: await readHistory(trx, caseId),
        }
      }),
  }
}

type Rest = Pick<
  ReviewPageInput,
  'name' | 'openedAt' | 'resolvedAt' | 'resolvedBy' | 'resolutionReason' | 'details'
>

async function readRest(db: Database, { id }: CaseRow): Promise<Rest> {
  const { rows } = await sql<Rest>`
    select coalesce(l.leg_key, p.policy_number, op.policy_number) as name, r.details,
      r.opened_at as "openedAt", r.resolved_at as "resolvedAt", r.resolved_by as "resolvedBy",
      r.resolution_reason as "resolutionReason"
    from review_case r
    left join flight_leg l on r.subject_kind = 'leg' and l.id = r.subject_id
    left join policy p on r.subject_kind = 'policy' and p.id = r.subject_id
    left join payout o on r.subject_kind = 'payout' and o.id = r.subject_id
    left join policy op on op.id = o.policy_id
    where r.id = ${id}::uuid`.execute(db)
  const [rest] = rows
  if (rest === undefined) throw new Error(`review case ${id} vanished`)
  return rest
}

type LegRow = WatchedLegRow & {
  readonly id: string
  readonly leg_key: string
  readonly phase: string
  readonly insured_out: Instant | null
  readonly insured_in: Instant | null
}

async function readLeg(db: Database, row: CaseRow): Promise<ReviewPageInput['leg']> {
  // A payout's leg is its policy's: what was decided may be what is doubted.
  const { rows } = await sql<LegRow>`
    select l.id, l.leg_key, l.phase, w.insured_out, w.insured_in, ${watchedLegColumns}
    from flight_leg l
    left join lateral (
      select p.insured_scheduled_out as insured_out, p.insured_scheduled_in as insured_in
      from policy p where ${waitsForCase(row)} or ${isDifferenceOf(row)} order by p.id limit 1
    ) as w on true
    where l.id = coalesce(${row.leg_id}::uuid, (
      select q.leg_id from payout o join policy q on q.id = o.policy_id
      where ${row.subject_kind} = 'payout' and o.id = ${row.subject_id}::uuid))`.execute(db)
  const [leg] = rows
  if (leg === undefined) return null
  return {
    legKey: leg.leg_key,
    phase: leg.phase,
    watched: watchedLegOf(leg),
    facts: factsOf(leg),
    insuredOut: leg.insured_out,
    insuredIn: leg.insured_in,
    observations: await readObservations(db, leg.id),
  }
}

async function readHistory(db: Database, caseId: string): Promise<ReviewEvent[]> {
  const { rows } = await sql<ReviewEvent>`
    select at, actor, action, details ->> 'reason' as reason
    from audit_event where subject = ${`review:${caseId}`}
    order by seq desc limit ${SHOWN_LIMIT}`.execute(db)
  return rows.toReversed()
}
