/** The step of `daily-analytics`, as Temporal calls it. Thin: what it does is in operations/. */
import type { MeasuredPeriods } from '../domain/ports/analytics-store.ts'
import { measureNamed, type MeasureStepDeps } from '../operations/measure-named.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** The activities of `daily-analytics`. May be repeated: the same figures again change nothing. */
export function createDailyAnalyticsActivities(deps: MeasureStepDeps) {
  return mapFailures({
    /** Measures a named day, or the next ones that are missing. */
    async measureDays(request: {
      readonly period?: string
      readonly limit: number
    }): Promise<MeasuredPeriods> {
      using heartbeats = startHeartbeats(request.limit)
      return await measureNamed(deps, { ...request, kind: 'day' }, heartbeats)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type DailyAnalyticsActivities = ReturnType<typeof createDailyAnalyticsActivities>
