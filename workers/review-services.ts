/** Builds what the activities of review cases, of the book's verification and of the audit trail work with. */
import { createBookVerificationActivities } from '../activities/book-verification.ts'
import { createReviewOrchestrationActivities } from '../activities/review-orchestration.ts'
import { createAuditAnchors } from '../adapters/files/audit-anchors.ts'
import type { Database } from '../db/client.ts'
import { createAuditChain } from '../db/stores/audit-chain.ts'
import { createBookBreakCases } from '../db/stores/book-break-cases.ts'
import { createLedgerStore } from '../db/stores/ledger-store.ts'
import { createReplaySource } from '../db/stores/replay-source.ts'
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
import { auditLogArchiveActivities } from './audit-services.ts'
import type { ActivitiesByJob } from './queues.ts'

/** The runs that decisions start and wake. */
export type ReviewRunDeps = { readonly payoutRuns: PayoutRuns; readonly reviewRuns: ReviewRuns }

type Parts = ReviewRunDeps & {
  readonly config: { readonly auditArchiveDir: string; readonly auditAnchorDir: string }
  readonly db: Database
  readonly clock: Clock
  readonly clockSpeed: () => Promise<number>
  readonly flightData: FlightDataProvider
  /** The second source, if there is one. */
  readonly secondFlightData?: FlightDataProvider | undefined
  readonly events: Events
}

type Families = 'review-orchestration' | 'book-verification' | 'audit-log-archive'

/** The activities that look after review cases, and those that find breaks of the book. */
export function reviewActivities(parts: Parts): Pick<ActivitiesByJob, Families> {
  const { config, db, clock, clockSpeed, flightData, payoutRuns, reviewRuns, events } = parts
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
      secondFlightData: parts.secondFlightData,
      payoutRuns,
      reviewRuns,
      events,
    }),
    'audit-log-archive': auditLogArchiveActivities(parts),
    'book-verification': createBookVerificationActivities({
      ledgerStore: createLedgerStore(db),
      replaySource: createReplaySource(db),
      bookBreakCases: createBookBreakCases(db),
      auditChain: createAuditChain(db),
      auditAnchors: createAuditAnchors(config.auditAnchorDir),
      clock,
      events,
    }),
  }
}
