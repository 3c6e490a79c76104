/**
 * The runs whose histories are recorded for replay tests: one per path through a workflow. Run by
 * `scripts/record-histories.ts`; what they prove beyond replay is tested in `test/workflows`.
 */
import { setTimeout as delay } from 'node:timers/promises'

import { ApplicationFailure } from '@temporalio/common'

import { findJob } from '../../jobs/registry.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import {
  allMatched,
  allSettled,
  appliedEvents,
  BUSINESS_NOW,
  correctionPage,
  expiryStep,
  fakeFlightMonitor,
  fakePaymentEvents,
  fakePayout,
  fakePolicyExpiration,
  fakeReconciliation,
} from './fake-activities.ts'
import { healthCases, projectionCases, refreshCases } from './platform-histories.ts'
import { accessCases } from './access-histories.ts'
import { instanceCases } from './instance-histories.ts'
import { auditArchiveCases, cleanupCases, maintenanceCases } from './retention-histories.ts'
import { analyticsCases } from './analytics-histories.ts'
import { armingCases } from './arming-histories.ts'
import { privacyCases } from './privacy-histories.ts'
import { rotationCases } from './secret-histories.ts'
import { verificationCases } from './verification-histories.ts'
import { reviewCases } from './review-histories.ts'
import { NOTIFICATION_CASES } from './fake-notifications.ts'
import type { Activities, TemporalRig } from './temporal-rig.ts'

export type HistoryCase = {
  readonly job: string
  /** As the job's `histories` names it. */
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
  /** Fresh ones for each run: some answer differently each time. */
  readonly activities: () => Activities
  /** Starts it, and gives its id; left out: as a person starts a run. */
  readonly start?: (rig: TemporalRig) => Promise<string>
  /** It ends by failing. */
  readonly isFailing?: boolean
  /** What an operator does while the run is open. */
  readonly operate?: (rig: TemporalRig, workflowId: string) => Promise<void>
}

const BATCH_ID = '5f0c6a52-2f0e-5d1c-8a37-6f1f3f0e9c01'
const payoutIds = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `5f0c6a52-2f0e-5d1c-8a37-${String(i).padStart(12, '0')}`)

/** What an operator says with an update. */
export const NOTE = { by: 'ines', reason: 'checked with the rail' }

/** Answers one after the other; the last one stays. */
export function inTurn<T>(...answers: readonly T[]): () => Promise<T> {
  let next = 0
  return async () => {
    const answer = answers[Math.min(next, answers.length - 1)]
    next += 1
    if (answer === undefined) throw new Error('no answer given')
    return answer
  }
}

/** Fails for a moment, then answers. */
export function failingOnce<T>(answer: T): () => Promise<T> {
  let tries = 0
  return async () => {
    tries += 1
    if (tries === 1) throw ApplicationFailure.retryable('gone for a moment', 'DatabaseUnavailable')
    return answer
  }
}

const storm = {
  evaluations: 3,
  policiesPaid: 400,
  policiesNotPaid: 20,
  policiesInReview: 1,
  payoutsCreated: 400,
}

const shards = [
  ['leg-1', 'leg-2'],
  ['leg-3', 'leg-4'],
]

const MONITOR_CASES: readonly HistoryCase[] = [
  { job: 'flight-monitor', name: 'empty-tick', input: {}, activities: () => fakeFlightMonitor() },
  {
    job: 'flight-monitor',
    name: 'storm-tick',
    input: {},
    activities: () =>
      fakeFlightMonitor({
        claimDueLegs: async () => ({ now: BUSINESS_NOW, due: 4, claimed: 4, shards }),
        pollLegs: async ({ legIds }) => ({
          polled: 2,
          changed: 2,
          failed: 0,
          decidableLegIds: legIds,
        }),
        decideLegs: async () => storm,
        startPayouts: async () => ({ batchesStarted: 1 }),
      }),
  },
  {
    job: 'flight-monitor',
    name: 'one-policy',
    input: { policyId: 'P-1' },
    activities: () => fakeFlightMonitor(),
  },
  {
    job: 'flight-monitor',
    name: 'failed-shard',
    input: {},
    activities: () =>
      fakeFlightMonitor({
        claimDueLegs: async () => ({ now: BUSINESS_NOW, due: 4, claimed: 4, shards }),
        pollLegs: async ({ legIds }) => {
          if (legIds[0] === 'leg-1')
            throw ApplicationFailure.nonRetryable('bad shard', 'Unexpected')
          return { polled: 2, changed: 0, failed: 0, decidableLegIds: [] }
        },
      }),
  },
]

const PAYOUT_CASES: readonly HistoryCase[] = [
  {
    job: 'payout',
    name: 'batch-settled',
    input: { batchId: BATCH_ID },
    activities: () => fakePayout(),
  },
  {
    job: 'payout',
    name: 'rail-outage',
    input: { batchId: BATCH_ID },
    activities: () =>
      fakePayout({
        submitPayouts: inTurn(
          { settled: 1, rejectedPayoutIds: [], unknownPayoutIds: payoutIds(9) },
          { settled: 1, rejectedPayoutIds: [], unknownPayoutIds: payoutIds(9) },
          { settled: 1, rejectedPayoutIds: [], unknownPayoutIds: payoutIds(9) },
          allSettled(10),
        ),
      }),
  },
  {
    job: 'payout',
    name: 'stragglers',
    input: { batchId: BATCH_ID },
    activities: () =>
      fakePayout({
        submitPayouts: async (target) =>
          'payoutIds' in target
            ? allSettled(1)
            : { settled: 8, rejectedPayoutIds: [], unknownPayoutIds: payoutIds(2) },
      }),
  },
  {
    job: 'payout',
    name: 'held-then-approved',
    input: { batchId: BATCH_ID },
    activities: () => heldUntilApproved(),
    operate: async (rig, workflowId) => {
      await untilState(rig, workflowId, 'held')
      await rig.client.workflow.getHandle(workflowId).executeUpdate('approve', { args: [NOTE] })
    },
  },
  {
    job: 'payout',
    name: 'parked',
    input: { batchId: BATCH_ID },
    activities: () =>
      fakePayout({
        submitPayouts: inTurn(
          { settled: 0, rejectedPayoutIds: [], unknownPayoutIds: payoutIds(10) },
          allSettled(10),
        ),
        planPayoutRetry: async () => ({ action: 'park' }),
      }),
    operate: async (rig, workflowId) => {
      await untilState(rig, workflowId, 'parked')
      await rig.client.workflow.getHandle(workflowId).executeUpdate('retry', { args: [NOTE] })
    },
  },
  {
    job: 'payout',
    name: 'in-transit',
    input: { batchId: BATCH_ID },
    activities: () =>
      fakePayout({
        submitPayouts: inTurn(
          { settled: 2, rejectedPayoutIds: [], unknownPayoutIds: payoutIds(1), inTransit: 7 },
          { settled: 2, rejectedPayoutIds: [], unknownPayoutIds: [], inTransit: 8 },
        ),
      }),
  },
  {
    job: 'payout',
    name: 'one-payout',
    input: { payoutId: payoutIds(1)[0] },
    activities: () =>
      fakePayout({
        submitPayouts: inTurn(
          { settled: 0, rejectedPayoutIds: [], unknownPayoutIds: payoutIds(1) },
          allSettled(1),
        ),
      }),
  },
]

/** Where a sweep goes on. */
export const NEXT_PLACE = { coverEnd: BUSINESS_NOW, policyId: BATCH_ID }

const EXPIRATION_CASES: readonly HistoryCase[] = [
  {
    job: 'policy-expiration',
    name: 'nothing-due',
    input: {},
    activities: () => fakePolicyExpiration(),
  },
  {
    job: 'policy-expiration',
    name: 'two-steps',
    input: {},
    activities: () =>
      fakePolicyExpiration({
        expirePolicies: inTurn(
          expiryStep(10_000, { after: NEXT_PLACE, isComplete: false }),
          expiryStep(12, { held: 3, waiting: 2, inReview: 1 }),
        ),
      }),
  },
  {
    job: 'policy-expiration',
    name: 'step-retried',
    input: {},
    activities: () => fakePolicyExpiration({ expirePolicies: failingOnce(expiryStep(4)) }),
  },
]

const RECONCILIATION_CASES: readonly HistoryCase[] = [
  {
    job: 'reconciliation',
    name: 'all-matched',
    input: {},
    activities: () => fakeReconciliation(),
  },
  {
    job: 'reconciliation',
    name: 'many-pages-with-breaks',
    input: { since: '2013-02-01T00:00:00.000Z' },
    activities: () =>
      fakeReconciliation({
        listTransfers: inTurn({ listed: 5_000, next: 'tr_1' }, { listed: 12, next: null }),
        compareTransfers: async ({ listed }) =>
          allMatched(listed, { matched: 5_010, casesOpened: 2 }),
      }),
  },
  {
    job: 'reconciliation',
    name: 'rail-away-for-a-moment',
    input: {},
    activities: () =>
      fakeReconciliation({ listTransfers: failingOnce({ listed: 10, next: null }) }),
  },
]

/** Where a page of events ended. */
export const NEXT_EVENT = { occurredAt: BUSINESS_NOW, eventId: 'evt_200' }

const PAYMENT_EVENT_CASES: readonly HistoryCase[] = [
  {
    job: 'payment-events',
    name: 'nothing-new',
    input: {},
    activities: () => fakePaymentEvents(),
  },
  {
    job: 'payment-events',
    name: 'returned-and-confirmed',
    input: {},
    activities: () =>
      fakePaymentEvents({
        listMissedEvents: async () => ({ listed: 250, missed: 201 }),
        applyPaymentEvents: inTurn(
          appliedEvents({ returned: 150, unchanged: 50 }, NEXT_EVENT),
          appliedEvents({ returned: 1, waits: 1 }),
        ),
        checkPayments: inTurn(
          { checked: 200, confirmed: 190, returned: 1, stale: 0, hasMore: true },
          { checked: 10, confirmed: 9, returned: 0, stale: 1, hasMore: false },
        ),
      }),
  },
  {
    job: 'payment-events',
    name: 'rail-away',
    input: {},
    activities: () =>
      fakePaymentEvents({ listMissedEvents: failingOnce({ listed: 0, missed: 0 }) }),
  },
]

export const HISTORY_CASES: readonly HistoryCase[] = [
  ...MONITOR_CASES,
  ...PAYOUT_CASES,
  ...maintenanceCases({ inTurn }),
  ...EXPIRATION_CASES,
  ...RECONCILIATION_CASES,
  {
    job: 'correction-watch',
    name: 'nothing-due',
    input: {},
    activities: () => ({ watchCorrections: inTurn(correctionPage()) }),
  },
  {
    job: 'correction-watch',
    name: 'pages-with-corrections',
    input: {},
    activities: () => ({
      watchCorrections: inTurn(
        correctionPage({ looked: 250, asked: 60, higher: 1, isComplete: false }),
        correctionPage({ looked: 12, asked: 3, failed: 1, lower: 2 }),
      ),
    }),
  },
  ...healthCases({ failingOnce }),
  ...refreshCases({ failingOnce }),
  ...PAYMENT_EVENT_CASES,
  ...reviewCases({ note: NOTE, inTurn, untilState }),
  ...verificationCases({ inTurn }),
  ...cleanupCases({ inTurn, failingOnce }),
  ...auditArchiveCases({ inTurn, failingOnce }),
  ...accessCases({ inTurn, failingOnce }),
  ...instanceCases({ failingOnce }),
  ...projectionCases({ failingOnce }),
  ...NOTIFICATION_CASES,
  ...armingCases({ failingOnce }),
  ...analyticsCases({ inTurn, failingOnce }),
  ...privacyCases({ inTurn, failingOnce }),
  ...rotationCases({ inTurn, failingOnce }),
]

/** Ten payouts that the kill switch holds until a person approves them. */
export function heldUntilApproved(): Activities {
  let isApproved = false
  return fakePayout({
    approvePayouts: async ({ approvedBy }) => {
      isApproved ||= approvedBy !== undefined
      return isApproved ? { approved: 10, held: 0 } : { approved: 0, held: 10 }
    },
    submitPayouts: async () => allSettled(isApproved ? 10 : 0),
    planPayoutRetry: async () => ({ action: 'wait', wallMs: 60_000 }),
  })
}

const STATE_TRIES = 400
const STATE_EVERY_MS = 50

/** Until the run says of itself that it is held, retrying or parked; 20 s at most. */
export async function untilState(
  rig: TemporalRig,
  workflowId: string,
  state: string,
): Promise<void> {
  const handle = rig.client.workflow.getHandle(workflowId)
  for (let i = 0; i < STATE_TRIES; i += 1) {
    if ((await handle.query<{ state: string }>('progress')).state === state) return
    await delay(STATE_EVERY_MS)
  }
  throw new Error(`${workflowId} did not become ${state}`)
}

function refuseSuccess(): never {
  throw new Error('it should have failed')
}

/** Runs a case to its end on a worker of its own; returns the workflow id. */
export async function runCase(rig: TemporalRig, one: HistoryCase): Promise<string> {
  const { job, input } = one
  return rig.withWorker(findJob(job)?.queue ?? job, one.activities(), async () => {
    const workflowId =
      (await one.start?.(rig)) ?? (await startJob(rig, { job, input, trigger: 'cli' })).workflowId
    await one.operate?.(rig, workflowId)
    const ended = rig.client.workflow.getHandle(workflowId).result()
    await (one.isFailing === true ? ended.then(refuseSuccess, () => undefined) : ended)
    return workflowId
  })
}
