/** The refresh over a real database and the local provider: what is asked for, and what is left alone. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createAeroAirports } from '../../adapters/airports/aeroapi-airports.ts'
import { createAirportCache } from '../../db/stores/airport-cache.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createStaleLegs } from '../../db/stores/stale-legs.ts'
import type { CallPurpose } from '../../domain/ports/call-allowance.ts'
import type { FlightDataProvider } from '../../domain/ports/flight-data-provider.ts'
import { legKey } from '../../domain/leg.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/time.ts'
import { refreshAirports, removeExpired } from '../../operations/refresh-airports.ts'
import { refreshFlights } from '../../operations/refresh-flights.ts'
import { B6_35, failure, identityOf, manyLegs, recordOf, rowOf } from '../support/builders.ts'
import { book } from '../support/watched-book.ts'
import { startFlights } from '../unit/adapters/fixtures.ts'

const LEG = { ...B6_35, scheduledIn: addMs(B6_35.scheduledOut, 8 * HOUR_MS) }
const OUT = LEG.scheduledOut

describe('flights', () => {
  /** a leg of eight hours on its way, last polled twenty minutes after it left. */
  async function underWay(policies = 1) {
    const rows = Array.from({ length: policies }, (_, n) => rowOf(LEG, `P-${n}`))
    const it = await book(rows, [LEG])
    const record = recordOf(LEG, { actualOut: addMs(OUT, 10 * MINUTE_MS) })
    it.flightData.shown.set(legKey(identityOf(LEG)), [record])
    it.clock.set(addMs(OUT, 20 * MINUTE_MS))
    await it.poll()
    const purposes: (CallPurpose | undefined)[] = []
    const flightData: Pick<FlightDataProvider, 'id' | 'getStatus'> = {
      id: it.flightData.id,
      getStatus: async (leg, signal) => {
        purposes.push(leg.purpose)
        return it.flightData.getStatus(leg, signal)
      },
    }
    const legStore = createLegStore(it.db)
    const deps = { legStore, flightData, clock: it.clock, staleLegs: createStaleLegs(it.db) }
    const row = async () =>
      (
        await sql<{
          poll_phase: string
          next_poll_at: string
          last_polled_at: string
          consecutive_failures: number
          claimed_by: string | null
        }>`select poll_phase, next_poll_at, last_polled_at, consecutive_failures, claimed_by
          from flight_leg`.execute(it.db)
      ).rows[0]
    return {
      ...it,
      purposes,
      row,
      refresh: () => refreshFlights(deps, { claimedBy: 'refresh' }),
      [Symbol.asyncDispose]: () => it[Symbol.asyncDispose](),
    }
  }

  test('a leg that nobody asked about for two hours is asked about once, whatever its policies', async () => {
    await using it = await underWay(5)
    expect(await it.row()).toMatchObject({ poll_phase: 'EN_ROUTE' })
    it.clock.pass(2 * HOUR_MS)
    const done = { wanted: 1, refreshed: 1, failed: 0, error: null }
    expect(await it.refresh()).toEqual(done)
    expect(it.purposes).toEqual(['ROUTINE'])
    expect(await it.row()).toMatchObject({ claimed_by: null })
    expect(await it.refresh()).toMatchObject({ wanted: 0 })
  })

  test('not a millisecond earlier', async () => {
    await using it = await underWay()
    it.clock.pass(2 * HOUR_MS - 1)
    expect(await it.refresh()).toMatchObject({ wanted: 0 })
  })

  test('a leg whose poll comes within a quarter of an hour is left to it', async () => {
    await using it = await underWay()
    const planned = (await it.row())?.next_poll_at ?? ''
    it.clock.set(planned)
    it.clock.pass(-15 * MINUTE_MS)
    expect(await it.refresh()).toMatchObject({ wanted: 0 })
    it.clock.pass(-SECOND_MS)
    expect(await it.refresh()).toMatchObject({ wanted: 1, refreshed: 1 })
  })

  test('a leg that a tick has is left to it, and one without undecided policies to nobody', async () => {
    await using it = await underWay()
    it.clock.pass(2 * HOUR_MS)
    const legId = it.legIds[0] ?? ''
    const legStore = createLegStore(it.db)
    await legStore.claimLeg({ legId, claimedBy: 'tick', leaseMs: 60_000 })
    expect(await it.refresh()).toMatchObject({ wanted: 0 })
    await sql`update flight_leg set claimed_by = null, claimed_until = null, undecided_policies = 0`.execute(
      it.db,
    )
    expect(await it.refresh()).toMatchObject({ wanted: 0 })
  })

  test('a leg before its departure is the plan’s alone', async () => {
    await using it = await underWay()
    await sql`update flight_leg set poll_phase = 'PRE_WINDOW'`.execute(it.db)
    it.clock.pass(2 * HOUR_MS)
    expect(await it.refresh()).toMatchObject({ wanted: 0 })
  })

  test('a refresh without an answer changes no plan and holds no leg', async () => {
    await using it = await underWay()
    const before = await it.row()
    it.clock.pass(2 * HOUR_MS)
    it.flightData.shown.set(legKey(identityOf(LEG)), failure('QUOTA'))
    expect(await it.refresh()).toEqual({
      ...{ wanted: 1, refreshed: 0, failed: 1 },
      error: 'QUOTA: the fake says QUOTA',
    })
    expect(await it.row()).toEqual(before)
  })
})

describe('airports', () => {
  async function cached() {
    const it = await book([rowOf(B6_35, 'P-1'), rowOf(B6_35, 'P-2')])
    const flights = await startFlights([], it.clock)
    const airports = createAeroAirports({ baseUrl: flights.url, apiKey: 'test-key' })
    const asked: string[] = []
    const airportData: typeof airports = {
      ...airports,
      airport: (code, signal) => {
        asked.push(`airport ${code}`)
        return airports.airport(code, signal)
      },
      weather: (code, signal) => {
        asked.push(`weather ${code}`)
        return airports.weather(code, signal)
      },
    }
    const airportCache = createAirportCache(it.db)
    const deps = { airportCache, airportData, clock: it.clock }
    it.clock.set(addMs(OUT, -HOUR_MS))
    return {
      ...it,
      asked,
      airportCache,
      faults: flights.faults,
      refresh: (kind: 'airport' | 'weather') => refreshAirports(deps, { kind }),
      expire: () => removeExpired(deps),
      async [Symbol.asyncDispose]() {
        await airports[Symbol.asyncDispose]()
        await flights[Symbol.asyncDispose]()
        await it[Symbol.asyncDispose]()
      },
    }
  }

  test('in use are asked for once, and again after a week', async () => {
    await using it = await cached()
    const done = { wanted: 2, refreshed: 2, failed: 0, error: null }
    expect(await it.refresh('airport')).toEqual(done)
    expect(it.asked.toSorted()).toEqual(['airport JFK', 'airport PBI'])
    it.clock.pass(7 * DAY_MS - 1)
    expect(await it.refresh('airport')).toMatchObject({ wanted: 0 })
    it.clock.pass(1)
    expect(await it.refresh('airport')).toMatchObject({ wanted: 2 })
    expect(await it.airportCache.find('JFK')).toMatchObject({
      airport: { name: 'John F Kennedy International Airport', provider: 'aeroapi' },
      weather: null,
    })
  })

  test('with insured departures within six hours get their weather, every half hour', async () => {
    await using it = await cached()
    it.clock.set(addMs(OUT, -6 * HOUR_MS - 1))
    expect(await it.refresh('weather')).toMatchObject({ wanted: 0 })
    it.clock.pass(1)
    expect(await it.refresh('weather')).toMatchObject({ wanted: 1, refreshed: 1 })
    expect(it.asked).toEqual(['weather JFK'])
    it.clock.pass(30 * MINUTE_MS - 1)
    expect(await it.refresh('weather')).toMatchObject({ wanted: 0 })
    it.clock.pass(1)
    expect(await it.refresh('weather')).toMatchObject({ wanted: 1 })
    const found = await it.airportCache.find('JFK')
    expect(found?.weather?.raw).toMatch(/^KJFK /)
  })

  test('whose flights have left need no weather', async () => {
    await using it = await cached()
    const left = recordOf(B6_35, { actualOut: addMs(OUT, MINUTE_MS) })
    it.flightData.shown.set(legKey(identityOf(B6_35)), [left])
    it.clock.set(addMs(OUT, 5 * MINUTE_MS))
    expect(await it.refresh('weather')).toMatchObject({ wanted: 1 })
    await it.poll()
    it.clock.pass(HOUR_MS)
    expect(await it.refresh('weather')).toMatchObject({ wanted: 0 })
  })

  test('that the provider refuses are asked for again later, the others at once', async () => {
    await using it = await cached()
    it.faults.set({ faults: { 500: { match: 'airport|PBI' } } })
    expect(await it.refresh('airport')).toMatchObject({ wanted: 2, refreshed: 1, failed: 1 })
    it.faults.set({ faults: {} })
    // An outage is not the airport's fault.
    expect(await it.refresh('airport')).toMatchObject({ wanted: 1, refreshed: 1 })
    await sql`delete from cache_entry`.execute(it.db)
    it.faults.set({ faults: { truncated: { match: 'airport|PBI' } } })
    const refused = await it.refresh('airport')
    expect(refused).toMatchObject({ refreshed: 1, failed: 1 })
    expect(refused.error).toMatch(/^PBI: MALFORMED/)
    expect(await it.refresh('airport')).toMatchObject({ wanted: 0 })
    it.clock.pass(15 * MINUTE_MS)
    it.faults.set({ faults: {} })
    expect(await it.refresh('airport')).toMatchObject({ wanted: 1, refreshed: 1 })
  })

  test('and weather that were not refreshed in time are removed', async () => {
    await using it = await cached()
    await it.refresh('airport')
    await it.refresh('weather')
    it.clock.pass(3 * HOUR_MS - 1)
    expect(await it.expire()).toEqual({ removed: 0 })
    it.clock.pass(1)
    expect(await it.expire()).toEqual({ removed: 1 })
    expect(await it.airportCache.find('JFK')).toMatchObject({ weather: null })
    it.clock.pass(56 * DAY_MS)
    expect(await it.expire()).toEqual({ removed: 2 })
    expect(await it.airportCache.find('JFK')).toBeNull()
  })
})

test('ten legs between two airports are two airports', async () => {
  const legs = manyLegs(10)
  await using it = await book(
    legs.map((leg, n) => rowOf(leg, `P-${n}`)),
    legs,
  )
  const cache = createAirportCache(it.db)
  const now = addMs(OUT, -HOUR_MS)
  const request = { now, departuresUntil: addMs(now, 6 * HOUR_MS), limit: 300 }
  const codes = async (kind: 'airport' | 'weather') =>
    (await cache.due({ ...request, kind })).map(({ code }) => code)
  expect(await codes('airport')).toEqual(['JFK', 'PBI'])
  expect(await codes('weather')).toEqual(['JFK'])
})
