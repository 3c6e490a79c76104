/** AeroAPI's records as the product's: IATA codes and instants, no delay figures, no status texts. */
import { normaliseFlightNumber, type LegIdentity } from '../../domain/leg.ts'
import type {
  LegReference,
  ProviderLeg,
  ScheduledLeg,
} from '../../domain/ports/flight-data-provider.ts'
import {
  airportOf,
  designatorOf,
  splitIdent,
  type Designator,
  type IataOf,
} from './aeroapi-codes.ts'
import { carrierOfIcao } from './carrier-codes.ts'
import type { AeroFlight, AeroScheduled } from './aeroapi-schema.ts'

/** A record of `/flights`, asked for by the leg's ident. */
export function toProviderLeg(
  flight: AeroFlight,
  asked: Pick<LegReference, 'identity' | 'providerIdent'>,
  iataOf: IataOf,
): ProviderLeg {
  return {
    providerFlightId: flight.fa_flight_id,
    ...flownAs(flight, asked),
    origin: placeOf(flight.origin, iataOf),
    destination: placeOf(flight.destination, iataOf),
    scheduledOut: flight.scheduled_out ?? flight.scheduled_off,
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
 * Carrier and number of a record. One that carries the very ident it was asked for by is the leg's,
 * whatever its operator field says: for a regional flight that may be the carrier it is sold by.
 */
function flownAs(
  flight: AeroFlight,
  { identity, providerIdent }: Pick<LegReference, 'identity' | 'providerIdent'>,
): Pick<ProviderLeg, 'carrier' | 'flightNumber'> {
  const askedIdent = splitIdent(providerIdent)
  const idents = [flight.ident_iata, flight.ident_icao, flight.ident]
    .map((ident) => (ident === null ? null : splitIdent(ident)))
    .filter((ident) => ident !== null)
  const isAsked = idents.some(
    (ident) =>
      ident.flightNumber === identity.flightNumber &&
      (ident.carrier === identity.carrier ||
        (ident.icaoCarrier !== null && ident.icaoCarrier === askedIdent?.icaoCarrier)),
  )
  if (isAsked) return { carrier: identity.carrier, flightNumber: identity.flightNumber }
  const number = flight.flight_number === null ? null : numberOf(flight.flight_number)
  return {
    carrier: flight.operator_iata ?? carrierOf(flight, idents, identity, askedIdent),
    flightNumber: number ?? idents[0]?.flightNumber ?? null,
  }
}

type Ident = NonNullable<ReturnType<typeof splitIdent>>

/** Without an IATA operator: from the idents, then from ICAO codes; null when none can be told. */
function carrierOf(
  flight: AeroFlight,
  idents: readonly Ident[],
  identity: LegIdentity,
  askedIdent: Ident | null,
): string | null {
  const iata = idents.find(({ carrier }) => carrier !== null)?.carrier
  if (iata !== undefined && iata !== null) return iata
  const icao = [flight.operator_icao, flight.operator, ...idents.map((each) => each.icaoCarrier)]
  for (const code of icao) {
    if (code === null || !/^[A-Z]{3}$/.test(code)) continue
    if (code === askedIdent?.icaoCarrier) return identity.carrier
    const known = carrierOfIcao(code)
    if (known !== null) return known
    // Another ICAO carrier than the one that was asked for, even if nobody knows its IATA code.
    if (askedIdent !== null && askedIdent.icaoCarrier !== null) return code
  }
  return null
}

/**
 * A row of `/schedules` as the leg that was asked for, or null when it is another one. A code share's
 * row gives the operating flight, with the number asked for as the marketing one.
 */
export function toScheduledLeg(
  row: AeroScheduled,
  asked: LegIdentity,
  zones: { originZone: string; destinationZone: string },
  iataOf: IataOf,
): ScheduledLeg | null {
  const { scheduled_out: scheduledOut, scheduled_in: scheduledIn } = row
  if (scheduledOut === null || scheduledIn === null) return null
  const origin = placeOf(row.origin, iataOf, row.origin_iata, row.origin_icao)
  const destination = placeOf(row.destination, iataOf, row.destination_iata, row.destination_icao)
  if (origin !== asked.origin || destination !== asked.destination) return null
  // The list was asked for by carrier, so an unknown ICAO carrier is that one.
  const listed = designatorOf([row.ident_iata, row.ident_icao, row.ident], asked.carrier)
  if (listed === null) return null
  const actual = [row.actual_ident_iata, row.actual_ident_icao, row.actual_ident]
  const hasActual = actual.some((ident) => ident !== null)
  // Sold under the number asked for, it is operated by another carrier, and that must be known.
  const assumed = isSame(listed, asked) ? null : asked.carrier
  const operating = hasActual ? designatorOf(actual, assumed) : listed
  if (operating === null || (!isSame(listed, asked) && !isSame(operating, asked))) return null
  const isCodeShare = !isSame(listed, operating)
  return {
    ...operating,
    origin,
    destination,
    ...zones,
    scheduledOut,
    scheduledIn,
    providerIdent: isCodeShare
      ? (row.actual_ident_icao ?? row.actual_ident ?? row.actual_ident_iata ?? row.ident)
      : (row.ident_icao ?? row.ident),
    marketingIdent: isCodeShare ? `${listed.carrier}${listed.flightNumber}` : null,
  }
}

function isSame(designator: Designator, other: Designator): boolean {
  return designator.carrier === other.carrier && designator.flightNumber === other.flightNumber
}

function numberOf(text: string): string | null {
  try {
    return normaliseFlightNumber(text)
  } catch (error) {
    if (error instanceof RangeError) return null // a call sign: the record has no number
    throw error
  }
}

function placeOf(
  place: AeroFlight['origin'],
  iataOf: IataOf,
  iata: string | null = null,
  icao: string | null = null,
): string | null {
  const codes = [icao, place?.code_icao ?? null, place?.code ?? null]
  return airportOf(iata ?? place?.code_iata ?? null, codes, iataOf)
}
