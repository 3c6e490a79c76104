/** Records as the JSON of AeroAPI v4: every field that the real service declares, most of them null. */
import type { PackLeg } from '../../domain/leg-pack.ts'
import type { ProviderLeg } from '../../domain/ports/flight-data-provider.ts'
import { instantFromMs, SECOND_MS, toMs, type Instant } from '../../domain/time.ts'
import { airportIcao, carrierIcao } from './carriers.ts'
import { designatorOf } from './flight-index.ts'

type Zones = Readonly<Record<string, string>>

/** The dialect's instants have no milliseconds. */
function seconds(instant: Instant | null): string | null {
  return instant === null ? null : instant.replace('.000Z', 'Z')
}

/** One entry of `flights`; `delayUnitMs` is the unit of its delay figures, seconds unless faulty. */
export function renderFlight(
  record: ProviderLeg,
  zones: Zones,
  delayUnitMs: number = SECOND_MS,
): Record<string, unknown> {
  const carrier = record.carrier ?? ''
  const number = record.flightNumber ?? ''
  const icao = carrierIcao(carrier)
  return {
    ...IDLE_FIELDS,
    ident: designatorOf(carrier, number),
    ident_icao: icao === null ? null : `${icao}${number}`,
    ident_iata: `${carrier}${number}`,
    fa_flight_id: record.providerFlightId,
    operator: icao ?? carrier,
    operator_icao: icao,
    operator_iata: carrier,
    flight_number: number,
    registration: record.registration,
    diverted: record.diverted,
    cancelled: record.cancelled,
    origin: renderPlace(record.origin, zones),
    destination: renderPlace(record.destination, zones),
    departure_delay: delayIn(
      delayUnitMs,
      record.scheduledOut,
      record.actualOut ?? record.estimatedOut,
    ),
    arrival_delay: delayIn(
      delayUnitMs,
      record.scheduledIn,
      record.actualIn ?? record.estimatedIn ?? record.actualOn,
    ),
    progress_percent: record.actualOn !== null ? 100 : record.actualOff === null ? 0 : 50,
    status: statusText(record),
    scheduled_out: seconds(record.scheduledOut),
    estimated_out: seconds(record.estimatedOut),
    actual_out: seconds(record.actualOut),
    actual_off: seconds(record.actualOff),
    actual_on: seconds(record.actualOn),
    scheduled_in: seconds(record.scheduledIn),
    estimated_in: seconds(record.estimatedIn),
    actual_in: seconds(record.actualIn),
  }
}

/** One entry of `scheduled`: the timetable, whatever has happened since. */
export function renderScheduled(leg: PackLeg, id: string | null): Record<string, unknown> {
  const icao = carrierIcao(leg.carrier)
  return {
    ident: designatorOf(leg.carrier, leg.flightNumber),
    ident_icao: icao === null ? null : `${icao}${leg.flightNumber}`,
    ident_iata: `${leg.carrier}${leg.flightNumber}`,
    actual_ident: null,
    actual_ident_icao: null,
    actual_ident_iata: null,
    aircraft_type: '',
    scheduled_in: seconds(instantFromMs(leg.scheduledInMs)),
    scheduled_out: seconds(instantFromMs(leg.scheduledOutMs)),
    origin: airportIcao(leg.origin),
    origin_icao: airportIcao(leg.origin),
    origin_iata: leg.origin,
    origin_lid: leg.origin,
    destination: airportIcao(leg.destination),
    destination_icao: airportIcao(leg.destination),
    destination_iata: leg.destination,
    destination_lid: leg.destination,
    fa_flight_id: id,
    meal_service: '',
    seats_cabin_business: 0,
    seats_cabin_coach: 0,
    seats_cabin_first: 0,
  }
}

/** What the data does not tell. */
const IDLE_FIELDS = {
  actual_runway_off: null,
  actual_runway_on: null,
  atc_ident: null,
  inbound_fa_flight_id: null,
  codeshares: [],
  codeshares_iata: [],
  blocked: false,
  position_only: false,
  filed_ete: null,
  aircraft_type: null,
  route_distance: null,
  filed_airspeed: null,
  filed_altitude: null,
  route: null,
  baggage_claim: null,
  seats_cabin_business: null,
  seats_cabin_coach: null,
  seats_cabin_first: null,
  gate_origin: null,
  gate_destination: null,
  terminal_origin: null,
  terminal_destination: null,
  type: 'Airline',
  scheduled_off: null,
  estimated_off: null,
  scheduled_on: null,
  estimated_on: null,
  foresight_predictions_available: false,
} as const

function renderPlace(iata: string | null, zones: Zones): Record<string, unknown> | null {
  if (iata === null) return null
  return {
    code: airportIcao(iata),
    code_icao: airportIcao(iata),
    code_iata: iata,
    code_lid: iata,
    timezone: zones[iata] ?? null,
    name: iata,
    city: iata,
    airport_info_url: `/airports/${airportIcao(iata)}`,
  }
}

/** From an actual or an estimate: the figure that a product must not trust. */
function delayIn(unitMs: number, scheduled: Instant | null, known: Instant | null): number | null {
  if (scheduled === null || known === null) return null
  return (toMs(known) - toMs(scheduled)) / unitMs
}

function statusText(record: ProviderLeg): string {
  if (record.cancelled) return 'Cancelled'
  if (record.diverted) return 'Diverted'
  if (record.actualIn !== null) return 'Arrived / Gate Arrival'
  if (record.actualOn !== null) return 'Landed / Taxiing'
  if (record.actualOff !== null) return 'En Route'
  return record.actualOut === null ? 'Scheduled' : 'Taxiing / Left Gate'
}
