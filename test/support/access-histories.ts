/** Fakes and recorded cases of the jobs that clean up after signing in, for `history-cases.ts` and the workflow tests. */
import type { DpopReplayCacheCleanupActivities } from '../../activities/dpop-replay-cache-cleanup.ts'
import type { SessionCleanupActivities } from '../../activities/session-cleanup.ts'
import { SESSION_CLASSES, type SessionClass } from '../../domain/session-retention.ts'
import { parseInstant } from '../../domain/time.ts'
import type { HistoryCase } from './history-cases.ts'

type Shared = {
  readonly inTurn: <T>(...answers: readonly T[]) => () => Promise<T>
  readonly failingOnce: <T>(answer: T) => () => Promise<T>
}

/** What was older than this moment goes. */
export const SESSION_CUT_AT = parseInstant('2026-01-01T03:00:00Z')

/** A plan of these classes; all when none is named. */
export function sessionPlan(...classes: readonly SessionClass[]) {
  const named = classes.length === 0 ? SESSION_CLASSES : classes
  return { batchSize: 1_000, cuts: named.map((name) => ({ class: name, before: SESSION_CUT_AT })) }
}

/** Activities of `session-cleanup`: every class has ten rows of a hundred bytes that had their time. */
export function fakeSessionCleanup(
  change: Partial<SessionCleanupActivities> = {},
): SessionCleanupActivities {
  const ten = { items: 10, bytes: 1_000, isComplete: true }
  return {
    planSessionCleanup: async () => sessionPlan(),
    cleanUpSessions: async () => ten,
    countSessions: async () => ten,
    ...change,
  }
}

/** Activities of `dpop-replay-cache-cleanup`: seven proofs have expired. */
export function fakeProofCleanup(
  change: Partial<DpopReplayCacheCleanupActivities> = {},
): DpopReplayCacheCleanupActivities {
  return { forgetExpiredProofs: async () => ({ removed: 7, isComplete: true }), ...change }
}

/** The runs of both jobs whose histories are recorded. */
export function accessCases({ inTurn, failingOnce }: Shared): HistoryCase[] {
  const job = 'session-cleanup'
  const seven = { items: 7, bytes: 700, isComplete: true }
  return [
    { job, name: 'all-classes', input: {}, activities: () => fakeSessionCleanup() },
    {
      job,
      name: 'one-user',
      input: { userName: 'ann' },
      activities: () =>
        fakeSessionCleanup({
          planSessionCleanup: async () => ({
            batchSize: 1_000,
            cuts: [{ class: 'sessions', before: SESSION_CUT_AT, userName: 'ann' }],
          }),
        }),
    },
    {
      job,
      name: 'dry-run',
      input: { isDryRun: true },
      activities: () => fakeSessionCleanup(),
    },
    {
      job,
      name: 'two-steps',
      input: {},
      activities: () =>
        fakeSessionCleanup({
          planSessionCleanup: async () => sessionPlan('sessions'),
          cleanUpSessions: inTurn({ items: 20_000, bytes: 2_000_000, isComplete: false }, seven),
        }),
    },
    {
      job,
      name: 'step-retried',
      input: {},
      activities: () =>
        fakeSessionCleanup({
          planSessionCleanup: async () => sessionPlan('mail-codes'),
          cleanUpSessions: failingOnce(seven),
        }),
    },
    {
      job: 'dpop-replay-cache-cleanup',
      name: 'some-expired',
      input: {},
      activities: () => fakeProofCleanup(),
    },
    {
      job: 'dpop-replay-cache-cleanup',
      name: 'step-retried',
      input: {},
      activities: () =>
        fakeProofCleanup({ forgetExpiredProofs: failingOnce({ removed: 7, isComplete: true }) }),
    },
  ]
}
