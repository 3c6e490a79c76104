/**
 * Real legs through foreign servers of both dialects: whatever a server of the dialect may leave out,
 * write differently or tell late, every decision and every cent is what the oracle says.
 */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

import { parseInstant } from '../../domain/time.ts'
import { runForeignDay } from '../support/foreign/foreign-day.ts'
import type { DayResult } from '../support/foreign/foreign-day.ts'
import type { FlightsDialect } from '../support/foreign/foreign-flights.ts'
import { readForeignLegs } from '../support/foreign/foreign-legs.ts'
import type { ForeignLeg } from '../support/foreign/foreign-legs.ts'
import { BAD_PAYEE } from '../support/foreign/foreign-payments.ts'
import type { PaymentsDialect } from '../support/foreign/foreign-payments.ts'
import { expectedDecisions } from '../../acceptance/oracle/leg-oracle.ts'

const PACK = fileURLToPath(new URL('../../data/nyc2013-02-storm.legs.txt.gz', import.meta.url))
/** All that the servers know: the days around the blizzard, so that numbers repeat from day to day. */
const KNOWN = readForeignLegs(PACK, '2013-02-04T00:00Z', '2013-02-12T00:00Z')
const BOUND_AT = parseInstant('2013-02-07T09:00:00Z')

const PRODUCTS = ['FD45', 'FD120', 'FD180'] as const
const EXPECTED = new Map(PRODUCTS.map((product) => [product, expectedDecisions(PACK, product)]))

/** A day around the storm's first: all that were diverted or never arrived, and a sample of the others. */
const LEGS = sample(
  KNOWN.filter(
    ({ outMs }) =>
      outMs >= Date.parse('2013-02-07T21:00Z') && outMs < Date.parse('2013-02-08T21:00Z'),
  ),
)
const ROWS = LEGS.map(rowOf)

function sample(legs: readonly ForeignLeg[]): ForeignLeg[] {
  const rare = legs.filter(({ status }) => status === 'R' || status === 'D')
  const cancelled = legs.filter(({ status }) => status === 'C')
  const islands = legs.filter(({ destination }) => ['HNL', 'SJU', 'STT'].includes(destination))
  const late = legs.filter(({ status, arrivalMin }) => status === 'A' && arrivalMin >= 40)
  const others = legs.filter(({ status, arrivalMin }) => status === 'A' && arrivalMin < 40)
  const every = (list: readonly ForeignLeg[], n: number) =>
    list.filter((_, i) => i % Math.max(1, Math.floor(list.length / n)) === 0).slice(0, n)
  const chosen = [rare, every(cancelled, 4), every(islands, 2), every(late, 8), every(others, 3)]
  return [...new Set(chosen.flat())]
}

function keyOf(leg: ForeignLeg): string {
  const zone = 'America/New_York'
  const date = new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(leg.outMs)
  return [leg.carrier, leg.number, leg.origin, leg.destination, date].join('|')
}

function rowOf(leg: ForeignLeg, i: number): Record<string, string> {
  return {
    policy_number: `P${i}`,
    product: PRODUCTS[i % 3] ?? '',
    carrier: leg.carrier,
    flight_number: leg.number,
    origin: leg.origin,
    destination: leg.destination,
    departure_date: keyOf(leg).split('|').at(-1) ?? '',
    sum_insured: '1000.00',
    currency: 'USD',
    payee_ref: `acct_${i}`,
  }
}

async function runDay(
  flights: Partial<FlightsDialect>,
  payments: Partial<PaymentsDialect> = {},
): Promise<DayResult> {
  return await runForeignDay({ flights, payments, boundAt: BOUND_AT, rows: ROWS, legs: KNOWN })
}

/** Where decisions differ from the oracle's; `isReviewed` says which legs only people can decide. */
function differences(result: DayResult, isReviewed: (leg: ForeignLeg) => boolean = () => false) {
  return LEGS.flatMap((leg, i) => {
    const number = `P${i}`
    const got = result.decided.get(number)
    const key = keyOf(leg)
    const bps = EXPECTED.get(PRODUCTS[i % 3] ?? 'FD45')?.get(key)
    const want = isReviewed(leg) ? 'review' : `${key}=${bps} ${(bps ?? 0) * 10}`
    const review = result.inReview.get(number)
    const have =
      got === undefined
        ? review === undefined
          ? 'undecided'
          : 'review'
        : `${got.legKey}=${got.bps} ${got.amountMinor}`
    return have === want
      ? []
      : [`${number} ${leg.status} ${leg.arrivalMin}: ${want} is ${have} ${review ?? ''}`]
  })
}

function expectPaidOnce(result: DayResult): void {
  const owed = [...result.decided.values()].filter(({ amountMinor }) => amountMinor > 0)
  // Each transfer belongs to one payout, and no other money moved.
  const owedBy = new Map(
    owed.map(({ payouts, amountMinor }) => [payouts[0]?.transferId, amountMinor]),
  )
  expect(new Map(result.moved.map(({ id, amount }) => [id, amount]))).toEqual(owedBy)
  expect(owedBy.size).toBe(owed.length)
}

test('the sample has every fate a leg can have, and is mostly legs that are paid for', () => {
  expect(new Set(LEGS.map(({ status }) => status))).toEqual(new Set(['A', 'C', 'R', 'D']))
  expect(LEGS.length).toBeGreaterThan(20)
})

type Case = {
  readonly flights: Partial<FlightsDialect>
  readonly payments?: Partial<PaymentsDialect>
}

const CASES: readonly (readonly [string, Case])[] = [
  ['the dialect as documented', { flights: {} }],
  [
    'ICAO codes alone, unknown is 404, reports ten minutes late; payments close each connection',
    {
      flights: {
        codes: 'icao',
        operator: 'null',
        numbers: 'null',
        unknown: '404',
        lagMin: 10,
        flagged: 'all',
        onward: 'unscheduled',
      },
      payments: { closesConnections: true, isTerse: true },
    },
  ],
  [
    'IATA codes alone, plain airports, no estimates, whole fortnights in pages of five',
    {
      flights: {
        codes: 'iata',
        hasPlainAirports: true,
        hasEstimates: false,
        ignoresDates: true,
        pageSize: 5,
        prefix: '',
        links: 'absent',
        flagged: 'none',
        onward: 'same-id',
      },
      payments: { throttles: true, hidesMore: true },
    },
  ],
  [
    'ICAO airports as texts, the seller as operator, padded numbers, offsets, noise in the timetable',
    {
      flights: {
        codes: 'icao',
        hasPlainAirports: true,
        operator: 'seller',
        numbers: 'padded',
        instants: 'offset',
        hasNoise: true,
        hasForeignLinks: true,
        cancelled: 'after-departure',
        diversion: 'destination-changed',
        flagged: 'none',
      },
      payments: { prefix: '/pay', losesAnswers: true },
    },
  ],
  [
    'gate times only, numbers as numbers, cancelled with a departure, one record for a diversion',
    {
      flights: {
        actuals: 'gate',
        numbers: 'number',
        instants: 'ms',
        links: 'empty',
        cancelled: 'with-out',
        diversion: 'one-record',
        neverArrived: 'cancelled',
        hasNoise: true,
        closesConnections: true,
      },
    },
  ],
  [
    'nothing but gate arrivals, no estimates, cancelled flights vanish, what never arrives is one flag',
    {
      flights: {
        actuals: 'arrival',
        hasEstimates: false,
        operator: 'null',
        cancelled: 'vanishes',
        diversion: 'one-record',
        lagMin: 10,
      },
    },
  ],
  [
    'late reports, retimed departures, changed destinations, cancelled after push-back',
    {
      flights: {
        lagMin: 10,
        retimes: true,
        hasEstimates: false,
        diversion: 'destination-changed',
        cancelled: 'after-departure',
        neverArrived: 'cancelled',
        unknown: '404',
      },
    },
  ],
]

describe('every decision and every cent are the oracle’s', () => {
  test.each(CASES)('%s', async (_, { flights, payments }) => {
    const result = await runDay(flights, payments)
    expect(result.rejected).toEqual([])
    expect(differences(result)).toEqual([])
    expect(result.refusals).toEqual([])
    expectPaidOnce(result)
    expect(result.pollsPerLeg).toBeLessThan(40)
  })
})

/** Made legs; the delay in minutes is all that decides. Times are UTC, dates the origin's. */
const ELSEWHERE = [
  // One number on two routes on one day.
  ['WN', '2269', 'LGA', 'STL', '2013-11-02T10:00Z', 165, 44, '2013-11-02', 0],
  ['WN', '2269', 'EWR', 'DEN', '2013-11-02T19:40Z', 260, 45, '2013-11-02', 3_000],
  // One number and route twice on one UTC date.
  ['DL', '30', 'JFK', 'ATL', '2013-11-03T00:30Z', 150, 200, '2013-11-02', 10_000],
  ['DL', '30', 'JFK', 'ATL', '2013-11-03T13:00Z', 150, 0, '2013-11-03', 0],
  // The clocks go back: before, in the hour that is there twice, and after.
  ['B6', '727', 'JFK', 'BQN', '2013-11-03T03:59Z', 219, 120, '2013-11-02', 6_000],
  ['AA', '9', 'JFK', 'LAX', '2013-11-03T06:30Z', 370, 180, '2013-11-03', 10_000],
  ['B6', '727', 'JFK', 'BQN', '2013-11-04T04:59Z', 219, 10, '2013-11-03', 0],
  // Over the date line, and over half the world.
  ['HA', '452', 'SYD', 'HNL', '2013-11-03T10:30Z', 600, 60, '2013-11-03', 3_000],
  ['QF', '1', 'LHR', 'SYD', '2013-11-02T20:30Z', 1_320, 119, '2013-11-02', 3_000],
] as const

const ELSEWHERE_LEGS = ELSEWHERE.map(
  ([carrier, number, origin, destination, out, block, arrivalMin]): ForeignLeg => {
    const outMs = Date.parse(out)
    const inMs = outMs + block * 60_000
    const departureMin = Math.max(0, arrivalMin)
    return {
      carrier,
      number,
      origin,
      destination,
      outMs,
      inMs,
      status: 'A',
      departureMin,
      arrivalMin,
    }
  },
)

const ELSEWHERE_ROWS = ELSEWHERE.map(([carrier, number, origin, destination, , , , date], i) => ({
  ...ROWS[0],
  policy_number: `E${i}`,
  product: 'FD45',
  carrier,
  flight_number: number,
  origin,
  destination,
  departure_date: date,
}))

test('numbers on two routes, dates of other zones and a night of 25 hours are told apart', async () => {
  const [first] = ELSEWHERE_ROWS
  const result = await runForeignDay({
    flights: { codes: 'icao', operator: 'null', hasNoise: true, ignoresDates: true },
    boundAt: parseInstant('2013-11-01T12:00:00Z'),
    legs: ELSEWHERE_LEGS,
    rows: [
      ...ELSEWHERE_ROWS,
      { ...first, policy_number: 'LOWER', carrier: 'wn', origin: 'lga', flight_number: '02269' },
      { ...first, policy_number: 'SHARE', carrier: 'QF', flight_number: '32269' },
      { ...first, policy_number: 'ROUTE', destination: 'DEN' },
      { ...first, policy_number: 'E1' },
      { ...first, policy_number: 'E0' },
    ],
  })
  expect(result.rejected.map(({ policyNumber, reason }) => [policyNumber, reason])).toEqual([
    ['ROUTE', 'no such leg at the provider: WN|2269|LGA|DEN|2013-11-02'],
    ['E1', 'already bound with other content: origin, destination'],
  ])
  const decided = [...result.decided].map(([number, { legKey, bps }]) => [number, legKey, bps])
  const due = ELSEWHERE.map(([carrier, number, origin, destination, , , , date, bps], i) => [
    `E${i}`,
    [carrier, number, origin, destination, date].join('|'),
    bps,
  ])
  const sameLeg = due[0]?.slice(1) ?? []
  expect(decided).toEqual([...due, ['LOWER', ...sameLeg], ['SHARE', ...sameLeg]])
  expectPaidOnce(result)
})

test('a payee whom the rail refuses is for people; the others are paid', async () => {
  const result = await runForeignDay({
    boundAt: parseInstant('2013-11-01T12:00:00Z'),
    legs: ELSEWHERE_LEGS,
    rows: ELSEWHERE_ROWS.slice(1, 3).map((row, i) =>
      i === 0 ? { ...row, payee_ref: BAD_PAYEE } : row,
    ),
  })
  expect(result.moved).toMatchObject([{ amount: 100_000 }])
  expect([...result.inReview.keys()]).toEqual(['E1'])
  expect(result.decided.get('E2')).toMatchObject({
    payouts: [{ transferId: result.moved[0]?.id }],
  })
})

test('a leg that left the gate and of which nothing more is heard is for people to decide', async () => {
  const result = await runDay({ neverArrived: 'out-only' })
  expect(differences(result, ({ status }) => status === 'D')).toEqual([])
  expectPaidOnce(result)
})
