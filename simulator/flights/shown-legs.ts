/** What each dialect shows of a leg at a moment: the honest view, changed by the faults that hit it. */
import type { PackLeg } from '../../domain/leg-pack.ts'
import type { ProviderLeg } from '../../domain/ports/flight-data-provider.ts'
import { viewTimeline } from '../../domain/simulation/provider-view.ts'
import { timelineOf, type LegTimeline } from '../../domain/simulation/timeline.ts'
import { HOUR_MS, toMs } from '../../domain/time.ts'
import { viewWithFaults, type Dialect, type FlightFaultPlan } from './flight-faults.ts'
import { flightId, type FlightIndex, type IndexedLeg } from './flight-index.ts'

/** Timelines kept, of the legs asked for last: 2 kB each. */
const TIMELINES_LIMIT = 20_000

/** Departures closer than this are of one day's flight, retimed or not. */
const SAME_DAY_MS = 12 * HOUR_MS

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
    const records = viewWithFaults({ plan: deps.faults, dialect, subject: id, leg, nowMs, view })
    return deps.faults.isActive
      ? records.filter((record) => !isToldByItsOwn(deps.index, leg, record))
      : records
  }
}

/** Invented for a day on which the flight really operates: that day's own leg is shown, this is not. */
function isToldByItsOwn(index: FlightIndex, leg: PackLeg, record: ProviderLeg): boolean {
  const { scheduledOut, origin, destination } = record
  if (scheduledOut === null || origin !== leg.origin || destination !== leg.destination)
    return false
  const outMs = toMs(scheduledOut)
  if (Math.abs(outMs - leg.scheduledOutMs) < SAME_DAY_MS) return false
  const designator = `${leg.carrier}${leg.flightNumber}`
  return index
    .byDesignator(designator, outMs - SAME_DAY_MS, outMs + SAME_DAY_MS)
    .some((other) => other.leg.origin === origin && other.leg.destination === destination)
}
