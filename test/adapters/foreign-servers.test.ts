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
import type { PaymentsDialect } from '../support/foreign/foreign-payments.ts'
import { expectedDecisions } from '../support/oracle.ts'

const PACK = fileURLToPath(new URL('../../data/nyc2013-02-storm.legs.txt.gz', import.meta.url))
/** All that the servers know: the days around the blizzard, so that numbers repeat from day to day. */
const KNOWN = readForeignLegs(PACK, '2013-02-04T00:00Z', '2013-02-12T00:00Z')
const BOUND_AT = parseInstant('2013-02-07T09:00:00Z')

const PRODUCTS = ['FD45', 'FD120', 'FD180'] as const
const EXPECTED = new Map(PRODUCTS.map((product) => [product, expectedDecisions(PACK, product)]))

/** 24 hours of the storm: all that were diverted or never arrived, and a sample of the others. */
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
  const chosen = [rare, every(cancelled, 6), every(islands, 3), every(late, 14), every(others, 6)]
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
  const owedBy = new Map(owed.map(({ transferId, amountMinor }) => [transferId, amountMinor]))
  expect(new Map(result.moved.map(({ id, amount }) => [id, amount]))).toEqual(owedBy)
  expect(owedBy.size).toBe(owed.length)
}

test('the sample has every fate a leg can have, and is mostly legs that are paid for', () => {
  expect(new Set(LEGS.map(({ status }) => status))).toEqual(new Set(['A', 'C', 'R', 'D']))
  expect(LEGS.length).toBeGreaterThan(25)
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
      flights: { codes: 'icao', operator: 'null', numbers: 'null', unknown: '404', lagMin: 10 },
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
    'late reports, changed destinations without estimates, cancelled after push-back',
    {
      flights: {
        lagMin: 10,
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

test('a leg that left the gate and of which nothing more is heard is for people to decide', async () => {
  const result = await runDay({ neverArrived: 'out-only' })
  expect(differences(result, ({ status }) => status === 'D')).toEqual([])
  expectPaidOnce(result)
})
