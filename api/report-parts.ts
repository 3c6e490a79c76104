/** What the doors of figures and reports are built from. */
import { createReportFiles } from '../adapters/files/report-files.ts'
import { createAnalyticsStore } from '../db/stores/analytics-store.ts'
import { readFigures } from '../operations/read-figures.ts'
import type { ApiParts } from './parts.ts'
import type { ReportsDeps } from './rest/reports.ts'

/** Reads the reports' folder and the kept figures. */
export function reportsOf({ config, db }: Pick<ApiParts, 'config' | 'db'>): ReportsDeps {
  const analyticsStore = createAnalyticsStore(db)
  return {
    reports: createReportFiles(config.reportsDir),
    readFigures: (kind, period) => readFigures({ analyticsStore }, { kind, period }),
  }
}
