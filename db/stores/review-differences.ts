/** Reads decided policies that a case may owe more, with what they got. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import type { Product } from '../../domain/product.ts'
import type { ReviewGroup, ReviewSnapshot } from '../../domain/review-case.ts'
import { DIFFERENCE_REASONS, isAppealCase } from '../../domain/review-difference.ts'
import type { Database } from '../client.ts'
import type { CaseRow } from './review-snapshot.ts'

/** Whether the case is about what decided policies are owed beyond what they got. */
export function isAboutDifference(row: CaseRow): boolean {
  const { subject_kind: kind, reason_code: reason } = row
  return isAppealOf(row) || (kind === 'leg' && DIFFERENCE_REASONS.some((one) => one === reason))
}

function isAppealOf({ subject_kind: subjectKind, reason_code: reasonCode }: CaseRow): boolean {
  return isAppealCase({ subjectKind, reasonCode })
}

/**
 * Whether policy `p` is one that case `r` is about: appealed, paid the lower of two disputed tiers, or
 * decided by what was corrected upwards; since the case was opened, as an earlier case was about the
 * others. A policy whose payout was cancelled is not: that was a person's decision.
 */
export function isDifferenceOf(r: CaseRow): RawBuilder<boolean> {
  if (!isAboutDifference(r)) return sql<boolean>`false`
  if (isAppealOf(r)) return sql<boolean>`(p.id = ${r.subject_id}::uuid and ${isNotCancelled})`
  const isCovered =
    r.reason_code === 'TIER_DISPUTED'
      ? sql`p.outcome = 'PAY' and p.decided_at >= ${r.opened_at}::timestamptz and exists (
          select from evaluation v where v.id = p.evaluation_id and v.disputed_bps is not null)`
      : sql`exists (
          select from decision_correction c
          where c.leg_id = p.leg_id and c.evaluation_id = p.evaluation_id
            and c.corrected_bps > c.bps and c.found_at >= ${r.opened_at}::timestamptz)`
  return sql<boolean>`(p.leg_id = ${r.subject_id}::uuid and ${isCovered} and ${isNotCancelled})`
}

const isNotCancelled = sql`(p.outcome = 'NO_PAY' or exists (
  select from payout o where o.policy_id = p.id and o.state <> 'CANCELLED'))`

/** What policy `p` got in all: `got_minor`, whether a payout `is_unsettled`, and the next `revision`. */
export const payoutsSoFar = sql`lateral (
  select coalesce(sum(o.amount_minor) filter (where o.state <> 'CANCELLED'), 0)::bigint as got_minor,
    coalesce(bool_or(o.state not in ('PAID', 'CANCELLED')), false) as is_unsettled,
    coalesce(max(o.revision) + 1, 0) as revision
  from payout o where o.policy_id = p.id
)`

type GroupRow = Omit<ReviewGroup, 'product'> & {
  readonly rules: Product
  readonly unsettled: number
}

/** The case's decided policies, and how many of them have a payout under way. */
export async function readDifferences(
  db: Database,
  row: CaseRow,
): Promise<Pick<ReviewSnapshot, 'differences' | 'unsettledPolicies'>> {
  if (!isAboutDifference(row)) return { differences: [], unsettledPolicies: 0 }
  const { rows } = await sql<GroupRow>`
    select g.product_version_id as "productVersionId", v.rules,
      g.insured_scheduled_in as "insuredScheduledIn", g.currency,
      json_agg(json_build_object('sumInsuredMinor', g.sum_insured_minor,
        'gotMinor', g.got_minor, 'policies', g.policies)
        order by g.sum_insured_minor, g.got_minor) as sums,
      sum(g.unsettled)::integer as unsettled
    from (
      select p.product_version_id, p.insured_scheduled_in, p.currency, p.sum_insured_minor,
        s.got_minor, count(*) as policies, count(*) filter (where s.is_unsettled) as unsettled
      from policy p cross join ${payoutsSoFar} as s
      where ${isDifferenceOf(row)}
      group by 1, 2, 3, 4, 5
    ) as g
    join product_version v on v.id = g.product_version_id
    group by g.product_version_id, v.rules, g.insured_scheduled_in, g.currency
    order by g.product_version_id, g.insured_scheduled_in, g.currency`.execute(db)
  return {
    differences: rows.map(({ rules, unsettled: _unsettled, ...group }) => ({
      ...group,
      product: rules,
    })),
    unsettledPolicies: rows.reduce((sum, { unsettled }) => sum + unsettled, 0),
  }
}
