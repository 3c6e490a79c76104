/** Rows of aviationstack's future board: wall times without dates, for legs more than a week ahead. */
import type { LegIdentity } from '../../domain/leg.ts'
import type { ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import { DAY_MS } from '../../domain/time.ts'
import { instantOfLocal } from '../../domain/zone.ts'
import { airportOf, designatorOf, type Designator } from './aeroapi-codes.ts'
import type { AviationFutureFlight } from './aviationstack-schema.ts'
import type { Airports } from './aviationstack-records.ts'

/** Local dates of an arrival, counted from the departure's: westward over the date line it is the day before. */
const ARRIVAL_DAYS = [-1, 0, 1, 2]

/** A row as the leg that was asked for, or null when it is another one. */
export function toFutureLeg(
  row: AviationFutureFlight,
  asked: LegIdentity,
  zones: { originZone: string; destinationZone: string },
  { iataOf }: Airports,
): ScheduledLeg | null {
  const { departure, arrival, flight, codeshared } = row
  if (airportOf(departure.iataCode, [departure.icaoCode], iataOf) !== asked.origin) return null
  if (airportOf(arrival.iataCode, [arrival.icaoCode], iataOf) !== asked.destination) return null
  const listed = designatorOf([flight.iataNumber, flight.icaoNumber], null)
  const operated = codeshared?.flight ?? flight
  const operating = designatorOf([operated.iataNumber, operated.icaoNumber], null)
  if (listed === null || operating === null) return null
  if (!isSame(listed, asked) && !isSame(operating, asked)) return null
  const scheduledOut = instantOfLocal(
    `${asked.originLocalDate}T${departure.scheduledTime}`,
    zones.originZone,
  )
  // The row names no date of arrival: the first one after the departure is meant.
  const scheduledIn = ARRIVAL_DAYS.map((days) =>
    instantOfLocal(
      `${dateAfter(asked.originLocalDate, days)}T${arrival.scheduledTime}`,
      zones.destinationZone,
    ),
  ).find((instant) => instant > scheduledOut)
  if (scheduledIn === undefined) return null
  const isCodeShare = !isSame(listed, operating)
  return {
    ...operating,
    origin: asked.origin,
    destination: asked.destination,
    ...zones,
    scheduledOut,
    scheduledIn,
    providerIdent: `${operating.carrier}${operating.flightNumber}`,
    marketingIdent: isCodeShare ? `${listed.carrier}${listed.flightNumber}` : null,
    isTimeUnverified: true,
  }
}

function dateAfter(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10)
}

function isSame(designator: Designator, other: Designator): boolean {
  return designator.carrier === other.carrier && designator.flightNumber === other.flightNumber
}
