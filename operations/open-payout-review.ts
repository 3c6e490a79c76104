/** Hands a payout to a person. */
import type { Clock } from '../domain/ports/clock.ts'
import type { ReviewStore } from '../domain/ports/review-store.ts'

/**
 * Opens a review case of the payout for `reason` (a stable code such as `PAYOUT_UNSETTLED`), or finds
 * the one that is open. The payout and its policy keep their states: it may still settle.
 */
export async function openPayoutReview(
  deps: { readonly reviewStore: ReviewStore; readonly clock: Clock },
  input: {
    readonly payoutId: string
    readonly reason: string
    readonly details?: Readonly<Record<string, unknown>>
  },
): Promise<{ caseId: string; isNew: boolean }> {
  return deps.reviewStore.open({
    subjectKind: 'payout',
    subjectId: input.payoutId,
    reasonCode: input.reason,
    details: input.details ?? {},
    openedAt: await deps.clock.now(),
  })
}
