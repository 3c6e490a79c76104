/** Airports and weather by AeroAPI's dialect: what is asked, what is made of answers, what is refused. */
import { describe, expect, test } from 'vitest'

import { createAeroAirports } from '../../../adapters/airports/aeroapi-airports.ts'
import type { Reply } from '../../../simulator/http-server.ts'
import { handClock, startFlights, startScripted } from './fixtures.ts'

const NOW = '2013-02-08T20:00:00Z'

const METAR = {
  airport_code: 'KJFK',
  time: '2013-02-08T19:51:00Z',
  raw_data: 'KJFK 081951Z 02018G27KT 2SM SN OVC012 M01/M03 A2982',
  conditions: 'SN',
  cloud_friendly: 'Overcast skies',
  temp_air: -1,
  wind_direction: 20,
  wind_speed: 18,
  wind_speed_gust: 27,
  wind_units: 'KT',
  visibility: 2,
  visibility_units: 'SM',
}

const ok = (body: unknown): Reply => ({ status: 200, body: JSON.stringify(body) })

async function asking(reply: Reply) {
  const server = await startScripted(() => reply)
  const airports = createAeroAirports({ baseUrl: server.url, apiKey: 'test-key', timeoutMs: 1_000 })
  return {
    airports,
    asked: server.asked,
    async [Symbol.asyncDispose]() {
      await airports[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

async function weatherFrom(...observations: unknown[]) {
  await using it = await asking(ok({ observations }))
  const result = await it.airports.weather('JFK')
  return result.ok ? result.value : result
}

describe('weather', () => {
  test('asks for the airport alone, one page, in Celsius', async () => {
    await using it = await asking(ok({ observations: [] }))
    await it.airports.weather('JFK')
    const url = new URL(it.asked[0]?.target ?? '', 'http://x')
    expect(url.pathname).toBe('/airports/JFK/weather/observations')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      temperature_units: 'C',
      return_nearby_weather: 'false',
      max_pages: '1',
    })
  })

  test('is the newest observation, in whatever order they come', async () => {
    const older = { ...METAR, time: '2013-02-08T18:51:00Z', raw_data: 'older' }
    expect(await weatherFrom(older, METAR)).toEqual({
      observedAt: '2013-02-08T19:51:00.000Z',
      raw: METAR.raw_data,
      conditions: 'SN',
      clouds: 'Overcast skies',
      temperatureC: -1,
      windDirectionDeg: 20,
      windSpeedKt: 18,
      windGustKt: 27,
      visibilitySm: 2,
    })
  })

  test('is none when there is no observation', async () => {
    expect(await weatherFrom()).toBeNull()
  })

  test('has one unit of each, and no figure whose unit is not known', async () => {
    const metric = { ...METAR, wind_units: 'MPS', visibility: 1_609.344, visibility_units: 'M' }
    expect(await weatherFrom(metric)).toMatchObject({ visibilitySm: 1 })
    expect(await weatherFrom({ ...METAR, wind_units: 'furlongs' })).toMatchObject({
      windSpeedKt: null,
      windGustKt: null,
    })
  })

  test.each([{ raw_data: '' }, { time: 'noon' }, { time: null }])(
    'with %j is malformed, not weather',
    async (change) => {
      expect(await weatherFrom({ ...METAR, ...change })).toMatchObject({ kind: 'MALFORMED' })
    },
  )
})

describe('an airport', () => {
  test('that is another one than was asked for is malformed', async () => {
    await using it = await asking(ok({ code_iata: 'EWR', name: 'Newark' }))
    expect(await it.airports.airport('JFK')).toMatchObject({ ok: false, kind: 'MALFORMED' })
  })

  test('may lack everything but its name', async () => {
    await using it = await asking(ok({ name: 'Kennedy' }))
    expect(await it.airports.airport('JFK')).toMatchObject({
      ok: true,
      value: { code: 'JFK', name: 'Kennedy', latitude: null, timezone: null },
    })
  })

  test('beyond the poles is malformed', async () => {
    await using it = await asking(ok({ name: 'Kennedy', latitude: 91 }))
    expect(await it.airports.airport('JFK')).toMatchObject({ ok: false, kind: 'MALFORMED' })
  })
})

describe('the local server', () => {
  async function local() {
    const clock = handClock(NOW)
    const flights = await startFlights([], clock)
    const airports = createAeroAirports({ baseUrl: `${flights.url}/aeroapi`, apiKey: 'test-key' })
    return {
      airports,
      clock,
      faults: flights.faults,
      withKey: (apiKey: string) => createAeroAirports({ baseUrl: flights.url, apiKey }),
      async [Symbol.asyncDispose]() {
        await airports[Symbol.asyncDispose]()
        await flights[Symbol.asyncDispose]()
      },
    }
  }

  test('describes the airports of the shipped flights', async () => {
    await using it = await local()
    expect(await it.airports.airport('SFO')).toMatchObject({
      ok: true,
      units: 1,
      value: {
        ...{ code: 'SFO', icao: 'KSFO', name: 'San Francisco International Airport' },
        ...{ city: 'San Francisco', countryCode: 'US', timezone: 'America/Los_Angeles' },
      },
    })
  })

  test('has the hour’s METAR, the same at every asking, another one an hour later', async () => {
    await using it = await local()
    const first = await it.airports.weather('JFK')
    expect(await it.airports.weather('JFK')).toEqual(first)
    expect(first).toMatchObject({ ok: true, value: { observedAt: '2013-02-08T19:51:00.000Z' } })
    expect(first.ok && first.value?.raw).toMatch(/^KJFK 081951Z \d{5}(G\d\d)?KT \d+SM /)
    it.clock.set('2013-02-08T21:00:00Z')
    expect(await it.airports.weather('JFK')).toMatchObject({
      value: { observedAt: '2013-02-08T20:51:00.000Z' },
    })
  })

  test('shows no METAR before it can be known', async () => {
    await using it = await local()
    it.clock.set('2013-02-08T20:53:59Z')
    expect(await it.airports.weather('JFK')).toMatchObject({
      value: { observedAt: '2013-02-08T19:51:00.000Z' },
    })
    it.clock.set('2013-02-08T20:54:00Z')
    expect(await it.airports.weather('JFK')).toMatchObject({
      value: { observedAt: '2013-02-08T20:51:00.000Z' },
    })
  })

  test('has figures that fit the METAR', async () => {
    await using it = await local()
    const result = await it.airports.weather('JFK')
    const weather = result.ok ? result.value : null
    const [, direction, speed, gust] =
      /(\d{3})(\d{2})(?:G(\d{2}))?KT/.exec(weather?.raw ?? '') ?? []
    expect(weather?.windSpeedKt).toBeGreaterThanOrEqual(Number(speed))
    expect(weather?.windGustKt ?? undefined).toBe(gust === undefined ? undefined : Number(gust))
    expect(Number(direction) % 10).toBe(0)
    const celsius = / (M?\d\d)\/M?\d\d /.exec(weather?.raw ?? '')?.[1] ?? ''
    expect(weather?.temperatureC).toBe(Number(celsius.replace('M', '-')))
  })

  test('knows no other airport, and refuses a bad key', async () => {
    await using it = await local()
    expect(await it.airports.airport('XXX')).toMatchObject({ ok: false, kind: 'BAD_REQUEST' })
    expect(await it.airports.weather('XXX')).toMatchObject({ ok: false, kind: 'BAD_REQUEST' })
    await using stranger = it.withKey('key_invalid')
    expect(await stranger.weather('JFK')).toMatchObject({ ok: false, kind: 'AUTH' })
  })

  test('fails on demand', async () => {
    await using it = await local()
    it.faults.set({ faults: { 500: {} } })
    expect(await it.airports.airport('JFK')).toMatchObject({ ok: false, kind: 'UNAVAILABLE' })
    expect(await it.airports.weather('JFK')).toMatchObject({ ok: false, kind: 'UNAVAILABLE' })
  })
})
