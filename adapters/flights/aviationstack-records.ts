/**
 * aviationstack's rows as the product's records: IATA codes, operating carriers, and instants only
 * where they are proven. No delay figures: theirs are in minutes and null for "early" and "unknown".
 */
import { normaliseFlightNumber, type LegIdentity } from '../../domain/leg.ts'
import type {
  LegReference,
  ProviderLeg,
  ScheduledLeg,
  TimeReading,
} from '../../domain/ports/flight-data-provider.ts'
import type { AirportZones } from '../airports/zones.ts'
import { isZone, localDateAt } from '../../domain/zone.ts'
import { airportOf, designatorOf, type Designator } from './aeroapi-codes.ts'
import type { AviationFlight, StatedTime } from './aviationstack-schema.ts'
import { isRepeated, provenReading, readingsThatProve, readTime } from './aviationstack-times.ts'

/** Zones and IATA codes of airports. */
export type Airports = Pick<AirportZones, 'zoneOf' | 'iataOf'>

type Zones = { readonly originZone: string | null; readonly destinationZone: string | null }

/**
 * The rows of one answer about a leg. One reading of the times holds for the whole answer; a row
 * whose instants it does not prove has no times at all and says so.
 */
export function toProviderLegs(
  rows: readonly AviationFlight[],
  asked: LegReference,
  airports: Airports,
): ProviderLeg[] {
  const proofs = rows.map((row) => proofOf(row, asked, airports))
  const proven = provenReading(proofs, asked.timeReading)
  return rows.map((row, index) => {
    const proof = proofs[index] ?? []
    const reading = readingOfRow(row, proof, proven, asked.timeReading, airports)
    return toProviderLeg(row, asked.identity, reading, airports)
  })
}

function proofOf(row: AviationFlight, asked: LegReference, airports: Airports): TimeReading[] {
  const { departure, arrival } = row
  const stated = { out: departure.scheduled, in: arrival.scheduled, ...zonesOf(row, airports) }
  const proofs = readingsThatProve(stated, asked)
  if (proofs.length > 0 || asked.changedTo === undefined) return proofs
  return readingsThatProve(stated, asked.changedTo)
}

/** How one row is to be read; null when that cannot be told. */
function readingOfRow(
  row: AviationFlight,
  proof: readonly TimeReading[],
  proven: ReturnType<typeof provenReading>,
  known: TimeReading | undefined,
  airports: Airports,
): TimeReading | null {
  if (proven === 'CONTRADICTORY') return null
  if (proven !== null) {
    const isProven = proof.includes(proven) || proven === known
    return isProven && hasOneInstant(row, proven, airports) ? proven : null
  }
  // Both readings give the schedule: fine as long as they are the same for the rest as well.
  const isSame = proof.length === 2 && hasSameInstants(row, airports)
  return isSame && hasOneInstant(row, 'LOCAL', airports) ? 'LOCAL' : null
}

/** Whether no actual time of the row falls into an hour that the clocks showed twice. */
function hasOneInstant(row: AviationFlight, reading: TimeReading, airports: Airports): boolean {
  if (reading === 'LABELLED') return true
  return actualsOf(row, zonesOf(row, airports)).every(
    ({ time, zone }) => time === null || (zone !== null && !isRepeated(time, zone)),
  )
}

function hasSameInstants(row: AviationFlight, airports: Airports): boolean {
  return actualsOf(row, zonesOf(row, airports)).every(
    ({ time, zone }) => readTime(time, zone, 'LOCAL') === readTime(time, zone, 'LABELLED'),
  )
}

function actualsOf(
  { departure, arrival }: AviationFlight,
  { originZone, destinationZone }: Zones,
): { time: StatedTime | null; zone: string | null }[] {
  return [
    { time: departure.actual, zone: originZone },
    { time: departure.actual_runway, zone: originZone },
    { time: arrival.actual, zone: destinationZone },
    { time: arrival.actual_runway, zone: destinationZone },
  ]
}

function toProviderLeg(
  row: AviationFlight,
  asked: LegIdentity,
  reading: TimeReading | null,
  airports: Airports,
): ProviderLeg {
  const { departure, arrival, flight_status: status } = row
  const { originZone, destinationZone } = zonesOf(row, airports)
  const atOrigin = (time: StatedTime | null) =>
    reading === null ? null : readTime(time, originZone, reading)
  const atDestination = (time: StatedTime | null) =>
    reading === null ? null : readTime(time, destinationZone, reading)
  // Only a landed flight's time is an arrival: elsewhere the service calls estimates "actual".
  const actualIn = status === 'landed' ? atDestination(arrival.actual) : null
  const listed = listedAs(row)
  const operating = operatedAs(row, asked.carrier)
  return {
    providerFlightId: null,
    carrier: operating?.carrier ?? null,
    flightNumber: operating?.flightNumber ?? null,
    origin: placeOf(departure, airports),
    destination: placeOf(arrival, airports),
    scheduledOut: atOrigin(departure.scheduled),
    scheduledIn: atDestination(arrival.scheduled),
    estimatedOut: atOrigin(departure.estimated),
    estimatedIn: status === 'diverted' ? null : atDestination(arrival.estimated),
    actualOut: atOrigin(departure.actual),
    actualOff: atOrigin(departure.actual_runway),
    // Where a diverted flight touched down is not said.
    actualOn: status === 'landed' ? atDestination(arrival.actual_runway) : null,
    actualIn,
    cancelled: status === 'cancelled',
    diverted: status === 'diverted',
    registration: row.aircraft?.registration ?? null,
    ...(actualIn === null ? {} : { arrivalQuality: 'UNKNOWN' as const }),
    ...(reading === null ? { isTimeAmbiguous: true } : { timeReading: reading }),
    ...(status === 'incident' ? { isIncident: true } : {}),
    ...(isCodeShare(row) && listed !== null ? { marketingIdent: identOf(listed) } : {}),
  }
}

/** A row of the timetable as the leg that was asked for, or null when it is another one. */
export function toScheduledLeg(
  row: AviationFlight,
  asked: LegIdentity,
  airports: Airports,
): ScheduledLeg | null {
  const zones = zonesOf(row, airports)
  const { originZone, destinationZone } = zones
  if (originZone === null || destinationZone === null) return null
  if (placeOf(row.departure, airports) !== asked.origin) return null
  if (placeOf(row.arrival, airports) !== asked.destination) return null
  const reading = readingOfDate(row, asked, originZone)
  if (reading === null) return null
  const scheduledOut = readTime(row.departure.scheduled, originZone, reading)
  const scheduledIn = readTime(row.arrival.scheduled, destinationZone, reading)
  if (scheduledOut === null || scheduledIn === null) return null
  const listed = listedAs(row)
  const operating = operatedAs(row, null)
  if (listed === null || operating === null) return null
  if (!isSame(listed, asked) && !isSame(operating, asked)) return null
  return {
    ...operating,
    origin: asked.origin,
    destination: asked.destination,
    originZone,
    destinationZone,
    scheduledOut,
    scheduledIn,
    providerIdent: identOf(operating),
    marketingIdent: isCodeShare(row) ? identOf(listed) : null,
    isTimeUnverified: true,
  }
}

/** The reading in which the row leaves on the asked date; wall time unless only the label fits. */
function readingOfDate(
  { departure }: AviationFlight,
  asked: LegIdentity,
  originZone: string,
): TimeReading | null {
  if (departure.scheduled === null) return null
  if (departure.scheduled.wall.slice(0, 10) === asked.originLocalDate) return 'LOCAL'
  const { labelled } = departure.scheduled
  const isOnDate = labelled !== null && localDateAt(labelled, originZone) === asked.originLocalDate
  return isOnDate ? 'LABELLED' : null
}

/** As it is listed: the marketing number when the row is a code share's. */
function listedAs({ flight }: AviationFlight): Designator | null {
  return designatorOf([flight.iata, flight.icao], null)
}

/** Who operates it: a code share's row names the operating flight in `codeshared`. */
function operatedAs(row: AviationFlight, assumed: string | null): Designator | null {
  const { codeshared } = row.flight
  if (codeshared === null || codeshared === undefined) {
    return listedAs(row) ?? fromParts(row.airline?.iata ?? assumed, row.flight.number)
  }
  return (
    designatorOf([codeshared.flight_iata, codeshared.flight_icao], null) ??
    fromParts(codeshared.airline_iata, codeshared.flight_number)
  )
}

function fromParts(carrier: string | null, number: string | null): Designator | null {
  if (carrier === null || number === null) return null
  try {
    return { carrier, flightNumber: normaliseFlightNumber(number) }
  } catch (error) {
    if (error instanceof RangeError) return null // a call sign: the row has no number
    throw error
  }
}

function isCodeShare({ flight }: AviationFlight): boolean {
  return flight.codeshared !== null && flight.codeshared !== undefined
}

function isSame(designator: Designator, other: Designator): boolean {
  return designator.carrier === other.carrier && designator.flightNumber === other.flightNumber
}

function identOf({ carrier, flightNumber }: Designator): string {
  return `${carrier}${flightNumber}`
}

function placeOf({ iata, icao }: AviationFlight['departure'], { iataOf }: Airports): string | null {
  return airportOf(iata, [icao], iataOf)
}

/** The zones that the row names, or those of its airports where it names none. */
function zonesOf({ departure, arrival }: AviationFlight, airports: Airports): Zones {
  return {
    originZone: zoneOf(departure, airports),
    destinationZone: zoneOf(arrival, airports),
  }
}

function zoneOf(endpoint: AviationFlight['departure'], airports: Airports): string | null {
  if (endpoint.timezone !== null && isZone(endpoint.timezone)) return endpoint.timezone
  const place = placeOf(endpoint, airports)
  return place === null ? null : airports.zoneOf(place)
}
