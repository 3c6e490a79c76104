/**
 * Carriers, numbers and airports out of whatever codes a record carries. Servers of the dialect give
 * IATA codes, ICAO codes or both; the product knows IATA only.
 */
import { normaliseFlightNumber } from '../../domain/leg.ts'
import { carrierOfIcao } from './carrier-codes.ts'

/** Which flight, as it is sold or operated. */
export type Designator = { readonly carrier: string; readonly flightNumber: string }

/** The IATA code of an ICAO airport code, null when unknown. */
export type IataOf = (icao: string) => string | null

type Ident = {
  /** IATA when the ident is, or a carrier that is known by its ICAO code; else null. */
  readonly carrier: string | null
  /** The ICAO carrier code of an ICAO ident; else null. */
  readonly icaoCarrier: string | null
  readonly flightNumber: string
}

/** Takes `B635`, `JBU35` or `JBU0035` apart; null when it is neither. */
export function splitIdent(text: string): Ident | null {
  const ident = text.replaceAll(/\s/g, '').toUpperCase()
  const icao = /^([A-Z]{3})(\d{1,5}[A-Z]?)$/.exec(ident)
  if (icao?.[1] !== undefined && icao[2] !== undefined) {
    return {
      carrier: carrierOfIcao(icao[1]),
      icaoCarrier: icao[1],
      flightNumber: normaliseFlightNumber(icao[2]),
    }
  }
  const iata = /^([A-Z0-9]{2})(\d{1,5}[A-Z]?)$/.exec(ident)
  if (iata?.[1] === undefined || iata[2] === undefined) return null
  return { carrier: iata[1], icaoCarrier: null, flightNumber: normaliseFlightNumber(iata[2]) }
}

/** The first of the idents that says carrier and number; an unknown ICAO carrier is taken to be `assumed`. */
export function designatorOf(
  idents: readonly (string | null)[],
  assumed: string | null,
): Designator | null {
  const parts = idents.map((ident) => (ident === null ? null : splitIdent(ident)))
  for (const part of parts) {
    if (part?.carrier !== null && part !== null) {
      return { carrier: part.carrier, flightNumber: part.flightNumber }
    }
  }
  const unknown = parts.find((part) => part !== null)
  if (unknown === undefined || unknown === null || assumed === null) return null
  return { carrier: assumed, flightNumber: unknown.flightNumber }
}

/** The IATA code of an airport, from the codes given for it; null when none says it. */
export function airportOf(
  iata: string | null,
  others: readonly (string | null)[],
  iataOf: IataOf,
): string | null {
  for (const given of [iata, ...others]) {
    const code = given?.trim().toUpperCase() ?? ''
    if (/^[A-Z]{3}$/.test(code)) return code
    const known = code.length === 4 ? iataOf(code) : null
    if (known !== null) return known
  }
  return null
}
