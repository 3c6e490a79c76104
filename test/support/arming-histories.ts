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
      name: 'step-retried',
      input: DISARMING,
      activities: () =>
        fakeCoverageArming({ switchCover: failingOnce({ isChanged: false, at: BUSINESS_NOW }) }),
    },
  ]
}
