/** The kept figures of a period, of both clocks, for doors: the API and the command line show the same. */
import { labelOf, periodOf, type PeriodKind } from '../domain/analytics/period.ts'
import type { Figures } from '../domain/analytics/sections.ts'
import type { AnalyticsStore, StoredPeriod } from '../domain/ports/analytics-store.ts'

/** A kept period with its figures. */
export type KeptFigures = StoredPeriod & { readonly figures: Figures }

/** What is kept of a period; null of a clock of which nothing is. */
export type PeriodFigures = {
  readonly kind: PeriodKind
  readonly period: string
  readonly business: KeptFigures | null
  readonly wall: KeptFigures | null
}

/** The figures of a named period, of the last one without a name; null when nothing is kept of it. */
export async function readFigures(
  { analyticsStore }: { readonly analyticsStore: Pick<AnalyticsStore, 'find' | 'list'> },
  { kind, period: label }: { readonly kind: PeriodKind; readonly period?: string | undefined },
): Promise<PeriodFigures | null> {
  const [last] = await analyticsStore.list({ kind, clock: 'business', limit: 1 })
  const period = label === undefined ? (last ?? null) : periodOf(kind, label)
  if (period === null) return null
  const business = await analyticsStore.find(kind, 'business', period.startsAt)
  const wall = await analyticsStore.find(kind, 'wall', period.startsAt)
  if (business === null && wall === null) return null
  return { kind, period: labelOf(period), business, wall }
}
