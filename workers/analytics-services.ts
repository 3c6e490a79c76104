/** What the jobs of figures and reports work with. */
import { createDailyAnalyticsActivities } from '../activities/daily-analytics.ts'
import { createHourlyMetricsActivities } from '../activities/hourly-metrics.ts'
import { loadDelayHistory } from '../adapters/rates/delay-history.ts'
import type { Database } from '../db/client.ts'
import { createAnalyticsStore } from '../db/stores/analytics-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { createExpectedRates } from '../operations/expected-rates.ts'
import { createSystemClock } from '../platform/clock/system-clock.ts'
import type { Events } from '../platform/events.ts'
import type { ActivitiesByJob } from './queues.ts'

/** The activities of these jobs. */
export function createAnalyticsActivities(deps: {
  readonly db: Database
  readonly clock: Clock
  readonly clockSpeed: () => Promise<number>
  readonly events: Events
}): Pick<ActivitiesByJob, 'hourly-metrics' | 'daily-analytics'> {
  const analyticsStore = createAnalyticsStore(deps.db)
  const measuring = {
    ...deps,
    analyticsStore,
    expectedRates: createExpectedRates({ analyticsStore, delayHistory: loadDelayHistory }),
    wallClock: createSystemClock(),
  }
  return {
    'hourly-metrics': createHourlyMetricsActivities(measuring),
    'daily-analytics': createDailyAnalyticsActivities(measuring),
  }
}
