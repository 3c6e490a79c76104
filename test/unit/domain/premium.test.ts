import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { loadDelayHistory } from '../../../adapters/rates/delay-history.ts'
import {
  DelayHistoryError,
  formatDelayHistory,
  parseDelayHistory,
} from '../../../domain/delay-history.ts'
import type { PackLeg } from '../../../domain/leg-pack.ts'
import { BPS_WHOLE, minorUnits } from '../../../domain/money.ts'
import { paidBpsOf, premiumOf, rateOf, type Rate } from '../../../domain/premium.ts'
import { DEFAULT_UNDERWRITING } from '../../../domain/underwriting.ts'
import { B6_35, identityOf } from '../../support/builders.ts'
import { product } from './legs.ts'

const LEG = identityOf(B6_35)

const RATE = fc
  .record({
    observations: fc.integer({ min: 1, max: 200_000 }),
    shareBps: fc.integer({ min: 0, max: BPS_WHOLE }),
    loadingBps: fc.integer({ min: 0, max: 10 * BPS_WHOLE }),
    leastBps: fc.integer({ min: 0, max: BPS_WHOLE }),
  })
  .map(({ observations, shareBps, loadingBps, leastBps }): Rate => ({
    basis: 'FLIGHT',
    observations,
    paidBps: observations * shareBps,
    loadingBps,
    leastBps,
  }))
const SUM = fc.integer({ min: 1, max: 1e13 }).map(minorUnits)

describe('a premium', () => {
  it('covers the loaded burn, by less than one minor unit too much', () => {
    fc.assert(
      fc.property(SUM, RATE, (sum, rate) => {
        const premium = BigInt(premiumOf(sum, { ...rate, leastBps: 0 }))
        const divisor = BigInt(rate.observations) * 100_000_000n
        const loaded = BigInt(sum) * BigInt(rate.paidBps) * BigInt(BPS_WHOLE + rate.loadingBps)
        expect(premium * divisor >= loaded).toBe(true)
        expect((premium - 1n) * divisor < loaded || premium === 1n).toBe(true)
      }),
    )
  })

  it('is never below the least share, never nothing', () => {
    fc.assert(
      fc.property(SUM, RATE, (sum, rate) => {
        const premium = premiumOf(sum, rate)
        expect(premium).toBeGreaterThanOrEqual(1)
        expect(BigInt(premium) * BigInt(BPS_WHOLE) >= BigInt(sum) * BigInt(rate.leastBps)).toBe(
          true,
        )
      }),
    )
  })

  it('grows with the sum insured and with what would have been paid', () => {
    fc.assert(
      fc.property(SUM, SUM, RATE, fc.nat({ max: 10_000 }), (a, b, rate, more) => {
        const [less, greater] = a < b ? [a, b] : [b, a]
        expect(premiumOf(less, rate)).toBeLessThanOrEqual(premiumOf(greater, rate))
        const worse = { ...rate, paidBps: rate.paidBps + more }
        expect(premiumOf(a, rate)).toBeLessThanOrEqual(premiumOf(a, worse))
      }),
    )
  })

  it('of 250.00 at a burn of 14.5 % and a loading of 30 % is 47.13', () => {
    const rate: Rate = {
      basis: 'FLIGHT',
      observations: 20,
      paidBps: 29_000,
      loadingBps: 3_000,
      leastBps: 100,
    }
    expect(premiumOf(minorUnits(25_000), rate)).toBe(4_713)
  })
})

describe('what past legs would have been paid', () => {
  const record = { observations: 9, cancelled: 1, notReached: 2, lateMin: [44, 45, 119, 120, 180] }

  it('counts each delay at its tier, not one minute before', () => {
    expect(paidBpsOf(product('FD45'), record)).toBe(3 * 10_000 + 2 * 3_000 + 6_000 + 10_000)
    expect(paidBpsOf(product('FD180'), record)).toBe(3 * 10_000 + 10_000)
  })
})

describe('a rate', () => {
  const record = (observations: number) => ({
    observations,
    cancelled: 0,
    notReached: 0,
    lateMin: [],
  })
  const history = (flight: number | null, route: number | null) => ({
    from: '',
    to: '',
    ofFlight: () => (flight === null ? null : record(flight)),
    ofRoute: () => (route === null ? null : record(route)),
  })
  const basisOf = (flight: number | null, route: number | null) =>
    rateOf(product('FD45'), DEFAULT_UNDERWRITING, history(flight, route), LEG)?.basis ?? null

  it('comes from the flight with ten past legs, from the route with nine', () => {
    expect(basisOf(10, 1_000)).toBe('FLIGHT')
    expect(basisOf(9, 1_000)).toBe('ROUTE')
    expect(basisOf(null, 10)).toBe('ROUTE')
  })

  it('is not known with nine of either', () => {
    expect(basisOf(9, 9)).toBeNull()
    expect(basisOf(null, null)).toBeNull()
  })
})

describe('a delay history', () => {
  const leg = (change: Partial<PackLeg>): PackLeg => ({
    carrier: 'B6',
    flightNumber: '35',
    origin: 'JFK',
    destination: 'PBI',
    scheduledOutMs: 0,
    scheduledInMs: 1,
    status: 'A',
    departureDelayMin: 0,
    arrivalDelayMin: 0,
    tailNumber: null,
    ...change,
  })
  const LEGS = [
    leg({ arrivalDelayMin: 70 }),
    leg({ arrivalDelayMin: -3 }),
    leg({ status: 'C', arrivalDelayMin: null }),
    leg({ status: 'D', arrivalDelayMin: null, destination: 'MCO' }),
    leg({ status: 'R', arrivalDelayMin: 200, flightNumber: '36' }),
  ]

  it('keeps each flight on its routes and each route over its flights', () => {
    const period = { from: '2013-01-01', to: '2013-01-02' }
    const history = parseDelayHistory(formatDelayHistory(LEGS, period))
    expect(history).toMatchObject(period)
    expect(history.ofFlight('B6', '35')).toEqual({
      observations: 4,
      cancelled: 1,
      notReached: 1,
      lateMin: [70],
    })
    expect(history.ofRoute('B6', 'JFK', 'PBI')).toEqual({
      observations: 4,
      cancelled: 1,
      notReached: 0,
      lateMin: [70, 200],
    })
    expect(history.ofFlight('AA', '35')).toBeNull()
  })

  it.each(['', '{}', '{"format":"delays/1","from":"a","to":"b"}\nB6|35 1 0 0', 'x\n'])(
    'is refused when it is none: %#',
    (text) => {
      expect(() => parseDelayHistory(text)).toThrow(DelayHistoryError)
    },
  )

  it('ships with the product and prices the reference flight', async () => {
    const history = await loadDelayHistory()
    expect(history.ofFlight('B6', '35')?.observations).toBe(121)
    const rate = rateOf(product('FD45'), DEFAULT_UNDERWRITING, history, LEG)
    expect(rate).toMatchObject({ basis: 'FLIGHT', paidBps: 118_000 })
  })
})
