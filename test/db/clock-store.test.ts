import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import type { ClockStore } from '../../db/stores/clock-store.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { msBetween, parseInstant } from '../../domain/time.ts'
import type { TestDatabase } from '../support/database.ts'
import { createTestDatabase } from '../support/database.ts'

const NOON = parseInstant('2013-02-08T12:00:00Z')

let database: TestDatabase
let store: ClockStore

beforeAll(async () => {
  database = await createTestDatabase()
  store = createClockStore(database.db)
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
})

beforeEach(async () => {
  await sql`delete from virtual_clock`.execute(database.db)
  await sql`delete from setting`.execute(database.db)
})

/** Lets `seconds` of wall time pass since the row was last written. */
async function letPass(seconds: number): Promise<void> {
  await sql`update virtual_clock
    set wall_anchor = wall_anchor - make_interval(secs => ${seconds})`.execute(database.db)
}

/** Virtual seconds since noon. */
async function secondsSinceNoon(): Promise<number> {
  const reading = await store.read()
  return msBetween(NOON, reading?.now ?? NOON) / 1_000
}

describe('without a row', () => {
  test('there is no virtual time', async () => {
    expect(await store.read()).toBeNull()
  })

  test('beat, freeze, hold and release do nothing', async () => {
    await store.beat()
    await store.freeze()
    expect(await store.hold()).toBeNull()
    expect(await store.release()).toBeNull()
    expect(await store.read()).toBeNull()
  })
})

describe('running', () => {
  test('goes on by its speed times wall time', async () => {
    await store.set({ now: NOON, speed: 120 })
    await letPass(10)
    // A second of wall time at most for the statements in between.
    expect(await secondsSinceNoon()).toBeGreaterThanOrEqual(1_200)
    expect(await secondsSinceNoon()).toBeLessThan(1_320)
  })

  test('keeps its time when only the speed changes', async () => {
    await store.set({ now: NOON, speed: 120 })
    await letPass(10)
    await store.set({ speed: 0 })
    expect(await secondsSinceNoon()).toBeGreaterThanOrEqual(1_200)
    expect((await store.read())?.speed).toBe(0)
  })

  test('keeps its speed when only the time changes', async () => {
    await store.set({ now: NOON, speed: 0 })
    await store.set({ now: parseInstant('2013-02-09T00:00:00Z') })
    expect(await store.read()).toEqual({ now: '2013-02-09T00:00:00.000Z', speed: 0 })
  })

  test('a beat changes nothing that can be seen', async () => {
    await store.set({ now: NOON, speed: 100 })
    await letPass(10)
    await store.beat()
    expect(await secondsSinceNoon()).toBeGreaterThanOrEqual(1_000)
    expect(await secondsSinceNoon()).toBeLessThan(1_100)
  })
})

describe('stopped', () => {
  test('does not run on', async () => {
    await store.set({ now: NOON, speed: 0 })
    await letPass(3_600)
    expect(await store.read()).toEqual({ now: NOON, speed: 0 })
  })
})

describe('stop and start', () => {
  test('a frozen time stands still and goes on at its speed', async () => {
    await store.set({ now: NOON, speed: 120 })
    await store.freeze()
    await letPass(3_600)
    await store.hold()
    expect(await secondsSinceNoon()).toBeLessThan(60)
    expect((await store.release())?.speed).toBe(120)
  })

  test('after a kill it goes on from the last beat', async () => {
    await store.set({ now: NOON, speed: 120 })
    await letPass(10)
    await store.beat()
    await letPass(3_600)
    await store.hold()
    expect(await secondsSinceNoon()).toBeGreaterThanOrEqual(1_200)
    expect(await secondsSinceNoon()).toBeLessThan(1_320)
    expect((await store.release())?.speed).toBe(120)
  })

  test('after a kill while starting, the speed is still known', async () => {
    await store.set({ now: NOON, speed: 120 })
    await store.hold()
    await store.hold()
    expect((await store.release())?.speed).toBe(120)
  })

  test('a clock that was stopped by hand stays stopped', async () => {
    await store.set({ now: NOON, speed: 0 })
    await store.freeze()
    await store.hold()
    expect(await store.release()).toEqual({ now: NOON, speed: 0 })
  })

  test('another speed may be asked for', async () => {
    await store.set({ now: NOON, speed: 120 })
    await store.freeze()
    expect((await store.release(7))?.speed).toBe(7)
  })

  test('a remembered speed is used once', async () => {
    await store.set({ now: NOON, speed: 120 })
    await store.freeze()
    await store.release()
    await store.set({ speed: 0 })
    expect((await store.release())?.speed).toBe(0)
  })

  test('never goes back before what was polled', async () => {
    await store.set({ now: NOON, speed: 120 })
    await sql`
      insert into flight_leg (id, leg_key, carrier, flight_number, origin, destination,
        origin_local_date, origin_zone, destination_zone, provider_ident, scheduled_out,
        scheduled_in, last_polled_at)
      values (groundstop_id('leg|x'), 'B6|35|JFK|PBI|2013-02-08', 'B6', '35', 'JFK', 'PBI',
        '2013-02-08', 'America/New_York', 'America/New_York', 'JBU35', '2013-02-08T13:00Z',
        '2013-02-08T16:00Z', '2013-02-08T12:30:00Z')`.execute(database.db)
    await store.hold()
    expect((await store.read())?.now).toBe('2013-02-08T12:30:00.000Z')
    await sql`delete from flight_leg`.execute(database.db)
  })
})
