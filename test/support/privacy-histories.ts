/** Fakes and recorded cases of the jobs about persons' data, for `history-cases.ts` and the workflow tests. */
import type { PrivacyExportCleanupActivities } from '../../activities/privacy-export-cleanup.ts'
import type { PrivacyRequestCleanupActivities } from '../../activities/privacy-request-cleanup.ts'
import type { PrivacyRequestActivities } from '../../activities/privacy-request.ts'
import { parseInstant } from '../../domain/time.ts'
import type { FulfilledRequest } from '../../operations/fulfil-privacy-request.ts'
import type { HistoryCase } from './history-cases.ts'
import type { Activities } from './temporal-rig.ts'

type Shared = {
  readonly inTurn: <T>(...answers: readonly T[]) => () => Promise<T>
  readonly failingOnce: <T>(answer: T) => () => Promise<T>
}

/** The request of the recordings. */
export const REQUEST_ID = '0b6f0b3e-6a53-4a0b-9d8e-3c1f5b8f4a11'

/** What was older than this moment goes. */
export const PRIVACY_PLAN = { before: parseInstant('2026-01-01T02:00:00Z'), batchSize: 1_000 }

/** A copy was made. */
export const COPIED: FulfilledRequest = { outcome: 'fulfilled', bytes: 4_000 }

/** A person was erased. */
export const ERASED: FulfilledRequest = { outcome: 'fulfilled', bytes: 0 }

/** An erasure that waits; a second is the shortest wait that a server keeps. */
export const WAITING: FulfilledRequest = {
  outcome: 'deferred',
  block: 'LIVE_POLICIES',
  lookAgainMs: 1_000,
}

/** A month went by, and cover was still live. */
export const TURNED_DOWN: FulfilledRequest = {
  outcome: 'refused',
  reason: 'cover is still in force (1)',
}

/** Activities of `privacy-request`: a copy is made at once. */
export function fakePrivacyRequest(
  change: Partial<PrivacyRequestActivities> = {},
): PrivacyRequestActivities {
  return { answerRequest: async () => COPIED, ...change }
}

const TEN = { items: 10, bytes: 1_000, isComplete: true }
const MANY = { items: 20_000, bytes: 2_000_000, isComplete: false }
const SEVEN = { items: 7, bytes: 700, isComplete: true }

/** Activities of `privacy-export-cleanup`: ten files have had their time, three requests are open. */
export function fakeExportCleanup(
  change: Partial<PrivacyExportCleanupActivities> = {},
): PrivacyExportCleanupActivities {
  return {
    planExportCleanup: async () => PRIVACY_PLAN,
    removeExports: async () => TEN,
    countExports: async () => TEN,
    tendRequests: async () => ({ open: 3, dueSoon: 1, overdue: 1 }),
    ...change,
  }
}

/** Activities of `privacy-request-cleanup`: ten requests have had their time. */
export function fakeRequestCleanup(
  change: Partial<PrivacyRequestCleanupActivities> = {},
): PrivacyRequestCleanupActivities {
  return {
    planRequestCleanup: async () => PRIVACY_PLAN,
    archiveRequests: async () => TEN,
    countRequests: async () => TEN,
    ...change,
  }
}

/** The runs whose histories are recorded. */
export function privacyCases({ inTurn, failingOnce }: Shared): HistoryCase[] {
  return [
    ...requestCases({ inTurn, failingOnce }),
    ...cleanupCases(
      'privacy-export-cleanup',
      (step) => fakeExportCleanup({ removeExports: step }),
      {
        inTurn,
        failingOnce,
      },
    ),
    ...cleanupCases(
      'privacy-request-cleanup',
      (step) => fakeRequestCleanup({ archiveRequests: step }),
      { inTurn, failingOnce },
    ),
  ]
}

function requestCases({ inTurn, failingOnce }: Shared): HistoryCase[] {
  const answers = {
    fulfilled: () => inTurn(COPIED),
    deferred: () => inTurn(WAITING, WAITING, ERASED),
    refused: () => inTurn(WAITING, TURNED_DOWN),
    'step-retried': () => failingOnce(COPIED),
  }
  return Object.entries(answers).map(([name, answer]) => ({
    job: 'privacy-request',
    name,
    input: { requestId: REQUEST_ID },
    activities: () => fakePrivacyRequest({ answerRequest: answer() }),
  }))
}

function cleanupCases(
  job: string,
  fakes: (step: () => Promise<typeof TEN>) => Activities,
  { inTurn, failingOnce }: Shared,
): HistoryCase[] {
  return [
    { job, name: 'some-aged', input: {}, activities: () => fakes(inTurn(TEN)) },
    { job, name: 'dry-run', input: { isDryRun: true }, activities: () => fakes(inTurn(TEN)) },
    { job, name: 'two-steps', input: {}, activities: () => fakes(inTurn(MANY, SEVEN)) },
    { job, name: 'step-retried', input: {}, activities: () => fakes(failingOnce(SEVEN)) },
  ]
}
