/** The steps of `report`, as Temporal calls them. Thin: what they do is in operations/. */
import type { NamedReport } from '../domain/reports/reports.ts'
import {
  planReports as planMonth,
  writeNamedReport,
  type PlannedReports,
  type WriteReportDeps,
  type WrittenReport,
} from '../operations/write-report.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** The activities of `report`. May be repeated: the same month is the same files. */
export function createReportActivities(deps: WriteReportDeps) {
  return mapFailures({
    /** The month: the named one, or the last one that has ended. */
    planReports: (request: { readonly period?: string }): Promise<PlannedReports> =>
      planMonth(deps, request),

    /** Writes one report of a month. */
    async writeReport(request: {
      readonly report: NamedReport
      readonly period: string
    }): Promise<WrittenReport> {
      using _heartbeats = startHeartbeats()
      return await writeNamedReport(deps, request)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type ReportActivities = ReturnType<typeof createReportActivities>
