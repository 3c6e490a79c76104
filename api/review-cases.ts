/** What the routes of review cases work with, built over a database and a Temporal client. */
import type { Client } from '@temporalio/client'

import type { Database } from '../db/client.ts'
import { createPayoutStore } from '../db/stores/payout-store.ts'
import { createReviewDecisions } from '../db/stores/review-decision-store.ts'
import { createReviewEvidence } from '../db/stores/review-evidence.ts'
import { explainReview } from '../domain/explain-review.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { JobTerms } from '../jobs/job-environments.ts'
import { decideReview, moveReview } from '../operations/decide-review.ts'
import { createPayoutRuns } from '../platform/temporal/payout-runs.ts'
import type { ReviewsDeps } from './rest/reviews.ts'

/** Shows, moves and decides cases. */
export function createReviewCases(parts: {
  readonly db: Database
  readonly client: Client
  readonly clock: Clock
  readonly terms: JobTerms
}): ReviewsDeps['reviewCases'] {
  const { db, client, clock, terms } = parts
  const deps = {
    reviewDecisions: createReviewDecisions(db),
    payoutStore: createPayoutStore(db),
    payoutRuns: createPayoutRuns({ client, terms }),
    clock,
  }
  const evidence = createReviewEvidence(db)
  return {
    async show(caseId) {
      const input = await evidence.read(caseId)
      return input === null ? null : explainReview({ ...input, now: await clock.now() })
    },
    move: (request) => moveReview(deps, request),
    decide: (request) => decideReview(deps, request),
  }
}
