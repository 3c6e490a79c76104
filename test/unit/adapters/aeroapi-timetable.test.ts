/** How the AeroAPI adapter finds a leg in the timetable: local days, routes, code shares. */
import { expect, test } from 'vitest'
import { aeroApi, handClock, leg, referenceOf, startScripted } from './fixtures.ts'

const NOW = '2013-02-08T20:00:00Z'
const LEG = leg({ out: '2013-02-08T15:00:00Z' })

const SCHEDULED = {
  ident: 'JBU35',
  ident_icao: 'JBU35',
  ident_iata: 'B635',
  actual_ident: null,
  scheduled_out: '2013-02-08T15:00:00Z',
  scheduled_in: '2013-02-08T18:00:00Z',
  origin: 'KJFK',
  origin_iata: 'JFK',
  destination: 'KPBI',
  destination_iata: 'PBI',
}

async function scheduledFrom(rows: unknown[], identity = referenceOf(LEG).identity) {
  await using server = await startScripted(() => ({
    status: 200,
    body: JSON.stringify({ links: null, scheduled: rows }),
  }))
  await using provider = aeroApi(server.url, handClock(NOW))
  return { result: await provider.findScheduled(identity), asked: server.asked }
}

test('gives the leg with its ICAO ident and the zones of both airports', async () => {
  const { result } = await scheduledFrom([SCHEDULED])
  expect(result).toMatchObject({
    ok: true,
    value: [
      {
        carrier: 'B6',
        flightNumber: '35',
        providerIdent: 'JBU35',
        marketingIdent: null,
        originZone: 'America/New_York',
        scheduledOut: '2013-02-08T15:00:00.000Z',
      },
    ],
  })
})

test('the day is the one on the wall at the origin, not in UTC', async () => {
  // 21:30 on the 8th in New York is the 9th in UTC.
  const evening = { ...SCHEDULED, scheduled_out: '2013-02-09T02:30:00Z' }
  const { result } = await scheduledFrom([evening])
  expect(result.ok && result.value).toHaveLength(1)
})

test('a leg of the same UTC day and another local day is another leg', async () => {
  // 22:30 on the 7th in New York.
  const eve = { ...SCHEDULED, scheduled_out: '2013-02-08T03:30:00Z' }
  const { result } = await scheduledFrom([eve])
  expect(result).toMatchObject({ ok: true, value: [] })
})

test('the same number on another route is another leg', async () => {
  const { result } = await scheduledFrom([{ ...SCHEDULED, destination_iata: 'MCO' }])
  expect(result).toMatchObject({ ok: true, value: [] })
})

test('a code share gives the operating flight and keeps the number sold', async () => {
  const row = {
    ...SCHEDULED,
    ident: 'QFA3101',
    ident_icao: 'QFA3101',
    ident_iata: 'QF3101',
    actual_ident: 'AAL181',
    actual_ident_icao: 'AAL181',
    actual_ident_iata: 'AA181',
  }
  const asked = { ...referenceOf(LEG).identity, carrier: 'QF', flightNumber: '3101' }
  const { result } = await scheduledFrom([row], asked)
  expect(result).toMatchObject({
    ok: true,
    value: [
      {
        carrier: 'AA',
        flightNumber: '181',
        providerIdent: 'AAL181',
        marketingIdent: 'QF3101',
      },
    ],
  })
})

test('a leg listed for itself and for a code share is one leg, the operating one', async () => {
  const share = { ...SCHEDULED, ident: 'ELY8035', ident_icao: 'ELY8035', ident_iata: 'LY8035' }
  const actual = { actual_ident: 'JBU35', actual_ident_icao: 'JBU35', actual_ident_iata: 'B635' }
  const { result } = await scheduledFrom([{ ...share, ...actual }, SCHEDULED])
  expect(result).toMatchObject({ ok: true, value: [{ marketingIdent: null }] })
  expect(result.ok && result.value).toHaveLength(1)
})

test('an airport without a known zone is refused before anything is asked', async () => {
  const identity = { ...referenceOf(LEG).identity, destination: 'XXX' }
  const { result, asked } = await scheduledFrom([SCHEDULED], identity)
  expect(result).toMatchObject({ ok: false, kind: 'BAD_REQUEST' })
  expect(result.ok ? '' : result.message).toContain('XXX')
  expect(asked).toEqual([])
})
