/** The step of `hourly-metrics`, as Temporal calls it. Thin: what it does is in operations/. */
import type { MeasuredPeriods } from '../domain/ports/analytics-store.ts'
import { measureNamed, type MeasureStepDeps } from '../operations/measure-named.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** The activities of `hourly-metrics`. May be repeated: the same figures again change nothing. */
export function createHourlyMetricsActivities(deps: MeasureStepDeps) {
  return mapFailures({
    /** Measures a named hour, or the next ones that are missing. */
    async measureHours(request: {
      readonly period?: string
      readonly limit: number
    }): Promise<MeasuredPeriods> {
      using heartbeats = startHeartbeats(request.limit)
      return await measureNamed(deps, { ...request, kind: 'hour' }, heartbeats)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type HourlyMetricsActivities = ReturnType<typeof createHourlyMetricsActivities>
