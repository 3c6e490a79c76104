/** An airport in use: the same by REST and by the command line. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createAirportCache } from '../../db/stores/airport-cache.ts'
import { addMs, HOUR_MS } from '../../domain/time.ts'
import { runCommand } from '../support/read-commands.ts'
import { createApiRig, RIG_NOW, type ApiRig } from './api-rig.ts'

const TIMES = { fetchedAt: RIG_NOW, refreshAt: RIG_NOW, expiresAt: addMs(RIG_NOW, HOUR_MS) }

const JFK = {
  ...{ code: 'JFK', icao: 'KJFK', name: 'John F Kennedy International Airport', city: 'New York' },
  ...{ countryCode: 'US', latitude: 40.64, longitude: -73.78, elevationFt: 13 },
  timezone: 'America/New_York',
}

const WEATHER = {
  observedAt: addMs(RIG_NOW, -9 * 60_000),
  raw: 'KJFK 071151Z 02018G27KT 2SM SN OVC012 M01/M03 A2982',
  ...{ conditions: 'SN', clouds: 'Overcast skies', temperatureC: -1, windDirectionDeg: 20 },
  ...{ windSpeedKt: 18, windGustKt: 27, visibilitySm: 2 },
}

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig()
  const cache = createAirportCache(rig.database.db)
  await cache.saveAirport('aeroapi', JFK, TIMES)
  await cache.saveWeather('aeroapi', { code: 'JFK', weather: WEATHER }, TIMES)
  await cache.saveWeather('aeroapi', { code: 'EWR', weather: WEATHER }, TIMES)
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

test('is shown with its weather, and whence and since when they are', async () => {
  const { status, body } = await rig.ask('GET', '/api/airports/jfk')
  expect(status).toBe(200)
  const part = { provider: 'aeroapi', fetchedAt: RIG_NOW }
  expect(body).toEqual({
    code: 'JFK',
    airport: { ...JFK, ...part },
    weather: { ...WEATHER, ...part },
  })
  const json = await runCommand(rig.database.url, ['airports', 'show', 'JFK', '--json'])
  expect(JSON.parse(json.out)).toEqual(body)
  const { out } = await runCommand(rig.database.url, ['airports', 'show', 'jfk'])
  expect(out).toMatch(/name +John F Kennedy International Airport/)
  expect(out).toMatch(/wind +18 kt from 20°, gusts 27 kt/)
})

test('of which only the weather is known has no other part', async () => {
  expect((await rig.ask('GET', '/api/airports/EWR')).body).toMatchObject({ airport: null })
})

test.each(['LGA', 'KJFK', '%00%00', 'J1K'])('%s is not in use', async (code) => {
  const { status, body } = await rig.ask('GET', `/api/airports/${code}`)
  expect([status, (body as { title?: unknown }).title !== undefined]).toEqual([404, true])
})

test('that is not in use is an error of the command line, a bad code one of its use', async () => {
  const unknown = await runCommand(rig.database.url, ['airports', 'show', 'LGA'])
  expect(String(unknown.error)).toContain('there is no airport LGA in use')
  const bad = await runCommand(rig.database.url, ['airports', 'show', 'KJFK'])
  expect(bad.err).toContain('three letters')
})
