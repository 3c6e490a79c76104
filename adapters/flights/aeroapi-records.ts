/** AeroAPI's records as the product's: IATA codes and instants, no delay figures, no status texts. */
import { normaliseFlightNumber, type LegIdentity } from '../../domain/leg.ts'
import type { ProviderLeg, ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import type { AeroFlight, AeroScheduled } from './aeroapi-schema.ts'

type Designator = { readonly carrier: string; readonly flightNumber: string }

/** A record of `/flights`. */
export function toProviderLeg(flight: AeroFlight): ProviderLeg {
  const designator = flight.ident_iata === null ? null : splitIata(flight.ident_iata)
  const number = flight.flight_number === null ? null : numberOf(flight.flight_number)
  return {
    providerFlightId: flight.fa_flight_id,
    carrier: flight.operator_iata ?? designator?.carrier ?? null,
    flightNumber: number ?? designator?.flightNumber ?? null,
    origin: airportOf(flight.origin),
    destination: airportOf(flight.destination),
    scheduledOut: flight.scheduled_out,
    scheduledIn: flight.scheduled_in,
    estimatedOut: flight.estimated_out,
    estimatedIn: flight.estimated_in,
    actualOut: flight.actual_out,
    actualOff: flight.actual_off,
    actualOn: flight.actual_on,
    actualIn: flight.actual_in,
    cancelled: flight.cancelled,
    diverted: flight.diverted,
    registration: flight.registration,
  }
}

/**
 * A row of `/schedules` as the leg that was asked for, or null when it is another one. A code share's
 * row gives the operating flight, with the number asked for as the marketing one.
 */
export function toScheduledLeg(
  row: AeroScheduled,
  asked: LegIdentity,
  zones: { originZone: string; destinationZone: string },
): ScheduledLeg | null {
  const origin = row.origin_iata ?? row.origin
  const destination = row.destination_iata ?? row.destination
  if (origin !== asked.origin || destination !== asked.destination) return null
  const listed = designatorOf(row.ident_iata, row.ident, asked)
  if (listed === null) return null
  const isCodeShare = row.actual_ident !== null
  const operating = isCodeShare
    ? designatorOf(row.actual_ident_iata, row.actual_ident ?? '', null)
    : listed
  if (operating === null) return null
  const isAsked = [listed, operating].some(
    ({ carrier, flightNumber }) => carrier === asked.carrier && flightNumber === asked.flightNumber,
  )
  if (!isAsked) return null
  return {
    ...operating,
    origin,
    destination,
    ...zones,
    scheduledOut: row.scheduled_out,
    scheduledIn: row.scheduled_in,
    providerIdent: isCodeShare
      ? (row.actual_ident_icao ?? row.actual_ident ?? row.ident)
      : (row.ident_icao ?? row.ident),
    marketingIdent: isCodeShare ? `${listed.carrier}${listed.flightNumber}` : null,
  }
}

/** From the IATA ident; without one, an ICAO ident is taken for the carrier that was asked for. */
function designatorOf(
  iata: string | null,
  ident: string,
  asked: LegIdentity | null,
): Designator | null {
  if (iata !== null) return splitIata(iata)
  const number = /^[A-Z]{3}(\d{1,5}[A-Z]?)$/.exec(ident)?.[1]
  if (number === undefined || asked === null) return splitIata(ident)
  return { carrier: asked.carrier, flightNumber: normaliseFlightNumber(number) }
}

function splitIata(ident: string): Designator | null {
  const match = /^([A-Z0-9]{2})(\d{1,5}[A-Z]?)$/.exec(ident)
  if (match?.[1] === undefined || match[2] === undefined) return null
  return { carrier: match[1], flightNumber: normaliseFlightNumber(match[2]) }
}

function numberOf(text: string): string | null {
  try {
    return normaliseFlightNumber(text)
  } catch (error) {
    if (error instanceof RangeError) return null // a call sign: the record has no number
    throw error
  }
}

function airportOf(place: AeroFlight['origin']): string | null {
  if (place === null) return null
  if (place.code_iata !== null) return place.code_iata
  return place.code !== null && /^[A-Z]{3}$/.test(place.code) ? place.code : null
}
