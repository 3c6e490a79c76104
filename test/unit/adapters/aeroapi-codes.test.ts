/** Which leg a record speaks of, whatever codes the server gives. */
import { describe, expect, test } from 'vitest'
import { splitIdent } from '../../../adapters/flights/aeroapi-codes.ts'
import { aeroApi, handClock, leg, referenceOf, startScripted } from './fixtures.ts'

const NOW = '2013-02-08T20:00:00Z'
const LEG = leg({ out: '2013-02-08T15:00:00Z' })
const OURS = { carrier: 'B6', flightNumber: '35', origin: 'JFK', destination: 'PBI' }

const FLIGHT = {
  ident: 'JBU35',
  cancelled: false,
  diverted: false,
  origin: { code: 'KJFK', code_icao: 'KJFK', code_iata: null },
  destination: { code: 'KPBI', code_icao: 'KPBI', code_iata: null },
  scheduled_out: '2013-02-08T15:00:00Z',
}

const SCHEDULED = {
  ident: 'JBU35',
  scheduled_out: '2013-02-08T15:00:00+00:00',
  scheduled_in: '2013-02-08T18:00:00+00:00',
  origin: 'KJFK',
  destination: 'KPBI',
}

async function recordFrom(change: object, providerIdent = 'JBU35') {
  await using server = await startScripted(() => ({
    status: 200,
    body: JSON.stringify({ flights: [{ ...FLIGHT, ...change }] }),
  }))
  await using provider = aeroApi(server.url, handClock(NOW))
  const result = await provider.getStatus(referenceOf(LEG, providerIdent))
  return result.ok ? result.value[0] : result
}

async function legsFrom(rows: object[], identity = referenceOf(LEG).identity) {
  await using server = await startScripted(() => ({
    status: 200,
    body: JSON.stringify({ scheduled: rows.map((row) => ({ ...SCHEDULED, ...row })) }),
  }))
  await using provider = aeroApi(server.url, handClock(NOW))
  const result = await provider.findScheduled(identity)
  return result.ok ? result.value : result
}

describe('a status record is the leg’s', () => {
  test.each([
    ['an ICAO ident alone', {}],
    ['an IATA ident alone', { ident: 'B635' }],
    ['a padded ident', { ident: 'JBU0035' }],
    ['a number that is one', { flight_number: 35 }],
    ['a padded number', { flight_number: '0035' }],
    ['the carrier that sells it as its operator', { operator_iata: 'DL', operator: 'DAL' }],
    ['airports as texts', { origin: 'KJFK', destination: 'KPBI' }],
    ['IATA airports as texts', { origin: 'JFK', destination: 'PBI' }],
    ['the off times alone', { scheduled_out: null, scheduled_off: '2013-02-08T15:00:00Z' }],
  ])('with %s', async (_, change) => {
    expect(await recordFrom(change)).toMatchObject({
      ...OURS,
      scheduledOut: '2013-02-08T15:00:00.000Z',
    })
  })

  test('with a carrier that nobody knows, by the ident that it was bound with', async () => {
    expect(await recordFrom({ ident: 'XQZ35', operator: 'XQZ' }, 'XQZ35')).toMatchObject(OURS)
  })
})

describe('a status record is another flight’s', () => {
  test.each([
    ['another number', { ident: 'JBU36' }, { carrier: 'B6', flightNumber: '36' }],
    ['another carrier', { ident: 'AAL35' }, { carrier: 'AA', flightNumber: '35' }],
    ['another carrier nobody knows', { ident: 'XQZ35' }, { carrier: 'XQZ', flightNumber: '35' }],
    ['another operator', { ident: 'N635JB', operator_iata: 'DL' }, { carrier: 'DL' }],
  ])('with %s', async (_, change, expected) => {
    expect(await recordFrom(change)).toMatchObject(expected)
  })
})

describe('a row of the timetable', () => {
  test.each([
    ['ICAO codes alone', {}, 'JBU35'],
    ['IATA codes alone', { ident: 'B635', origin: 'JFK', destination: 'PBI' }, 'B635'],
    ['an empty operating ident', { actual_ident: '' }, 'JBU35'],
    ['its own ident as the operating one', { actual_ident: 'JBU35' }, 'JBU35'],
  ])('with %s is the leg itself', async (_, row, providerIdent) => {
    expect(await legsFrom([row])).toMatchObject([{ ...OURS, providerIdent, marketingIdent: null }])
  })

  test('of a code share in ICAO codes gives the operating flight', async () => {
    const asked = { ...referenceOf(LEG).identity, carrier: 'QF', flightNumber: '3101' }
    const found = await legsFrom([{ ident: 'QFA3101', actual_ident: 'AAL181' }], asked)
    expect(found).toMatchObject([
      { carrier: 'AA', flightNumber: '181', providerIdent: 'AAL181', marketingIdent: 'QF3101' },
    ])
  })

  test('of a code share whose operator nobody knows is not bound to a guess', async () => {
    const asked = { ...referenceOf(LEG).identity, carrier: 'QF', flightNumber: '3101' }
    expect(await legsFrom([{ ident: 'QFA3101', actual_ident: 'XQZ181' }], asked)).toEqual([])
  })

  test('without its times is left out; the others are read', async () => {
    expect(await legsFrom([{ scheduled_in: null }, {}])).toHaveLength(1)
  })
})

test.each([
  ['JBU35', 'B6', 'JBU', '35'],
  ['9E3375', '9E', null, '3375'],
  ['B6035A', 'B6', null, '35A'],
  ['XQZ1', null, 'XQZ', '1'],
])('%s is carrier %s, ICAO carrier %s, number %s', (ident, carrier, icaoCarrier, flightNumber) => {
  expect(splitIdent(ident)).toEqual({ carrier, icaoCarrier, flightNumber })
})

test.each(['N635JB', 'JBU', '35', ''])('"%s" is no carrier and number', (ident) => {
  expect(splitIdent(ident)).toBeNull()
})
