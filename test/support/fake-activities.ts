/**
 * Activities without a world behind them: each answers what the test says, and the calls are kept.
 * The defaults are a quiet day.
 */
import type { DecidedPage, FlightMonitorActivities } from '../../activities/flight-monitor.ts'
import type { MaintenanceActivities } from '../../activities/maintenance.ts'
import type { OutboxAndRunProjectionActivities } from '../../activities/outbox-and-run-projection.ts'
import type { PayoutActivities, Submission } from '../../activities/payout.ts'
import type { ExpiryStep, PolicyExpirationActivities } from '../../activities/policy-expiration.ts'
import type { ReconciliationActivities } from '../../activities/reconciliation.ts'
import type { Reconciled } from '../../domain/ports/reconciliation-store.ts'
import { parseInstant } from '../../domain/time.ts'

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
    inFlight: 0,
    breaks: {
      MISSING_IN_LEDGER: 0,
      DUPLICATE: 0,
      CCY_DIFF: 0,
      AMOUNT_DIFF: 0,
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
