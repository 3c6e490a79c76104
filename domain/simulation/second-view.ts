/**
 * What a second provider, of aviationstack's kind, would show of a real leg: the same flight, later,
 * without other airports, with arrivals that may be the runway's. Deterministic in leg, moment, seed.
 */
import type { PackLeg } from '../leg-pack.ts'
import type { ProviderLeg } from '../ports/flight-data-provider.ts'
import { MINUTE_MS } from '../time.ts'
import { drawsOf, normal } from './random.ts'
import { isPlanned } from './record-faults.ts'

const MEDIAN_LAG_MS = 2 * MINUTE_MS
const LAG_SIGMA = 0.8
const GREATEST_LAG_MS = 30 * MINUTE_MS

/** How much later than the first provider it shows a leg's changes. Milliseconds. */
export function secondLagMs(leg: PackLeg, seed: number): number {
  const name = `second|${leg.carrier}|${leg.flightNumber}|${leg.origin}|${leg.scheduledOutMs}`
  const lagMs = MEDIAN_LAG_MS * Math.exp(LAG_SIGMA * normal(drawsOf(name, seed)))
  return Math.min(lagMs, GREATEST_LAG_MS)
}

/** Records as it has them: no ids, no airports of diversions, arrivals of unknown quality. */
export function asSecond(records: readonly ProviderLeg[], leg: PackLeg): ProviderLeg[] {
  return records
    .filter((record) => isPlanned(record, leg))
    .map((record) => ({
      ...record,
      providerFlightId: null,
      timeReading: 'LOCAL',
      actualOn: record.cancelled ? null : record.actualOn,
      // A row has one status, and only a landed one has an arrival.
      actualIn: record.cancelled ? null : record.actualIn,
      ...(record.actualIn === null || record.cancelled ? {} : { arrivalQuality: 'UNKNOWN' }),
    }))
}
