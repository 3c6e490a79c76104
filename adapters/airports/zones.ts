/**
 * Airports: where the wall clock of one is, and which IATA code belongs to an ICAO code. From
 * data/airport-zones.json.
 */
import { readFileSync } from 'node:fs'

const ZONES_FILE = new URL('../../data/airport-zones.json', import.meta.url)

/** A pinned table of airports; `source` names the package and version it was made from. */
export type AirportZones = {
  readonly source: string
  readonly size: number
  /** The IANA zone of an IATA airport code, null when the table does not know the airport. */
  readonly zoneOf: (iata: string) => string | null
  /** The IATA code of an ICAO code (`PHNL` is `HNL`), null when the table does not know the airport. */
  readonly iataOf: (icao: string) => string | null
}

/** Reads the shipped table (about 110 kB, 3 ms); one call per process is enough. */
export function loadAirportZones(): AirportZones {
  // The file is generated and shipped with the code; its shape is checked by a test.
  const table = JSON.parse(readFileSync(ZONES_FILE, 'utf8')) as {
    source: string
    zones: Record<string, string>
    icao: Record<string, string>
  }
  const zones = new Map<string, string>()
  for (const [zone, codes] of Object.entries(table.zones)) {
    for (const code of codes.split(' ')) zones.set(code, zone)
  }
  const iatas = new Map<string, string>()
  for (const pairs of Object.values(table.icao)) {
    for (const pair of pairs.split(' ')) {
      const [icao = '', iata = ''] = pair.split('=')
      iatas.set(icao, iata)
    }
  }
  return {
    source: table.source,
    size: zones.size,
    zoneOf: (iata) => zones.get(iata) ?? null,
    iataOf: (icao) => {
      const known = iatas.get(icao)
      if (known !== undefined) return known
      // An airport that was renamed since: in the United States the ICAO code is K and the other one.
      const rest = icao.slice(1)
      return icao.startsWith('K') && zones.has(rest) ? rest : null
    },
  }
}
