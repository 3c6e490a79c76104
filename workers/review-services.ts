/** Builds what the activities of review cases work with. */
import { createReviewOrchestrationActivities } from '../activities/review-orchestration.ts'
import type { Database } from '../db/client.ts'
import { createDecisionStore } from '../db/stores/decision-store.ts'
import { createLegStore } from '../db/stores/leg-store.ts'
import { createPayoutStore } from '../db/stores/payout-store.ts'
import { createReviewDecisions } from '../db/stores/review-decision-store.ts'
import { createReviewTending } from '../db/stores/review-tending-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { FlightDataProvider } from '../domain/ports/flight-data-provider.ts'
import type { PayoutRuns } from '../domain/ports/payout-runs.ts'
import type { ReviewRuns } from '../domain/ports/review-runs.ts'
import type { Events } from '../platform/events.ts'
import type { ActivitiesByJob } from './queues.ts'

/** The runs that decisions start and wake. */
export type ReviewRunDeps = { readonly payoutRuns: PayoutRuns; readonly reviewRuns: ReviewRuns }

type Parts = ReviewRunDeps & {
  readonly db: Database
  readonly clock: Clock
  readonly clockSpeed: () => Promise<number>
  readonly flightData: FlightDataProvider
  readonly events: Events
}

/** The activities that look after review cases. */
export function reviewActivities(parts: Parts): Pick<ActivitiesByJob, 'review-orchestration'> {
  const { db, clock, clockSpeed, flightData, payoutRuns, reviewRuns, events } = parts
  return {
    'review-orchestration': createReviewOrchestrationActivities({
      legStore: createLegStore(db),
      decisionStore: createDecisionStore(db),
      payoutStore: createPayoutStore(db),
      reviewDecisions: createReviewDecisions(db),
      reviewTending: createReviewTending(db),
      clock,
      clockSpeed,
      flightData,
      payoutRuns,
      reviewRuns,
      events,
    }),
  }
}
