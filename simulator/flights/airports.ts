/** The airports of the shipped flights as AeroAPI describes them, from data/airports.json. */
import { readFileSync } from 'node:fs'

import { airportIcao } from './carriers.ts'

const AIRPORTS_FILE = new URL('../../data/airports.json', import.meta.url)

type Row = readonly [
  name: string,
  city: string,
  state: string,
  country: string,
  latitude: number,
  longitude: number,
  elevationFt: number,
]

/** Airports by IATA code; other flights' airports have no more than their code and zone. */
export type Airports = ReadonlyMap<string, Row>

/** Reads the shipped table (12 kB); one call per server is enough. */
export function loadAirports(): Airports {
  // The file is generated and shipped with the code; its shape is checked by a test.
  const table = JSON.parse(readFileSync(AIRPORTS_FILE, 'utf8')) as { airports: Record<string, Row> }
  return new Map(Object.entries(table.airports))
}

/** The body of `GET /airports/{id}`. */
export function renderAirport(
  airports: Airports,
  iata: string,
  zone: string,
): Record<string, unknown> {
  const [name, city, state, country, latitude, longitude, elevation] = airports.get(iata) ?? [
    ...[iata, iata, '', 'US'],
    ...[0, 0, 0],
  ]
  return {
    airport_code: airportIcao(iata),
    code_icao: airportIcao(iata),
    code_iata: iata,
    code_lid: iata,
    alternate_ident: iata,
    name,
    type: 'Airport',
    elevation,
    city,
    state,
    longitude,
    latitude,
    timezone: zone,
    country_code: country,
    wiki_url: null,
    airport_flights_url: `/airports/${airportIcao(iata)}/flights`,
    alternatives: [],
  }
}
