/** Legs found at aviationstack's boards: near, past, far ahead, sold under another number, or not at all. */
import { describe, expect, test } from 'vitest'
import { parseLocalDate } from '../../../domain/time.ts'
import {
  aviationstack,
  COAST_LEG,
  COAST_REFERENCE,
  coastLeg,
  startBoth,
} from './aviationstack-fixtures.ts'
import { handClock, startScripted } from './fixtures.ts'

const ASKED = COAST_REFERENCE.identity
const FOUND = {
  carrier: 'B6',
  flightNumber: '35',
  origin: 'JFK',
  destination: 'SFO',
  scheduledOut: '2013-02-08T15:00:00.000Z',
  scheduledIn: '2013-02-08T21:00:00.000Z',
  originZone: 'America/New_York',
  destinationZone: 'America/Los_Angeles',
  providerIdent: 'B635',
  marketingIdent: null,
  isTimeUnverified: true,
}
/** Asked for under the number of the carrier that sells it. */
const SOLD = { ...ASKED, carrier: 'QF', flightNumber: '3035' }

/** What the timetable says at a moment. */
async function foundAt(now: string, asked = ASKED, legs = [COAST_LEG], apiKey = 'test-key') {
  await using rig = await startBoth(legs, handClock(now))
  await using provider = aviationstack(`${rig.url}/v1`, handClock(now), { apiKey })
  return await provider.findScheduled(asked)
}

describe('the days that some endpoint covers', () => {
  test.each([
    ['in the past', '2013-03-01T12:00:00Z'],
    ['on the day', '2013-02-08T12:00:00Z'],
    ['the day before', '2013-02-07T16:00:00Z'],
    ['eight days before', '2013-01-31T12:00:00Z'],
    ['a month before', '2013-01-08T12:00:00Z'],
  ])('a leg is found %s, its times unverified', async (_, now) => {
    expect(await foundAt(now)).toMatchObject({ ok: true, value: [FOUND] })
  })

  test.each([
    ['three days before', '2013-02-05T12:00:00Z'],
    ['seven days before', '2013-02-01T12:00:00Z'],
    ['four months after', '2013-06-08T12:00:00Z'],
  ])('no endpoint covers it %s: that is no empty timetable', async (_, now) => {
    expect(await foundAt(now)).toMatchObject({ ok: false, kind: 'NOT_FOUND' })
  })

  test.each(['2013-02-08T12:00:00Z', '2013-01-08T12:00:00Z'])(
    'another day’s flight is not the leg, at %s',
    async (now) => {
      const dayBefore = coastLeg('2013-02-07T15:00:00Z')
      expect(await foundAt(now, ASKED, [dayBefore])).toMatchObject({ ok: true, value: [] })
    },
  )

  test('an arrival after midnight is the next day’s', async () => {
    const late = coastLeg('2013-02-09T03:00:00Z')
    const result = await foundAt('2013-01-08T12:00:00Z', ASKED, [late])
    expect(result).toMatchObject({
      ok: true,
      value: [
        { scheduledOut: '2013-02-09T03:00:00.000Z', scheduledIn: '2013-02-09T09:00:00.000Z' },
      ],
    })
  })
})

describe('code shares', () => {
  // Trap 13.
  test('a marketing number finds the operating flight', async () => {
    expect(await foundAt('2013-02-08T12:00:00Z', SOLD)).toMatchObject({
      ok: true,
      value: [{ ...FOUND, marketingIdent: 'QF3035' }],
    })
  })

  test('the operating number finds itself', async () => {
    const result = await foundAt('2013-02-08T12:00:00Z')
    expect(result.ok && result.value.map(({ marketingIdent }) => marketingIdent)).toEqual([null])
  })

  test('a board more than a week ahead names the operating flight too', async () => {
    const future = {
      departure: { iataCode: 'jfk', icaoCode: 'kjfk', scheduledTime: '10:00' },
      arrival: { iataCode: 'sfo', icaoCode: 'ksfo', scheduledTime: '13:00' },
      flight: { number: '3035', iataNumber: 'qf3035', icaoNumber: 'qfa3035' },
      codeshared: { flight: { number: '35', iataNumber: 'b635', icaoNumber: 'jbu35' } },
    }
    await using server = await startScripted(() => ({
      status: 200,
      body: JSON.stringify({ pagination: null, data: [future] }),
    }))
    await using provider = aviationstack(server.url, handClock('2013-01-08T12:00:00Z'))
    const result = await provider.findScheduled(SOLD)
    expect(result).toMatchObject({ ok: true, value: [{ ...FOUND, marketingIdent: 'QF3035' }] })
    const query = new URL(server.asked[0]?.target ?? '', 'http://x').searchParams
    expect(Object.fromEntries(query)).toMatchObject({
      iataCode: 'JFK',
      type: 'departure',
      date: '2013-02-08',
      airline_iata: 'QF',
      flight_number: '3035',
    })
  })
})

describe('refusals', () => {
  test.each(['2013-03-01T12:00:00Z', '2013-01-08T12:00:00Z'])(
    'what the plan does not include is AUTH, at %s',
    async (now) => {
      const result = await foundAt(now, ASKED, [COAST_LEG], 'key_free')
      expect(result).toMatchObject({ ok: false, kind: 'AUTH', isRetryable: false, httpStatus: 403 })
    },
  )

  test('a small plan still sees the flights of today', async () => {
    const result = await foundAt('2013-02-08T12:00:00Z', ASKED, [COAST_LEG], 'key_free')
    expect(result).toMatchObject({ ok: true, value: [FOUND] })
  })

  test('a month used up is QUOTA, for good', async () => {
    const result = await foundAt('2013-02-08T12:00:00Z', ASKED, [COAST_LEG], 'key_spent')
    expect(result).toMatchObject({ ok: false, kind: 'QUOTA', isRetryable: false })
  })

  test('a date that the server takes for too near is refused for good, though it says 500', async () => {
    // Our day at the origin is still the 31st when the server's, in UTC, is the 1st.
    const result = await foundAt('2013-02-01T02:00:00Z')
    expect(result).toMatchObject({ kind: 'BAD_REQUEST', isRetryable: false, httpStatus: 500 })
  })

  test('an airport of no known zone is not asked for', async () => {
    await using server = await startScripted(() => ({ status: 200, body: '{}' }))
    await using provider = aviationstack(server.url, handClock('2013-02-08T12:00:00Z'))
    const asked = { ...ASKED, origin: 'XXX', originLocalDate: parseLocalDate('2013-02-08') }
    expect(await provider.findScheduled(asked)).toMatchObject({ ok: false, kind: 'BAD_REQUEST' })
    expect(server.asked).toEqual([])
  })
})
