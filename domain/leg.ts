/**
 * What a flight leg is and how it is told from every other: operating carrier, number, origin,
 * destination and the local date at the origin. Never carrier + number + UTC date, which collides.
 */
import type { LocalDate } from './time.ts'

/** What tells one leg from every other. */
export type LegIdentity = {
  /** Operating carrier, IATA, two characters: `B6`. */
  readonly carrier: string
  /** Digits without leading zeros, with an operational suffix letter if there is one: `35`, `123A`. */
  readonly flightNumber: string
  /** IATA airport, three letters. */
  readonly origin: string
  readonly destination: string
  /** The scheduled departure's date on the wall at the origin. */
  readonly originLocalDate: LocalDate
}

/** `B6|35|JFK|PBI|2013-03-09`. */
export type LegKey = string

/** The leg's key as printed in decisions and stored with a leg. */
export function legKey(leg: LegIdentity): LegKey {
  return [leg.carrier, leg.flightNumber, leg.origin, leg.destination, leg.originLocalDate].join('|')
}

/** Upper case, without spaces and leading zeros: ` 0035a` is `35A`. Throws RangeError otherwise. */
export function normaliseFlightNumber(text: string): string {
  const match = /^0*(\d{1,5}[A-Z]?)$/.exec(text.replaceAll(/\s/g, '').toUpperCase())
  if (match?.[1] === undefined) throw new RangeError(`not a flight number: ${text}`)
  return match[1]
}
