/** Legs found by designator, by provider id and by time, without a scan. */
import type { PackLeg } from '../../domain/leg-pack.ts'
import { carrierIcao } from './carriers.ts'
import type { Flights } from './read-leg-packs.ts'

/** A leg with its number in the index, which the provider's flight id carries. */
export type IndexedLeg = { readonly leg: PackLeg; readonly number: number }

export interface FlightIndex {
  readonly zones: Readonly<Record<string, string>>
  readonly size: number
  /** Legs of a designator (ICAO or IATA) whose scheduled departure is in [fromMs, toMs). */
  byDesignator(designator: string, fromMs: number, toMs: number): IndexedLeg[]
  /** All legs whose scheduled departure is in [fromMs, toMs), earliest first. */
  between(fromMs: number, toMs: number): IndexedLeg[]
  byNumber(number: number): IndexedLeg | null
}

/** `JBU35`, or `B635` when the carrier's ICAO code is not known. */
export function designatorOf(carrier: string, flightNumber: string): string {
  return `${carrierIcao(carrier) ?? carrier}${flightNumber}`
}

/** The provider's id of a leg; both records of a diverted flight carry it. */
export function flightId({ leg, number }: IndexedLeg): string {
  const designator = designatorOf(leg.carrier, leg.flightNumber)
  return `${designator}-${leg.scheduledOutMs / 1_000}-schedule-${number}`
}

/** The leg's number in such an id; null for any other text. */
export function numberOfFlightId(id: string): number | null {
  const match = /^[A-Z0-9]+-\d+-schedule-(\d+)$/.exec(id)
  return match?.[1] === undefined ? null : Number(match[1])
}

/** Indexes legs once; every query is a binary search. */
export function createFlightIndex({ legs, zones }: Flights): FlightIndex {
  const sorted = legs
    .toSorted((a, b) => a.scheduledOutMs - b.scheduledOutMs)
    .map((leg, number) => ({ leg, number }))
  const designators = new Map<string, IndexedLeg[]>()
  for (const indexed of sorted) {
    const { carrier, flightNumber } = indexed.leg
    const iata = `${carrier}${flightNumber}`
    const known = designators.get(iata)
    if (known !== undefined) {
      known.push(indexed)
      continue
    }
    const list = [indexed]
    designators.set(iata, list)
    designators.set(designatorOf(carrier, flightNumber), list)
  }
  return {
    zones,
    size: sorted.length,
    byDesignator: (designator, fromMs, toMs) =>
      slice(designators.get(designator) ?? [], fromMs, toMs),
    between: (fromMs, toMs) => slice(sorted, fromMs, toMs),
    byNumber: (number) => sorted[number] ?? null,
  }
}

function slice(legs: readonly IndexedLeg[], fromMs: number, toMs: number): IndexedLeg[] {
  return legs.slice(lowerBound(legs, fromMs), lowerBound(legs, toMs))
}

/** The first position whose scheduled departure is not before `atMs`. */
function lowerBound(legs: readonly IndexedLeg[], atMs: number): number {
  let low = 0
  let high = legs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = legs[middle]
    if (entry !== undefined && entry.leg.scheduledOutMs < atMs) low = middle + 1
    else high = middle
  }
  return low
}
