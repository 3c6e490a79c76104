/** Cases of `coverage-arming` for `history-cases.ts`. */
import { BUSINESS_NOW, fakeCoverageArming } from './fake-activities.ts'
import type { HistoryCase } from './history-cases.ts'

const DISARMING = { product: 'FD45', action: 'disarm', by: 'user:ana', reason: 'storm' }

type Shared = { readonly failingOnce: <T>(answer: T) => () => Promise<T> }

/** The runs of `coverage-arming` whose histories are recorded. */
export function armingCases({ failingOnce }: Shared): HistoryCase[] {
  const job = 'coverage-arming'
  return [
    { job, name: 'disarmed', input: DISARMING, activities: () => fakeCoverageArming() },
    {
      job,
      name: 'missed',
      input: { ...DISARMING, dueAt: '2026-03-02T06:00:00Z', toleranceMin: 10 },
      activities: () =>
        fakeCoverageArming({ switchCover: async () => ({ outcome: 'missed', at: BUSINESS_NOW }) }),
    },
    {
      job,
      name: 'step-retried',
      input: DISARMING,
      activities: () => {
        const switchCover = failingOnce({ outcome: 'unchanged', at: BUSINESS_NOW } as const)
        return fakeCoverageArming({ switchCover })
      },
    },
  ]
}
