/** Fakes and recorded cases of the jobs that keep tables and files small, for `history-cases.ts` and the workflow tests. */
import { ApplicationFailure } from '@temporalio/common'

import type { CleanupActivities } from '../../activities/cleanup.ts'
import { RETENTION_CLASSES, type RetentionClass } from '../../domain/retention.ts'
import { parseInstant } from '../../domain/time.ts'
import { fakeMaintenance } from './fake-activities.ts'
import type { HistoryCase } from './history-cases.ts'
import type { Activities } from './temporal-rig.ts'

type Shared = {
  readonly inTurn: <T>(...answers: readonly T[]) => () => Promise<T>
  readonly failingOnce: <T>(answer: T) => () => Promise<T>
}

/** What had its time before this moment goes. */
export const CUT_AT = parseInstant('2026-01-01T02:00:00Z')

/** A plan of these classes; all when none is named. */
export function cleanupPlan(...classes: readonly RetentionClass[]) {
  const named = classes.length === 0 ? RETENTION_CLASSES : classes
  return { batchSize: 1_000, cuts: named.map((name) => ({ class: name, before: CUT_AT })) }
}

/** Activities of `cleanup`: every class has ten things of a hundred bytes that had their time. */
export function fakeCleanup(change: Partial<CleanupActivities> = {}): CleanupActivities {
  const ten = { items: 10, bytes: 1_000, isComplete: true }
  return {
    planCleanup: async () => cleanupPlan(),
    cleanUp: async () => ten,
    countAged: async () => ten,
    ...change,
  }
}

/** A step that the database refuses for one class and that goes well for all others. */
export function refusedFor(refused: RetentionClass): CleanupActivities['cleanUp'] {
  return async ({ class: name }) => {
    if (name !== refused) return { items: 10, bytes: 1_000, isComplete: true }
    throw ApplicationFailure.nonRetryable('constraint violated', 'DatabaseRefused')
  }
}

/** Activities of `audit-log-archive`: nothing is due. */
export function fakeAuditLogArchive(change: Activities = {}): Activities {
  return {
    writeAuditArchive: async () => null,
    removeArchivedEvents: async () => 10_000,
    ...change,
  }
}

/** The runs of `audit-log-archive` whose histories are recorded. */
export function auditArchiveCases({ inTurn, failingOnce }: Shared): HistoryCase[] {
  const job = 'audit-log-archive'
  const archive = (lastPosition: number) => ({ lastPosition, bytes: 400_000 })
  return [
    { job, name: 'nothing-due', input: {}, activities: () => fakeAuditLogArchive() },
    {
      job,
      name: 'two-archives',
      input: {},
      activities: () =>
        fakeAuditLogArchive({
          writeAuditArchive: inTurn(archive(10_000), archive(20_000), null),
        }),
    },
    {
      job,
      name: 'step-retried',
      input: {},
      activities: () =>
        fakeAuditLogArchive({
          writeAuditArchive: inTurn(archive(10_000), null),
          removeArchivedEvents: failingOnce(10_000),
        }),
    },
  ]
}

/** The runs of `cleanup` whose histories are recorded. */
export function cleanupCases({ inTurn, failingOnce }: Shared): HistoryCase[] {
  return [
    { job: 'cleanup', name: 'all-classes', input: {}, activities: () => fakeCleanup() },
    { job: 'cleanup', name: 'dry-run', input: { isDryRun: true }, activities: () => fakeCleanup() },
    {
      job: 'cleanup',
      name: 'two-steps',
      input: { what: ['expired'], olderThanDays: 3 },
      activities: () =>
        fakeCleanup({
          planCleanup: async () => cleanupPlan('idempotent-requests'),
          cleanUp: inTurn(
            { items: 20_000, bytes: 4_000_000, isComplete: false },
            { items: 7, bytes: 1_400, isComplete: true },
          ),
        }),
    },
    {
      job: 'cleanup',
      name: 'step-retried',
      input: { what: ['files'] },
      activities: () =>
        fakeCleanup({
          planCleanup: async () => cleanupPlan('files'),
          cleanUp: failingOnce({ items: 7, bytes: 70, isComplete: true }),
        }),
    },
  ]
}

/** The runs of `maintenance` whose histories are recorded. */
export function maintenanceCases({ inTurn }: Pick<Shared, 'inTurn'>): HistoryCase[] {
  return [
    {
      job: 'maintenance',
      name: 'analyze',
      input: { task: 'analyze' },
      activities: () => fakeMaintenance(),
    },
    {
      job: 'maintenance',
      name: 'lock-not-had',
      input: { task: 'vacuum', tables: ['policy'] },
      activities: () =>
        fakeMaintenance({
          maintainDatabase: async ({ task }) => ({
            task,
            done: [],
            skipped: [{ table: 'policy', reason: 'its lock was not to be had in time' }],
            bytesBefore: 2_000,
            bytesAfter: 2_000,
          }),
        }),
    },
    {
      job: 'maintenance',
      name: 'place-had-at-once',
      input: { task: 'analyze' },
      activities: () => fakeMaintenance(),
    },
    {
      job: 'maintenance',
      name: 'place-waited-for',
      input: { task: 'vacuum' },
      activities: () => ({
        ...fakeMaintenance(),
        askForPlace: inTurn(
          { isGranted: false, ahead: 1, held: 1, lookInMs: 1_000 },
          { isGranted: false, ahead: 0, held: 1, lookInMs: 1_000 },
          { isGranted: true, startInMs: 1_000 },
        ),
      }),
    },
  ]
}
