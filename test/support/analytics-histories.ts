/** Fakes and recorded cases of the jobs that measure periods and write reports. */
import { ApplicationFailure } from '@temporalio/common'

import type { MeasuredPeriods } from '../../domain/ports/analytics-store.ts'
import { DEFAULT_TERMS } from '../../jobs/job-environments.ts'
import type { DependencyVerdict } from '../../operations/judge-dependencies.ts'
import { parseInstant, type Instant } from '../../domain/time.ts'
import {
  createWatchedSchedules,
  firedWorkflowId,
} from '../../platform/temporal/watched-schedules.ts'
import type { HistoryCase } from './history-cases.ts'
import type { Activities, TemporalRig } from './temporal-rig.ts'

type Shared = {
  readonly inTurn: <T>(...answers: readonly T[]) => () => Promise<T>
  readonly failingOnce: <T>(answer: T) => () => Promise<T>
}

/** A step that measured three periods, and nothing is missing any more. */
export function measured(change: Partial<MeasuredPeriods> = {}): MeasuredPeriods {
  return {
    computed: 3,
    unchanged: 1,
    corrected: [],
    isComplete: true,
    latest: '2013-02-08',
    settlesInMs: null,
    ...change,
  }
}

/** The step of each job that only measures. */
export const MEASURING = {
  'hourly-metrics': 'measureHours',
  'daily-analytics': 'measureDays',
} as const

/** Activities of a job that only measures. */
export function fakeMeasuring(job: keyof typeof MEASURING, change: Activities = {}): Activities {
  return { [MEASURING[job]]: async () => measured(), ...change }
}

/** The steps of the jobs that measure and write. */
const FIGURE_REPORTS = {
  'weekly-trends': ['measureWeeks', 'writeWeek'],
  'executive-summary': ['measureMonths', 'writeMonth'],
} as const

/** A report that was written. */
export function written(report: string, period = '2013-02') {
  return { report, period, files: 3, bytes: 12_000, rows: 40, isChanged: true }
}

/** Activities of a job that measures and writes. */
export function fakeFigureReport(
  job: keyof typeof FIGURE_REPORTS,
  change: Activities = {},
): Activities {
  const [measure, write] = FIGURE_REPORTS[job]
  return {
    [measure]: async () => measured(),
    [write]: async ({ period }: { period: string }) => ({ ...written(job, period), isTold: true }),
    ...change,
  }
}

/** Activities of `report`; the month has settled. */
export function fakeReport(change: Activities = {}): Activities {
  return {
    takeTurn: async () => ({ kind: 'taken' }),
    planReports: async ({ period = '2013-02' }: { period?: string }) => ({
      period,
      settlesInMs: null,
    }),
    writeReport: async ({ report, period }: { report: string; period: string }) =>
      written(report, period),
    ...change,
  }
}

/** A report that is refused for good, and all others that go well. */
export function refusedReport(refused: string): Activities {
  return {
    writeReport: async ({ report, period }: { report: string; period: string }) => {
      if (report === refused) throw ApplicationFailure.nonRetryable('disk is full', 'Unexpected')
      return written(report, period)
    },
  }
}

/** Activities of `log-pruning` on a day on which one log had come to its size. */
export function fakeLogPruning(change: Activities = {}): Activities {
  return {
    rotateLogs: async () => ({ files: 1, bytes: 100_000_000, settlesInMs: 10 }),
    compressLogs: async () => ({ files: 2, bytesBefore: 200_000_000, bytesAfter: 9_000_000 }),
    removeLogs: async () => ({ files: 1, bytes: 4_000_000 }),
    ...change,
  }
}

function pruningCases({ failingOnce }: Shared): HistoryCase[] {
  const nothing = {
    rotateLogs: async () => ({ files: 0, bytes: 0, settlesInMs: null }),
    compressLogs: async () => ({ files: 0, bytesBefore: 0, bytesAfter: 0 }),
    removeLogs: async () => ({ files: 0, bytes: 0 }),
  }
  const job = 'log-pruning'
  return [
    { job, name: 'nothing-due', input: {}, activities: () => nothing },
    { job, name: 'rotated', input: {}, activities: () => fakeLogPruning() },
    {
      job,
      name: 'step-retried',
      input: {},
      activities: () => ({
        ...nothing,
        compressLogs: failingOnce({ files: 1, bytesBefore: 10, bytesAfter: 5 }),
      }),
    },
  ]
}

/** When the recorded runs were meant to start. */
const NOMINAL_AT = parseInstant('2026-03-01T02:00:33Z')

/** Starts a run as the job's schedule does; gives its workflow id. */
export async function fireScheduled(
  { client }: Pick<TemporalRig, 'client'>,
  name: string,
  nominalAt: Instant = NOMINAL_AT,
): Promise<string> {
  await createWatchedSchedules(client, DEFAULT_TERMS).fire(name, nominalAt)
  return firedWorkflowId(name, nominalAt)
}

/** Scheduled runs of a job that comes after another. */
function afterCases(job: keyof typeof FIGURE_REPORTS, inTurn: Shared['inTurn']): HistoryCase[] {
  const scheduled = (name: string, ...verdicts: readonly DependencyVerdict[]): HistoryCase => ({
    ...{ job, name, input: {}, start: (rig: TemporalRig) => fireScheduled(rig, job) },
    activities: () => fakeFigureReport(job, { checkDependencies: inTurn(...verdicts) }),
  })
  const reason = 'daily-analytics of 2026-03-01T00:00:00.000Z'
  return [
    scheduled('scheduled', { kind: 'succeeded' }),
    scheduled(
      'waited',
      { kind: 'waiting', reason: `${reason} is still open` },
      { kind: 'succeeded' },
    ),
    {
      ...scheduled('dependency-failed', { kind: 'failed', reason: `${reason} ended as failed` }),
      isFailing: true,
    },
  ]
}

function reportCases({ failingOnce, inTurn }: Shared): HistoryCase[] {
  const figureCases = Object.entries(FIGURE_REPORTS).flatMap(([name, [measure, write]]) => {
    const job = name as keyof typeof FIGURE_REPORTS // its own keys
    const corrected = ['2013-01-06']
    return [
      { job, name: 'written', input: {}, activities: () => fakeFigureReport(job) },
      {
        job,
        name: 'corrected',
        input: {},
        activities: () =>
          fakeFigureReport(job, {
            [measure]: async () => measured({ corrected, settlesInMs: null }),
          }),
      },
      {
        job,
        name: 'empty-book',
        input: {},
        activities: () => fakeFigureReport(job, { [write]: async () => null }),
      },
      {
        job,
        name: 'step-retried',
        input: {},
        activities: () => fakeFigureReport(job, { [write]: failingOnce(written(job)) }),
      },
      ...afterCases(job, inTurn),
    ]
  })
  return [
    ...figureCases,
    {
      job: 'report',
      name: 'all-three',
      input: {},
      activities: () =>
        fakeReport({ planReports: async () => ({ period: '2013-02', settlesInMs: 10 }) }),
    },
    {
      job: 'report',
      name: 'one-of-a-month',
      input: { what: ['audit'], period: '2013-02' },
      activities: () => fakeReport(),
    },
    {
      job: 'report',
      name: 'step-retried',
      input: { what: ['usage'] },
      activities: () => fakeReport({ writeReport: failingOnce(written('usage')) }),
    },
    {
      job: 'report',
      name: 'waited-its-turn',
      input: { what: ['usage'], period: '2013-02' },
      activities: () =>
        fakeReport({
          takeTurn: inTurn({ kind: 'waiting', behind: 'report:2013-02:2' }, { kind: 'taken' }),
        }),
    },
  ]
}

/** The runs whose histories are recorded. */
export function analyticsCases({ inTurn, failingOnce }: Shared): HistoryCase[] {
  return [
    ...measuringCases({ inTurn, failingOnce }),
    ...reportCases({ inTurn, failingOnce }),
    ...pruningCases({ inTurn, failingOnce }),
  ]
}

function measuringCases({ inTurn, failingOnce }: Shared): HistoryCase[] {
  return Object.entries(MEASURING).flatMap(([job, step]) => [
    {
      job,
      name: 'caught-up',
      input: {},
      activities: () => ({ [step]: async () => measured() }),
    },
    {
      job,
      name: 'two-steps',
      input: {},
      activities: () => ({
        [step]: inTurn(
          measured({ computed: 48, isComplete: false }),
          measured({ computed: 2, settlesInMs: 10 }),
          measured({ computed: 1, unchanged: 0, corrected: ['2013-02-07'] }),
        ),
      }),
    },
    {
      job,
      name: 'step-retried',
      input: {},
      activities: () => ({ [step]: failingOnce(measured()) }),
    },
  ])
}
