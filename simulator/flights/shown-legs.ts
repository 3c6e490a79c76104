/** What each dialect shows of a leg at a moment: the honest view, changed by the faults that hit it. */
import type { ProviderLeg } from '../../domain/ports/flight-data-provider.ts'
import { viewTimeline } from '../../domain/simulation/provider-view.ts'
import { timelineOf, type LegTimeline } from '../../domain/simulation/timeline.ts'
import { viewWithFaults, type Dialect, type FlightFaultPlan } from './flight-faults.ts'
import { flightId, type FlightIndex, type IndexedLeg } from './flight-index.ts'

/** Timelines kept, of the legs asked for last: 2 kB each. */
const TIMELINES_LIMIT = 20_000

/** A leg's records as of a moment, as a dialect's faults leave them. */
export type ShowLeg = (indexed: IndexedLeg, nowMs: number, dialect: Dialect) => ProviderLeg[]

/** Both dialects show the same flights: one timeline a leg, from the seed. */
export function createShowLeg(deps: {
  readonly index: FlightIndex
  readonly faults: FlightFaultPlan
  readonly seed: number
}): ShowLeg {
  const timelines = new Map<number, LegTimeline>()

  function timelineOfIndexed({ leg, number }: IndexedLeg): LegTimeline {
    const known = timelines.get(number)
    if (known !== undefined) return known
    if (timelines.size >= TIMELINES_LIMIT) timelines.clear()
    const timeline = timelineOf(leg, deps.index.zones, deps.seed)
    timelines.set(number, timeline)
    return timeline
  }

  return (indexed, nowMs, dialect) => {
    const id = flightId(indexed)
    const timeline = timelineOfIndexed(indexed)
    const view = (atMs: number) =>
      viewTimeline(timeline, atMs).map((record) => ({ ...record, providerFlightId: id }))
    const { leg } = indexed
    return viewWithFaults({ plan: deps.faults, dialect, subject: id, leg, nowMs, view })
  }
}
