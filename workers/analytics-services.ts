/** What the jobs of figures and reports work with. */
import { createDailyAnalyticsActivities } from '../activities/daily-analytics.ts'
import { createHourlyMetricsActivities } from '../activities/hourly-metrics.ts'
import { createExecutiveSummaryActivities } from '../activities/executive-summary.ts'
import { createReportActivities } from '../activities/report.ts'
import { createWeeklyTrendsActivities } from '../activities/weekly-trends.ts'
import { createReportFiles } from '../adapters/files/report-files.ts'
import { loadDelayHistory } from '../adapters/rates/delay-history.ts'
import type { Config } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import { createAnalyticsStore } from '../db/stores/analytics-store.ts'
import { createOperatorNoticeStore } from '../db/stores/operator-notice-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { createExpectedRates } from '../operations/expected-rates.ts'
import { createSystemClock } from '../platform/clock/system-clock.ts'
import type { Events } from '../platform/events.ts'
import type { ActivitiesByJob } from './queues.ts'

type ReportingJob =
  | 'hourly-metrics'
  | 'daily-analytics'
  | 'weekly-trends'
  | 'executive-summary'
  | 'report'

/** The activities of these jobs. */
export function createAnalyticsActivities(deps: {
  readonly config: Pick<Config, 'reportsDir'>
  readonly db: Database
  readonly clock: Clock
  readonly clockSpeed: () => Promise<number>
  readonly events: Events
}): Pick<ActivitiesByJob, ReportingJob> {
  const analyticsStore = createAnalyticsStore(deps.db)
  const reporting = {
    ...deps,
    analyticsStore,
    expectedRates: createExpectedRates({ analyticsStore, delayHistory: loadDelayHistory }),
    wallClock: createSystemClock(),
    reportFiles: createReportFiles(deps.config.reportsDir),
    operatorNoticeStore: createOperatorNoticeStore(deps.db),
  }
  return {
    'hourly-metrics': createHourlyMetricsActivities(reporting),
    'daily-analytics': createDailyAnalyticsActivities(reporting),
    'weekly-trends': createWeeklyTrendsActivities(reporting),
    'executive-summary': createExecutiveSummaryActivities(reporting),
    report: createReportActivities(reporting),
  }
}
