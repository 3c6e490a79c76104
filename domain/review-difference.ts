/**
 * Cases about what decided policies may be owed beyond what they got: a disputed tier, a correction
 * upwards, an appeal. Says who gets more. Pure.
 */
import { APPEAL } from './appeal.ts'
import { bpsOnBasis, shareBeyond, type ReviewGroup, type ReviewSnapshot } from './review-case.ts'
import type { PayBasis } from './review-decision.ts'

/** Whether a case looks at a decision again because its holder appealed. */
export function isAppealCase(of: {
  readonly subjectKind: string
  readonly reasonCode: string
}): boolean {
  return of.subjectKind === 'policy' && of.reasonCode === APPEAL
}

/** Reasons of cases of legs whose policies are decided; no policy waits for such a case. */
export const DIFFERENCE_REASONS = ['TIER_DISPUTED', 'CORRECTION_HIGHER'] as const

/** A group that gets more, and the share of the sum insured that it gets in all. */
export type RaisedGroup = { readonly group: ReviewGroup; readonly bps: number }

/** Why nothing more can be paid now, or who gets it. */
export type DifferenceJudgement =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'unsettled'; readonly policies: number }
  | { readonly kind: 'raised'; readonly groups: readonly RaisedGroup[] }

/**
 * Which groups get more on this basis. All of them or none: while an earlier payout is under way nobody
 * gets a further one.
 */
export function raisedBy(
  { differences, unsettledPolicies }: ReviewSnapshot,
  basis: PayBasis,
): DifferenceJudgement {
  const groups = differences
    .map((group) => ({ group, bps: bpsOnBasis(group.product, basis) }))
    .filter(({ group, bps }) => group.sums.some((sum) => shareBeyond(sum, bps) > 0n))
  if (groups.length === 0) return { kind: 'nobody' }
  if (unsettledPolicies > 0) return { kind: 'unsettled', policies: unsettledPolicies }
  return { kind: 'raised', groups }
}
