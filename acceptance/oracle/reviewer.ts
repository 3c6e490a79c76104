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

/** What the policies are owed that got less: a case about them is paid for these, and denied without any. */
export function owedMoreOf(
  policies: readonly { readonly policyNumber: string; readonly bps: number }[],
  owed: ReadonlyMap<string, ExpectedPolicy>,
): ExpectedPolicy[] {
  return policies.flatMap(({ policyNumber, bps }) => {
    const due = owed.get(policyNumber)
    return due !== undefined && due.bps > bps ? [due] : []
  })
}
