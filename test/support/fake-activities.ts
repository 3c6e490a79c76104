/**
 * Activities without a world behind them: each answers what the test says, and the calls are kept.
 * The defaults are a quiet day.
 */
import type { CoverageArmingActivities } from '../../activities/coverage-arming.ts'
import type { CorrectionPage } from '../../activities/correction-watch.ts'
import type { BookVerificationActivities } from '../../activities/book-verification.ts'
import type { DecidedPage, FlightMonitorActivities } from '../../activities/flight-monitor.ts'
import type { JobPlaceActivities } from '../../activities/job-places.ts'
import type { MaintenanceActivities } from '../../activities/maintenance.ts'
import type { PaymentEventsActivities } from '../../activities/payment-events.ts'
import type { OutboxAndRunProjectionActivities } from '../../activities/outbox-and-run-projection.ts'
import type { PayoutActivities, Submission } from '../../activities/payout.ts'
import type { ExpiryStep, PolicyExpirationActivities } from '../../activities/policy-expiration.ts'
import type { CacheRefreshActivities } from '../../activities/cache-refresh.ts'
import type { ProviderHealthCheckActivities } from '../../activities/provider-health-check.ts'
import type { ReconciliationActivities } from '../../activities/reconciliation.ts'
import type { PaymentEventPlace } from '../../domain/ports/payment-events.ts'
import type { ReviewOrchestrationActivities } from '../../activities/review-orchestration.ts'
import type { TendedCase } from '../../operations/tend-review.ts'
import type { Reconciled } from '../../domain/ports/reconciliation-store.ts'
import { parseInstant } from '../../domain/time.ts'
import type { AppliedEvents } from '../../operations/payment-events.ts'

/** Which activities were called with what, in order. */
export type Calls = { readonly name: string; readonly input: unknown }[]

type AnyActivities = Record<string, (...args: never[]) => Promise<unknown>>

/** The same activities, each call noted before it is carried out. */
export function noteCalls<Activities extends AnyActivities>(
  calls: Calls,
  activities: Activities,
): Activities {
  const noted = Object.entries(activities).map(([name, activity]) => [
    name,
    async (...args: never[]) => {
      calls.push({ name, input: args[0] })
      return activity(...args)
    },
  ])
  return Object.fromEntries(noted) as Activities // same names, same signatures
}

/** A fixed business time: the eve of the storm. */
export const BUSINESS_NOW = parseInstant('2013-02-08T12:00:00Z')

const NOTHING_DECIDED: DecidedPage = {
  evaluations: 0,
  policiesPaid: 0,
  policiesNotPaid: 0,
  policiesInReview: 0,
  payoutsCreated: 0,
}

/** Activities of `flight-monitor`; nothing is due unless said otherwise. */
export function fakeFlightMonitor(
  change: Partial<FlightMonitorActivities> = {},
): FlightMonitorActivities {
  return {
    claimDueLegs: async () => ({ now: BUSINESS_NOW, due: 0, claimed: 0, shards: [] }),
    findPolicyLeg: async () => ({ now: BUSINESS_NOW, due: 0, claimed: 1, shards: [['leg-1']] }),
    pollLegs: async ({ legIds }) => ({
      polled: legIds.length,
      changed: 0,
      failed: 0,
      decidableLegIds: [],
    }),
    decideLegs: async () => NOTHING_DECIDED,
    startPayouts: async () => ({ batchesStarted: 0 }),
    checkCoverage: async () => ({
      legsInWindow: 0,
      overdue: 0,
      incidentsOpened: 0,
      incidentsClosed: 0,
      incidentsOpen: 0,
    }),
    ...change,
  }
}

/** All of a batch of `size` is paid. */
export function allSettled(size: number): Submission {
  return { settled: size, rejectedPayoutIds: [], unknownPayoutIds: [] }
}

/** Activities of `payout`: ten payouts, approved and paid at once; waits are as short as can be. */
export function fakePayout(change: Partial<PayoutActivities> = {}): PayoutActivities {
  return {
    approvePayouts: async () => ({ approved: 10, held: 0 }),
    submitPayouts: async () => allSettled(10),
    resolvePayouts: async ({ payoutIds }) => ({ open: payoutIds.length }),
    openPayoutReviews: async () => undefined,
    cancelPayouts: async () => ({ cancelled: 0, refused: 0 }),
    planPayoutRetry: async () => ({ action: 'wait', wallMs: 1 }),
    ...change,
  }
}

/** One step of a sweep that is done with `expired` policies. */
export function expiryStep(expired: number, change: Partial<ExpiryStep> = {}): ExpiryStep {
  return {
    now: BUSINESS_NOW,
    after: null,
    oldestOpen: null,
    expired,
    released: expired === 0 ? [] : [{ currency: 'USD', amountMinor: String(expired * 25_000) }],
    inReview: 0,
    held: 0,
    waiting: 0,
    decided: NOTHING_DECIDED,
    isComplete: true,
    ...change,
  }
}

/** Activities of `policy-expiration`; nothing is due unless said otherwise. */
export function fakePolicyExpiration(
  change: Partial<PolicyExpirationActivities> = {},
): PolicyExpirationActivities {
  return { expirePolicies: async () => expiryStep(0), ...change }
}

/** A comparison of `listed` transfers that all fit. */
export function allMatched(listed: number, change: Partial<Reconciled> = {}): Reconciled {
  return {
    listed,
    matched: listed,
    returned: 0,
    inFlight: 0,
    breaks: {
      MISSING_IN_LEDGER: 0,
      DUPLICATE: 0,
      CCY_DIFF: 0,
      AMOUNT_DIFF: 0,
      RETURNED: 0,
      MISSING_AT_PROVIDER: 0,
      STALE: 0,
    },
    casesOpened: 0,
    totals: [],
    ...change,
  }
}

/** Activities of `reconciliation`: ten transfers on one page, all of them as they should be. */
export function fakeReconciliation(
  change: Partial<ReconciliationActivities> = {},
): ReconciliationActivities {
  return {
    beginReconciliation: async ({ runId }) => ({
      runId,
      provider: 'stripe',
      since: parseInstant('2013-02-05T12:00:00Z'),
      asOf: BUSINESS_NOW,
    }),
    listTransfers: async () => ({ listed: 10, next: null }),
    compareTransfers: async ({ listed }) => allMatched(listed),
    finishReconciliation: async () => undefined,
    ...change,
  }
}

/** A page of events with these outcomes, and where the next page begins. */
export function appliedEvents(
  outcomes: Partial<AppliedEvents['outcomes']>,
  next: PaymentEventPlace | null = null,
): AppliedEvents {
  const none = { confirmed: 0, returned: 0, 'partly-returned': 0, unchanged: 0, unrelated: 0 }
  return { outcomes: { ...none, waits: 0, ...outcomes }, next }
}

/** Activities of `payment-events`; nothing is told unless said otherwise. */
export function fakePaymentEvents(
  change: Partial<PaymentEventsActivities> = {},
): PaymentEventsActivities {
  return {
    listMissedEvents: async () => ({ listed: 0, missed: 0 }),
    applyPaymentEvents: async () => appliedEvents({}),
    checkPayments: async () => ({
      checked: 0,
      confirmed: 0,
      returned: 0,
      stale: 0,
      hasMore: false,
    }),
    ...change,
  }
}

/** A case that is open, or has ended with `resolution`; the next look is in a second. */
export function tended(change: Partial<TendedCase> = {}): TendedCase {
  return {
    isOpen: true,
    state: 'OPEN',
    resolution: null,
    reason: 'NO_FINAL_DATA',
    assignee: null,
    isReleased: false,
    isEscalated: false,
    isReminded: false,
    policiesPaid: 0,
    policiesDenied: 0,
    wallMs: 1_000,
    ...change,
  }
}

/** What a case that has ended looks like. */
export function over(resolution: string): TendedCase {
  return tended({ isOpen: false, state: 'RESOLVED', resolution, wallMs: 0 })
}

/** Activities of `review-orchestration`: a quiet sweep; a case that is closed at the second look. */
export function fakeReviewOrchestration(
  change: Partial<ReviewOrchestrationActivities> = {},
): ReviewOrchestrationActivities {
  let looks = 0
  return {
    sweepReviews: async () => ({ closed: 0, started: 0, ended: 0, open: 0, waiting: 0 }),
    tendReview: async () => {
      looks += 1
      return looks === 1 ? tended() : over('DECIDED_BY_DATA')
    },
    decideReview: async ({ caseId }) => ({
      caseId,
      state: 'RESOLVED',
      assignee: null,
      resolution: 'PAID',
      awaitsSecondPerson: false,
      waitUntil: null,
      policiesPaid: 1,
      policiesDenied: 0,
      payoutsCreated: 1,
    }),
    ...change,
  }
}

/** Activities of `book-verification`: a sound book of twenty decisions on ten legs. */
export function fakeBookVerification(
  change: Partial<BookVerificationActivities> = {},
): BookVerificationActivities {
  return {
    checkBook: async () => ({ breaks: [], checked: ['I1', 'I2'] }),
    replayEvaluations: async () => ({
      legs: 10,
      evaluations: 20,
      ofOtherRules: 0,
      breaks: [],
      next: null,
    }),
    tellBreaks: async ({ breaks }) => ({ casesOpened: breaks.length, casesClosed: 0 }),
    ...change,
  }
}

/** Activities of `maintenance`. */
export function fakeMaintenance(
  change: Partial<MaintenanceActivities> = {},
): MaintenanceActivities {
  return {
    maintainDatabase: async ({ task }) => ({
      task,
      done: ['flight_leg', 'policy'],
      skipped: [],
      bytesBefore: 2_000,
      bytesAfter: 1_000,
    }),
    ...change,
  }
}

/** Steps of jobs with limits: everybody has a place at once. */
export function fakeJobPlaces(): JobPlaceActivities {
  return {
    askForPlace: async () => ({ isGranted: true, startInMs: 0 }),
    releasePlace: async () => undefined,
  }
}

/** One page of `correction-watch`; nothing is due unless said otherwise. */
export function correctionPage(change: Partial<CorrectionPage> = {}): CorrectionPage {
  return { looked: 0, asked: 0, failed: 0, higher: 0, lower: 0, isComplete: true, ...change }
}

/** What a check of providers found; `down` of them do not answer. */
export function checkedProviders(
  down: number,
): Awaited<ReturnType<ProviderHealthCheckActivities['checkProviders']>> {
  const providers = ['aeroapi', 'stripe'].map((provider, i) =>
    i < down
      ? { provider, state: 'DOWN', reason: 'NO_ANSWER' }
      : { provider, state: 'UP', reason: 'ANSWERS' },
  )
  return { up: 2 - down, degraded: 0, down, changes: down, providers }
}

/** Activities of `provider-health-check`; everything answers. */
export function fakeProviderHealthCheck(
  change: Partial<ProviderHealthCheckActivities> = {},
): ProviderHealthCheckActivities {
  return { checkProviders: async () => checkedProviders(0), ...change }
}

/** A part of a refresh that had `wanted` stale entries, of which `failed` could not be refreshed. */
export function refreshedPart(wanted: number, failed = 0) {
  const error = failed === 0 ? null : 'UNAVAILABLE: no answer'
  return { wanted, refreshed: wanted - failed, failed, error }
}

/** Activities of `cache-refresh`; a few entries of each part are refreshed. */
export function fakeCacheRefresh(
  change: Partial<CacheRefreshActivities> = {},
): CacheRefreshActivities {
  return {
    refreshFlights: async () => refreshedPart(4),
    refreshWeather: async () => refreshedPart(3),
    refreshAirports: async () => refreshedPart(0),
    removeExpiredEntries: async () => ({ removed: 2 }),
    lookAtTimetable: async () => refreshedPart(5),
    ...change,
  }
}

/** Activities of `outbox-and-run-projection`: one run moved in each pass. */
export function fakeOutboxAndRunProjection(
  change: Partial<OutboxAndRunProjectionActivities> = {},
): OutboxAndRunProjectionActivities {
  return {
    projectRuns: async () => ({
      until: BUSINESS_NOW,
      isCurrent: true,
      listed: 3,
      changed: 1,
      endsRead: 0,
      pruned: 0,
      letters: { opened: 0, covered: 0, recovered: 0, archived: 0 },
      fires: null,
    }),
    ...change,
  }
}

/** Activities of `coverage-arming`; the switch stood elsewhere. */
export function fakeCoverageArming(
  change: Partial<CoverageArmingActivities> = {},
): CoverageArmingActivities {
  return { switchCover: async () => ({ outcome: 'switched', at: BUSINESS_NOW }), ...change }
}
