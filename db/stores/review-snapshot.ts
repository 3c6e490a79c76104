/** Reads a review case with what waits behind it. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import type { PayoutState } from '../../domain/payout.ts'
import { REVIEWS_TWO_PERSON_LIMIT } from '../../domain/ports/review-decisions.ts'
import type { Product } from '../../domain/product.ts'
import type {
  ReviewedPayout,
  ReviewGroup,
  ReviewProposal,
  ReviewSnapshot,
} from '../../domain/review-case.ts'
import type { ReviewState } from '../../domain/review-state.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { readDifferences } from './review-differences.ts'
import { createSettingStore } from './setting-store.ts'

/** A case's own columns, and the leg that it is about in the end. */
export type CaseRow = {
  readonly id: string
  readonly state: ReviewState
  readonly subject_kind: string
  readonly subject_id: string
  readonly reason_code: string
  readonly assignee: string | null
  readonly wait_until: Instant | null
  readonly proposal: ReviewProposal | null
  readonly resolution: string | null
  readonly decision_ref: string | null
  readonly opened_at: Instant
  readonly leg_id: string | null
}

/** The case, without locks; null when there is none. */
export async function readCase(db: Database, caseId: string): Promise<CaseRow | null> {
  const { rows } = await sql<CaseRow>`
    select r.id, r.state, r.subject_kind, r.subject_id, r.reason_code, r.assignee, r.wait_until,
      r.proposal, r.resolution, r.decision_ref, r.opened_at,
      case r.subject_kind when 'leg' then r.subject_id
        when 'policy' then (select p.leg_id from policy p where p.id = r.subject_id)
      end as leg_id
    from review_case r where r.id = ${caseId}::uuid`.execute(db)
  return rows[0] ?? null
}

/**
 * Whether policy `p` waits for case `r`: in review, undecided, and for the case's reason. A policy that
 * the end of cover handed over has no evaluation: it waits for NO_FINAL_DATA.
 */
export function waitsForCase(r: CaseRow): RawBuilder<unknown> {
  if (r.subject_kind === 'policy') {
    return sql`p.id = ${r.subject_id}::uuid and p.state = 'IN_REVIEW' and p.outcome is null`
  }
  if (r.subject_kind !== 'leg') return sql`false`
  return sql`p.leg_id = ${r.subject_id}::uuid and p.state = 'IN_REVIEW' and p.outcome is null
    and coalesce((
      select case v.outcome when 'REVIEW' then coalesce(v.reasons[1], 'REVIEW') else '' end
      from evaluation v where v.id = p.evaluation_id), 'NO_FINAL_DATA') = ${r.reason_code}`
}

/** The case with its policies and its payout. */
export async function snapshotOf(db: Database, row: CaseRow): Promise<ReviewSnapshot> {
  return {
    caseId: row.id,
    state: row.state,
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    reasonCode: row.reason_code,
    assignee: row.assignee,
    waitUntil: row.wait_until,
    proposal: row.proposal,
    resolution: row.resolution,
    decisionRef: row.decision_ref,
    groups: await groupsOf(db, row),
    ...(await readDifferences(db, row)),
    isLegWatched: await isLegWatched(db, row),
    payout: row.subject_kind === 'payout' ? await payoutOf(db, row.subject_id) : null,
    twoPersonLimit: await createSettingStore(db).read(REVIEWS_TWO_PERSON_LIMIT),
  }
}

type GroupRow = Omit<ReviewGroup, 'product'> & { readonly rules: Product }

async function groupsOf(db: Database, row: CaseRow): Promise<ReviewGroup[]> {
  if (row.leg_id === null) return []
  const { rows } = await sql<GroupRow>`
    select g.product_version_id as "productVersionId", v.rules,
      g.insured_scheduled_in as "insuredScheduledIn", g.currency,
      json_agg(json_build_object('sumInsuredMinor', g.sum_insured_minor, 'policies', g.policies)
        order by g.sum_insured_minor) as sums
    from (
      select p.product_version_id, p.insured_scheduled_in, p.currency, p.sum_insured_minor,
        count(*) as policies
      from policy p where ${waitsForCase(row)}
      group by 1, 2, 3, 4
    ) as g
    join product_version v on v.id = g.product_version_id
    group by g.product_version_id, v.rules, g.insured_scheduled_in, g.currency
    order by g.product_version_id, g.insured_scheduled_in, g.currency`.execute(db)
  return rows.map(({ rules, ...group }) => ({ ...group, product: rules }))
}

async function isLegWatched(db: Database, { leg_id: legId }: CaseRow): Promise<boolean> {
  if (legId === null) return false
  const { rows } = await sql<{ watched: boolean }>`
    select l.undecided_policies > 0 or l.settled_at is null as watched
    from flight_leg l where l.id = ${legId}::uuid`.execute(db)
  return rows[0]?.watched ?? false
}

async function payoutOf(db: Database, payoutId: string): Promise<ReviewedPayout | null> {
  const { rows } = await sql<Omit<ReviewedPayout, 'state'> & { state: PayoutState }>`
    select p.id as "payoutId", p.batch_id as "batchId", p.state, p.amount_minor as "amountMinor",
      p.currency, exists (
        select from payout_attempt a where a.payout_id = p.id and a.outcome = 'OPEN'
      ) as "hasOpenAttempt"
    from payout p where p.id = ${payoutId}::uuid`.execute(db)
  return rows[0] ?? null
}
