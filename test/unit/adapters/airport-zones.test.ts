/** The shipped table of airports against the real flights' own zones. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { loadAirportZones } from '../../../adapters/airports/zones.ts'

const PACK = new URL('../../../data/nyc2013-h1.legs.txt.gz', import.meta.url)

test('every airport of the real flights has the zone that the pack names', () => {
  const zones = loadAirportZones()
  const header = gunzipSync(readFileSync(PACK)).toString('utf8').split('\n', 1)[0] ?? '{}'
  const { tz } = JSON.parse(header) as { tz: Record<string, string> }
  const known = Object.fromEntries(Object.keys(tz).map((iata) => [iata, zones.zoneOf(iata)]))
  expect(known).toEqual(tz)
})

test('every zone of the table is one that this machine can compute with', () => {
  const zones = loadAirportZones()
  expect(zones.size).toBeGreaterThan(7_000)
  for (const iata of ['LHR', 'SYD', 'DEL', 'KTM', 'PHX', 'HNL']) {
    const timeZone = zones.zoneOf(iata) ?? 'none'
    expect(() => new Intl.DateTimeFormat('en', { timeZone })).not.toThrow()
  }
})

test('an airport outside the table has no zone, rather than a guessed one', () => {
  expect(loadAirportZones().zoneOf('ZZZ')).toBeNull()
  expect(loadAirportZones().zoneOf('jfk')).toBeNull()
})

test('the table names the package, version and licence that it was made from', () => {
  expect(loadAirportZones().source).toMatch(/^airportsdata \d{8} /)
})

test('an ICAO code has its IATA code, also where one is not the other with a letter before', () => {
  const { iataOf } = loadAirportZones()
  expect(['KJFK', 'PHNL', 'TJSJ', 'EGLL', 'YSSY'].map(iataOf)).toEqual([
    'JFK',
    'HNL',
    'SJU',
    'LHR',
    'SYD',
  ])
  expect(iataOf('ZZZZ')).toBeNull()
})

test('an airport of the United States that was renamed since is known by its former ICAO code', () => {
  expect(loadAirportZones().iataOf('KPBI')).toBe('PBI')
  expect(loadAirportZones().iataOf('EPBI')).toBeNull()
})
