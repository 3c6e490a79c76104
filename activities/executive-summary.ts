/** The steps of `executive-summary`, as Temporal calls them. Thin: what they do is in operations/. */
import type { MeasuredPeriods } from '../domain/ports/analytics-store.ts'
import { measureNamed, type MeasureStepDeps } from '../operations/measure-named.ts'
import {
  writeFigureReport,
  type WriteReportDeps,
  type WrittenReport,
} from '../operations/write-report.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** The activities of `executive-summary`. May be repeated: the same figures are the same files, told once. */
export function createExecutiveSummaryActivities(deps: MeasureStepDeps & WriteReportDeps) {
  return mapFailures({
    /** Measures a named month, or the next ones that are missing. */
    async measureMonths(request: {
      readonly period?: string
      readonly limit: number
    }): Promise<MeasuredPeriods> {
      using heartbeats = startHeartbeats(request.limit)
      return await measureNamed(deps, { ...request, kind: 'month' }, heartbeats)
    },

    /** Writes the files of a month and tells operators. Null when nothing is kept of it. */
    async writeMonth(request: {
      readonly period: string
    }): Promise<(WrittenReport & { readonly isTold: boolean }) | null> {
      using _heartbeats = startHeartbeats()
      return await writeFigureReport(deps, { ...request, report: 'executive-summary' })
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type ExecutiveSummaryActivities = ReturnType<typeof createExecutiveSummaryActivities>
