/** One step of a job that measures periods: the named one or those that are missing, and who is told. */
import { periodOf, type PeriodKind } from '../domain/analytics/period.ts'
import type { MeasuredPeriods } from '../domain/ports/analytics-store.ts'
import type { Events } from '../platform/events.ts'
import { measurePeriods, type MeasureDeps } from './measure-periods.ts'

/** What a step works over. */
export type MeasureStepDeps = MeasureDeps & { readonly events: Pick<Events, 'periodsMeasured'> }

/** No period has this name. Not retried. */
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
  const period = label === undefined ? undefined : periodOf(kind, label)
  if (period === null) throw new UnknownPeriodError(`there is no ${kind} ${label}`)
  const measured = await measurePeriods(
    deps,
    { kind, limit, ...(period === undefined ? {} : { period }) },
    { signal: progress.signal, onProgress: (done) => progress.onProgress(done, limit) },
  )
  deps.events.periodsMeasured({ kind, ...measured })
  return measured
}
