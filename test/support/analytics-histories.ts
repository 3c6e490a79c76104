/** Fakes and recorded cases of the jobs that measure periods and write reports. */
import type { MeasuredPeriods } from '../../domain/ports/analytics-store.ts'
import type { HistoryCase } from './history-cases.ts'
import type { Activities } from './temporal-rig.ts'

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

/** The runs whose histories are recorded. */
export function analyticsCases({ inTurn, failingOnce }: Shared): HistoryCase[] {
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
