/** Cases of the platform's own jobs for `history-cases.ts`. */
import { ApplicationFailure } from '@temporalio/common'

import {
  BUSINESS_NOW,
  checkedProviders,
  fakeCacheRefresh,
  fakeOutboxAndRunProjection,
  fakeProviderHealthCheck,
  refreshedPart,
} from './fake-activities.ts'
import type { HistoryCase } from './history-cases.ts'

type Shared = { readonly failingOnce: <T>(answer: T) => () => Promise<T> }

/** The runs of `provider-health-check` whose histories are recorded. */
export function healthCases({ failingOnce }: Shared): HistoryCase[] {
  return [
    {
      job: 'provider-health-check',
      name: 'all-up',
      input: {},
      activities: () => fakeProviderHealthCheck(),
    },
    {
      job: 'provider-health-check',
      name: 'one-down',
      input: {},
      activities: () =>
        fakeProviderHealthCheck({ checkProviders: async () => checkedProviders(1) }),
    },
    {
      job: 'provider-health-check',
      name: 'database-away-for-a-moment',
      input: {},
      activities: () =>
        fakeProviderHealthCheck({ checkProviders: failingOnce(checkedProviders(0)) }),
    },
  ]
}

/** The runs of `cache-refresh` whose histories are recorded. */
export function refreshCases({ failingOnce }: Shared): HistoryCase[] {
  return [
    { job: 'cache-refresh', name: 'all-done', input: {}, activities: () => fakeCacheRefresh() },
    {
      job: 'cache-refresh',
      name: 'one-part-failed',
      input: {},
      activities: () =>
        fakeCacheRefresh({
          refreshWeather: async () => refreshedPart(3, 3),
          refreshAirports: async () => {
            throw ApplicationFailure.nonRetryable('no such table', 'DatabaseRefused')
          },
        }),
    },
    {
      job: 'cache-refresh',
      name: 'only-weather',
      input: { parts: ['weather'] },
      activities: () => fakeCacheRefresh(),
    },
    {
      job: 'cache-refresh',
      name: 'step-retried',
      input: {},
      activities: () => fakeCacheRefresh({ refreshFlights: failingOnce(refreshedPart(4)) }),
    },
    {
      job: 'cache-refresh',
      name: 'with-timetable',
      input: {},
      activities: () => fakeCacheRefresh(),
    },
  ]
}

/** The runs of `outbox-and-run-projection` whose histories are recorded. */
export function projectionCases({ failingOnce }: Shared): HistoryCase[] {
  return [
    {
      job: 'outbox-and-run-projection',
      name: 'quiet-minute',
      input: {},
      activities: () => fakeOutboxAndRunProjection(),
    },
    {
      job: 'outbox-and-run-projection',
      name: 'failed-pass',
      input: {},
      activities: () => {
        const letters = { opened: 0, covered: 0, recovered: 0, archived: 0 }
        const done = {
          until: BUSINESS_NOW,
          isCurrent: true,
          listed: 3,
          changed: 1,
          letters,
          fires: null,
        }
        return fakeOutboxAndRunProjection({
          projectRuns: failingOnce({ ...done, endsRead: 0, pruned: 0 }),
        })
      },
    },
  ]
}
