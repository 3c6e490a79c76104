import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { REFERENCE_PRODUCTS } from '../../domain/product.ts'
import { decisionLines, groupTotals, summarise } from '../../operations/backtest-report.ts'
import { PROVIDER_FAULTS, SECOND_ALONE } from '../../domain/simulation/faulty-provider.ts'
import type { ProviderFault } from '../../domain/simulation/faulty-provider.ts'
import { accuracyOf } from '../../operations/backtest-accuracy.ts'
import { backtest, DuplicateLegError } from '../../operations/backtest.ts'
import { dataText, loadPack } from './domain/real-legs.ts'

type OracleProduct = {
  readonly paying: number
  readonly sum_bps: number
  readonly worst_day: readonly [date: string, burn: number]
  readonly sha256: string
  readonly month_carrier: Record<string, readonly [legs: number, paying: number, sumBps: number]>
}

const ORACLE: { n: number; products: Record<string, OracleProduct> } = JSON.parse(
  dataText('nyc2013-h1.oracle.json'),
)
const HALF_YEAR_LIMIT_MS = 120_000

function oracleOf(code: string): OracleProduct {
  const found = ORACLE.products[code]
  if (found === undefined) throw new Error(`the oracle has no ${code}`)
  return found
}

describe('the half year', () => {
  it(
    'is decided as the independent oracle says, to the last leg, without a review',
    () => {
      const pack = loadPack('nyc2013-h1.legs.txt.gz')
      const results = backtest({ pack, products: REFERENCE_PRODUCTS, seed: 1 })
      expect(results).toHaveLength(ORACLE.n)
      for (const [i, { code }] of REFERENCE_PRODUCTS.entries()) {
        const expected = oracleOf(code)
        const summary = summarise(results, i)
        const hash = createHash('sha256')
        for (const line of decisionLines(results, i)) hash.update(`${line}\n`)
        expect(summary.inReview).toBe(0)
        expect(hash.digest('hex'), code).toBe(expected.sha256)
        expect(summary).toMatchObject({ paying: expected.paying, sumBps: expected.sum_bps })
        expect(summary.worstDay?.date).toBe(expected.worst_day[0])
        expect(summary.worstDay?.burn).toBeCloseTo(expected.worst_day[1], 3)
        // What asking costs, and how soon an arrival is seen. The bounds are those of the design.
        expect(summary.pollsPerLeg + summary.looksPerLeg).toBeLessThanOrEqual(13)
        expect(summary.detectionMin.p99).toBeLessThanOrEqual(2)
        const groups = groupTotals(results, i, ['month', 'carrier'])
        expect(groups.size).toBe(Object.keys(expected.month_carrier).length)
        for (const [group, { legs, paying, sumBps }] of groups) {
          expect([legs, paying, sumBps], group).toEqual(expected.month_carrier[group])
        }
      }
    },
    HALF_YEAR_LIMIT_MS,
  )
})

describe('a backtest', () => {
  const pack = loadPack('nyc2013-02-storm.legs.txt.gz')
  const some = { ...pack, legs: pack.legs.slice(4_000, 4_400) }

  it('decides the same whatever the reports lag: the seed changes no decision', () => {
    const decisions = (seed: number) =>
      backtest({ pack: some, products: REFERENCE_PRODUCTS, seed }).map(({ outcomes }) => outcomes)
    expect(decisions(2)).toEqual(decisions(1))
    expect(decisions(77)).toEqual(decisions(1))
  })

  it('refuses a pack that has a leg twice', () => {
    const first = some.legs.slice(0, 1)
    const doubled = { ...some, legs: [...first, ...first] }
    expect(() => backtest({ pack: doubled, products: REFERENCE_PRODUCTS, seed: 1 })).toThrow(
      DuplicateLegError,
    )
  })

  it('of no legs is empty', () => {
    const results = backtest({ pack: { ...some, legs: [] }, products: REFERENCE_PRODUCTS, seed: 1 })
    expect(summarise(results, 0)).toMatchObject({
      legs: 0,
      burn: 0,
      worstDay: null,
      pollsPerLeg: 0,
    })
  })

  it('stops when it is cancelled', () => {
    const stopped = AbortSignal.abort(new Error('stopped'))
    const input = { pack, products: REFERENCE_PRODUCTS.slice(0, 1), seed: 1 }
    expect(() => backtest(input, { signal: stopped })).toThrow('stopped')
  })
})

describe('decision lines', () => {
  const leg = (key: string, outcome: number | 'REVIEW') => ({
    key,
    outcomes: [outcome],
    disputedBps: [null],
    correctedBps: [null],
    looks: 0,
    secondPolls: 0,
    polls: 1,
    detectionMs: null,
  })

  it('are sorted by key in code units, not by line', () => {
    const lines = decisionLines([leg('B6|35|X', 0), leg('9E|1|X', 3_000), leg('B6|3|X', 0)], 0)
    expect(lines).toEqual(['9E|1|X=3000', 'B6|35|X=0', 'B6|3|X=0'])
  })

  it('leave out legs in review', () => {
    const results = [leg('A|1|X|Y|2013-01-01', 'REVIEW'), leg('B|1|X|Y|2013-01-01', 0)]
    expect(decisionLines(results, 0)).toEqual(['B|1|X|Y|2013-01-01=0'])
    expect(summarise(results, 0)).toMatchObject({ legs: 2, paying: 0, inReview: 1 })
  })
})

describe('a fault of one source alone, in a tenth of the legs of a storm week', () => {
  const storm = loadPack('nyc2013-02-storm.legs.txt.gz')
  const week = { ...storm, legs: storm.legs.slice(0, 6_200) }
  const products = REFERENCE_PRODUCTS.slice(0, 1)

  function tried(faults: readonly ProviderFault[]) {
    const results = backtest({ pack: week, products, seed: 1, sources: 'two-sources', faults })
    return accuracyOf(results, week, products, 0)
  }

  it('none: next to nothing is left to people', () => {
    expect(tried([])).toMatchObject({ falsePays: 0, falseDenials: 0, inReview: 9 })
  })

  // What no record shows, and every incident, goes to people: as many as are hit, no more.
  const leftToPeople = new Map([
    ['first vanish', 0.1],
    ['second incident', 0.065],
  ])
  const cases = (['first', 'second'] as const).flatMap((of) =>
    PROVIDER_FAULTS.filter((name) => of === 'second' || !SECOND_ALONE.has(name)).map(
      (name) => [`${of} ${name}`, { name, of, rate: 0.1 }] as const,
    ),
  )
  it.each(cases)('%s: no false pay, no false denial, few reviews', (name, fault) => {
    const { falsePays, falseDenials, reviewShare } = tried([fault])
    expect({ falsePays, falseDenials }).toEqual({ falsePays: 0, falseDenials: 0 })
    expect(reviewShare).toBeLessThanOrEqual(leftToPeople.get(name) ?? 0.02)
  })

  it('a flag of cancellation that both show on every leg, whatever it does, is seen through', () => {
    const both = [{ name: 'cancelFlagWithoutCancel', of: 'both', rate: 1 }] as const
    expect(tried(both)).toMatchObject({ falsePays: 0, falseDenials: 0, inReview: 9 })
  })

  // What was flown faster than planned, or left late, is asked about; a few look as if nothing were wrong.
  it.each([
    [-60, 2],
    [-90, 1],
  ])('arrivals %d minutes early deny %d legs at most', (minutes, most) => {
    const early = [{ name: 'conflict', of: 'first', rate: 0.1, minutes }] as const
    const { falsePays, falseDenials } = tried(early)
    expect(falsePays).toBe(0)
    expect(falseDenials).toBeLessThanOrEqual(most)
  })

  it('what both sources correct after the decision is found by the look after it', () => {
    const both = [{ name: 'correction', of: 'both', rate: 0.1 }] as const
    const { falsePays, falseDenials, foundLater } = tried(both)
    expect(falsePays).toBe(0)
    expect(falseDenials).toBeGreaterThan(0)
    expect(foundLater).toBe(falseDenials)
  })

  it('one source alone is fooled by what two are not', () => {
    const faults = [{ name: 'conflict', of: 'first', rate: 0.1 }] as const
    const results = backtest({ pack: week, products, seed: 1, sources: 'single', faults })
    expect(accuracyOf(results, week, products, 0).falsePays).toBeGreaterThan(50)
  })
})
