/** The scripted reviewer: what a person who knew how each leg ended would decide about a review case. */
import type { ExpectedPolicy } from './expected-book.ts'
import type { OracleLeg } from './leg-oracle.ts'

/** A decision as `POST /api/reviews/:caseId/decide` takes it. */
export type ReviewerDecision =
  | { readonly outcome: 'deny' }
  | { readonly outcome: 'pay'; readonly delayMin: number }
  | { readonly outcome: 'pay'; readonly event: 'CANCELLED' | 'NOT_REACHED' }

/** Decides a case by the leg's end. `owed` is what the policies of the case are owed. */
export function reviewerDecision(
  leg: OracleLeg,
  owed: readonly ExpectedPolicy[],
): ReviewerDecision {
  if (owed.every(({ bps }) => bps === 0)) return { outcome: 'deny' }
  if (leg.ending !== 'ARRIVED') return { outcome: 'pay', event: leg.ending }
  return { outcome: 'pay', delayMin: leg.delayMin }
}
