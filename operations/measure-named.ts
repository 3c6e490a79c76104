/** One step of a job that measures periods: the named one or those that are missing, and who is told. */
import { periodOf, type Period, type PeriodKind } from '../domain/analytics/period.ts'
import type { MeasuredPeriods } from '../domain/ports/analytics-store.ts'
import type { Instant } from '../domain/time.ts'
import type { Events } from '../platform/events.ts'
import { measurePeriods, type MeasureDeps } from './measure-periods.ts'

/** What a step works over. */
export type MeasureStepDeps = MeasureDeps & { readonly events: Pick<Events, 'periodsMeasured'> }

/** No period has this name, or it still goes on. Not retried. */
export class UnknownPeriodError extends Error {
  override readonly name = 'UnknownPeriodError'
}

/** Measures and tells. Throws UnknownPeriodError. */
export async function measureNamed(
  deps: MeasureStepDeps,
  request: { readonly kind: PeriodKind; readonly period?: string; readonly limit: number },
  progress: {
    readonly signal: AbortSignal
    readonly onProgress: (done: number, total: number) => void
  },
): Promise<MeasuredPeriods> {
  const { kind, limit, period: label } = request
  const period = label === undefined ? undefined : endedPeriod(kind, label, await deps.clock.now())
  const measured = await measurePeriods(
    deps,
    { kind, limit, ...(period === undefined ? {} : { period }) },
    { signal: progress.signal, onProgress: (done) => progress.onProgress(done, limit) },
  )
  deps.events.periodsMeasured({ kind, ...measured })
  return measured
}

/** The period of a name. Throws UnknownPeriodError when there is none, or when it has not ended by `now`. */
export function endedPeriod(kind: PeriodKind, label: string, now: Instant): Period {
  const period = periodOf(kind, label)
  if (period === null) throw new UnknownPeriodError(`there is no ${kind} ${label}`)
  if (period.endsAt <= now) return period
  throw new UnknownPeriodError(`the ${kind} ${label} ends at ${period.endsAt}: ask again then`)
}
