/** One look after a case: late data, idle claims, the hand-up of what is overdue, reminders. */
import type { ReviewTending } from '../domain/ports/review-tending.ts'
import { planTending } from '../domain/review-tending.ts'
import { msBetween, MINUTE_MS, SECOND_MS } from '../domain/time.ts'
import { seekEvidence, type SeekEvidenceDeps } from './seek-evidence.ts'

/** What tending works over. */
export type TendReviewDeps = Omit<SeekEvidenceDeps, 'reviewTending'> & {
  readonly reviewTending: ReviewTending
  /** Virtual seconds per wall second: 1 on wall time, 0 while stopped. */
  readonly clockSpeed: () => Promise<number>
}

/** How a case stands after the look, and when to look again. */
export type TendedCase = {
  readonly isOpen: boolean
  readonly state: string
  readonly resolution: string | null
  readonly reason: string
  readonly assignee: string | null
  readonly isReleased: boolean
  readonly isEscalated: boolean
  readonly isReminded: boolean
  readonly policiesPaid: number
  readonly policiesDenied: number
  /** Until the next look, wall time. Milliseconds. */
  readonly wallMs: number
}

/** On a stopped clock nothing falls due by itself; the state is read again now and then. */
const STOPPED_CLOCK_WALL_MS = MINUTE_MS

/** Looks after a case once. Repeatable. A case that does not exist is over. */
export async function tendReview(
  deps: TendReviewDeps,
  { caseId }: { readonly caseId: string },
  options: { readonly signal?: AbortSignal } = {},
): Promise<TendedCase> {
  const { reviewTending, clock } = deps
  let policiesPaid = 0
  let policiesDenied = 0
  let review = await reviewTending.read(caseId)
  const now = await clock.now()
  let plan = review === null ? null : planTending(review, now)
  if (review?.state !== 'RESOLVED' && review?.legId && plan?.isLookDue === true) {
    const { legId } = review
    const found = await seekEvidence(deps, { caseId, legId }, options)
    policiesPaid = found.paid
    policiesDenied = found.denied
    review = await reviewTending.read(caseId)
    plan = review === null ? null : planTending(review, now)
  }
  if (review === null || plan === null || review.state === 'RESOLVED') {
    const over = { state: 'RESOLVED', resolution: review?.resolution ?? null, wallMs: 0 }
    return {
      ...QUIET,
      ...over,
      isOpen: false,
      reason: review?.reasonCode ?? '',
      policiesPaid,
      policiesDenied,
    }
  }
  await reviewTending.markStarted([caseId])
  const isDone = await reviewTending.carryOut(review, plan, now)
  const after = isDone
    ? plan
    : { ...plan, isReleased: false, isEscalated: false, isReminded: false }
  const { isReleased, isEscalated, isReminded } = after
  return {
    isOpen: true,
    state: isEscalated ? 'ESCALATED' : isReleased ? 'OPEN' : review.state,
    resolution: null,
    reason: review.reasonCode,
    assignee: isEscalated || isReleased ? null : review.assignee,
    isReleased,
    isEscalated,
    isReminded,
    policiesPaid,
    policiesDenied,
    wallMs: toWallMs(msBetween(now, plan.nextAt), await deps.clockSpeed()),
  }
}

const QUIET = { assignee: null, isReleased: false, isEscalated: false, isReminded: false }

function toWallMs(businessMs: number, speed: number): number {
  if (speed === 0) return Math.min(businessMs, STOPPED_CLOCK_WALL_MS)
  return Math.max(SECOND_MS, Math.ceil(businessMs / speed / SECOND_MS) * SECOND_MS)
}
