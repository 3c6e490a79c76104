/** The steps that look after review cases, as Temporal calls them. Thin: the work is in operations. */
import { Context } from '@temporalio/activity'

import { parseReviewDecision, type DecisionFields } from '../domain/review-decision.ts'
import {
  decideReview,
  type DecideReviewDeps,
  type ReviewActed,
} from '../operations/decide-review.ts'
import {
  sweepReviews as sweep,
  type SweepReviewsDeps,
  type SweptReviews,
} from '../operations/sweep-reviews.ts'
import {
  tendReview as tend,
  type TendedCase,
  type TendReviewDeps,
} from '../operations/tend-review.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** What the steps work over. */
export type ReviewOrchestrationDeps = TendReviewDeps &
  SweepReviewsDeps &
  DecideReviewDeps & {
    readonly events: Pick<
      Events,
      'reviewMoved' | 'reviewReminded' | 'reviewsSwept' | 'policiesDecided' | 'payoutsCreated'
    >
  }

/** What a person says with a decision. */
export type ReviewVerdict = DecisionFields & {
  readonly caseId: string
  readonly by: string
  readonly reason: string
}

/** The activities of `review-orchestration`. All may be repeated. */
export function createReviewOrchestrationActivities(deps: ReviewOrchestrationDeps) {
  return mapFailures({
    /** Closes, ends and starts. Repeated, it does only what was left. */
    async sweepReviews(): Promise<SweptReviews> {
      using heartbeats = startHeartbeats()
      const swept = await sweep(deps, {
        signal: heartbeats.signal,
        onProgress: (cases) => heartbeats.onProgress(cases, cases),
      })
      deps.events.reviewsSwept(swept)
      return swept
    },

    /** One look after a case. */
    async tendReview(input: { readonly caseId: string }): Promise<TendedCase> {
      using heartbeats = startHeartbeats()
      const tended = await tend(deps, input, { signal: heartbeats.signal })
      tell(deps, input.caseId, tended)
      return tended
    },

    /** Decides in a person's name: the same operation as every door. */
    async decideReview(verdict: ReviewVerdict): Promise<ReviewActed> {
      const { caseId, by, reason, ...fields } = verdict
      const { workflowExecution, activityId } = Context.current().info
      // Every try of this step is the same request of the same person.
      const requestId = `${workflowExecution?.runId ?? 'none'}/${activityId}`
      const decision = parseReviewDecision(fields)
      return decideReview(deps, { caseId, by, reason, decision, requestId })
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type ReviewOrchestrationActivities = ReturnType<typeof createReviewOrchestrationActivities>

function tell({ events }: ReviewOrchestrationDeps, caseId: string, tended: TendedCase): void {
  const { reason, policiesPaid: paid, policiesDenied: notPaid } = tended
  if (paid + notPaid > 0) events.policiesDecided({ paid, notPaid, inReview: 0 })
  if (paid > 0) events.payoutsCreated({ count: paid })
  if (tended.isEscalated) events.reviewMoved({ caseId, reason, event: 'escalated' })
  if (tended.isReleased) events.reviewMoved({ caseId, reason, event: 'released' })
  if (tended.isReminded) events.reviewReminded({ caseId, reason, state: tended.state })
}
