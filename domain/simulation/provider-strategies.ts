/**
 * Providers to compare on the same flights: what each would have shown of a leg at a moment. Facts are
 * never changed, only what is told of them and when.
 */
import type { ProviderLeg } from '../ports/flight-data-provider.ts'
import { MINUTE_MS } from '../time.ts'

/** What a provider shows at a moment; `view` is everything that can be known at one. */
export type ProviderStrategy = (
  view: (atMs: number) => ProviderLeg[],
  nowMs: number,
) => ProviderLeg[]

/** How much later `slow` comes to know of anything. */
const SLOW_BY_MS = 15 * MINUTE_MS

/** The strategies, by the names that people use. */
export const PROVIDER_STRATEGIES = {
  /** All that can be known, at once. */
  full: (view, nowMs) => view(nowMs),
  /** No expected departures and arrivals: the next look has only the timetable to go by. */
  'no-estimates': (view, nowMs) =>
    view(nowMs).map((record) => ({ ...record, estimatedOut: null, estimatedIn: null })),
  /** Gate times alone. */
  'no-runway': (view, nowMs) =>
    view(nowMs).map((record) => ({ ...record, actualOff: null, actualOn: null })),
  /** Everything a quarter of an hour later. */
  slow: (view, nowMs) => view(nowMs - SLOW_BY_MS),
} as const satisfies Record<string, ProviderStrategy>

/** A strategy's name. */
export type ProviderStrategyName = keyof typeof PROVIDER_STRATEGIES
