/**
 * Records as the JSON of aviationstack v1: every field that the real service declares, times as it
 * labels them, and a code share's row beside the operating one.
 */
import type { PackLeg } from '../../domain/leg-pack.ts'
import type { ProviderLeg } from '../../domain/ports/flight-data-provider.ts'
import { MINUTE_MS, toMs, type Instant } from '../../domain/time.ts'
import { airportIcao, carrierIcao } from './carriers.ts'
import { wallTime } from './wall-time.ts'

type Zones = Readonly<Record<string, string>>

/** One entry of `data` of `/flights`. */
export type AviationRow = {
  readonly flight_date: string
  readonly flight_status: string
  readonly departure: Readonly<Record<string, unknown>> & { readonly iata: string | null }
  readonly arrival: Readonly<Record<string, unknown>> & { readonly iata: string | null }
  readonly flight: Readonly<Record<string, unknown>> & { readonly iata: string }
} & Readonly<Record<string, unknown>>

/** How a leg's row is written. */
export type AviationStyle = {
  /** Local times under the label of UTC, as the real service has them. */
  readonly isTzBugged: boolean
  /** Unit of the delay figures: minutes unless faulty. */
  readonly delayUnitMs: number
}

/** Flights of `B6` are sold by Qantas too: its number is theirs and three thousand. */
const CODE_SHARE = { operating: 'B6', carrier: 'QF', icao: 'QFA', numberFrom: 3_000 }
const CODE_SHARED_BELOW = 1_000

/** The operating designator of a code share: `B635` for `QF3035`; null for any other. */
export function operatingIdent(ident: string): string | null {
  const number = Number(/^QF(\d{4})$/.exec(ident)?.[1] ?? 0) - CODE_SHARE.numberFrom
  return number > 0 && number < CODE_SHARED_BELOW ? `${CODE_SHARE.operating}${number}` : null
}

/** A planned record as a row; the airport of a diversion has no field. */
export function renderRow(record: ProviderLeg, zones: Zones, style: AviationStyle): AviationRow {
  const carrier = record.carrier ?? ''
  const number = record.flightNumber ?? ''
  const icao = carrierIcao(carrier)
  const originZone = zones[record.origin ?? ''] ?? null
  const scheduledOut = record.scheduledOut
  return {
    flight_date: scheduledOut === null ? '' : wallDate(scheduledOut, originZone),
    flight_status: statusOf(record),
    departure: renderEnd(record.origin, zones, style, {
      scheduled: record.scheduledOut,
      estimated: record.estimatedOut,
      actual: record.actualOut,
      runway: record.actualOff,
    }),
    arrival: {
      ...renderEnd(record.destination, zones, style, {
        scheduled: record.scheduledIn,
        estimated: record.estimatedIn,
        actual: record.diverted ? null : record.actualIn,
        runway: record.diverted ? null : record.actualOn,
      }),
      baggage: null,
    },
    airline: { name: carrier, iata: carrier, icao },
    flight: {
      number,
      iata: `${carrier}${number}`,
      icao: icao === null ? null : `${icao}${number}`,
      codeshared: null,
    },
    aircraft:
      record.registration === null
        ? null
        : { registration: record.registration, iata: null, icao: null, icao24: null },
    live: null,
  }
}

/** The marketing row of an operating one; null when nobody else sells the flight. */
export function codeShareOf(row: AviationRow): AviationRow | null {
  const { number, iata, icao } = row.flight
  const own = Number(number)
  const isShared = iata === `${CODE_SHARE.operating}${String(number)}`
  if (!isShared || !(own > 0 && own < CODE_SHARED_BELOW)) return null
  const sold = String(CODE_SHARE.numberFrom + own)
  return {
    ...row,
    airline: { name: 'Qantas', iata: CODE_SHARE.carrier, icao: CODE_SHARE.icao },
    flight: {
      number: sold,
      iata: `${CODE_SHARE.carrier}${sold}`,
      icao: `${CODE_SHARE.icao}${sold}`,
      // The real service writes these in lower case.
      codeshared: {
        airline_name: 'jetblue airways',
        airline_iata: CODE_SHARE.operating.toLowerCase(),
        airline_icao: String(carrierIcao(CODE_SHARE.operating)).toLowerCase(),
        flight_number: number,
        flight_iata: iata.toLowerCase(),
        flight_icao: String(icao).toLowerCase(),
      },
    },
  }
}

/** One entry of `/flightsFuture`: codes in lower case, wall times without a date. */
export function renderFuture(leg: PackLeg, zones: Zones): Record<string, unknown> {
  const icao = carrierIcao(leg.carrier) ?? ''
  const end = (airport: string, ms: number) => ({
    iataCode: airport.toLowerCase(),
    icaoCode: airportIcao(airport).toLowerCase(),
    terminal: '',
    gate: '',
    scheduledTime: wallTime(ms, zones[airport] ?? 'UTC').slice(11, 16),
  })
  return {
    weekday: '1',
    departure: end(leg.origin, leg.scheduledOutMs),
    arrival: end(leg.destination, leg.scheduledInMs),
    aircraft: { modelCode: '', modelText: '' },
    airline: {
      name: leg.carrier.toLowerCase(),
      iataCode: leg.carrier.toLowerCase(),
      icaoCode: icao.toLowerCase(),
    },
    flight: {
      number: leg.flightNumber,
      iataNumber: `${leg.carrier}${leg.flightNumber}`.toLowerCase(),
      icaoNumber: icao === '' ? '' : `${icao}${leg.flightNumber}`.toLowerCase(),
    },
  }
}

/** The date on the wall of an instant; UTC where the zone is not known. */
export function wallDate(instant: Instant, zone: string | null): string {
  return wallTime(toMs(instant), zone ?? 'UTC').slice(0, 10)
}

type EndTimes = Record<'scheduled' | 'estimated' | 'actual' | 'runway', Instant | null>

function renderEnd(
  airport: string | null,
  zones: Zones,
  { isTzBugged, delayUnitMs }: AviationStyle,
  times: EndTimes,
): Record<string, unknown> & { iata: string | null } {
  const zone = zones[airport ?? ''] ?? null
  const written = (instant: Instant | null) =>
    instant === null
      ? null
      : `${wallTime(toMs(instant), isTzBugged ? (zone ?? 'UTC') : 'UTC')}+00:00`
  return {
    airport,
    timezone: zone,
    iata: airport,
    icao: airport === null ? null : airportIcao(airport),
    terminal: null,
    gate: null,
    delay: delayIn(delayUnitMs, times.scheduled, times.actual ?? times.estimated),
    scheduled: written(times.scheduled),
    estimated: written(times.estimated),
    actual: written(times.actual),
    estimated_runway: null,
    actual_runway: written(times.runway),
  }
}

/** Null for an early flight as for an unknown one, as the real service has it. */
function delayIn(unitMs: number, scheduled: Instant | null, known: Instant | null): number | null {
  if (scheduled === null || known === null) return null
  const delayMs = toMs(known) - toMs(scheduled)
  return delayMs < MINUTE_MS ? null : Math.round(delayMs / unitMs)
}

function statusOf(record: ProviderLeg): string {
  if (record.cancelled) return 'cancelled'
  if (record.diverted) return 'diverted'
  if (record.actualOn !== null || record.actualIn !== null) return 'landed'
  return record.actualOut !== null || record.actualOff !== null ? 'active' : 'scheduled'
}
