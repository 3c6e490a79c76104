import { describe, expect, it } from 'vitest'

import type { LegBacktest, LegOutcome } from '../../../operations/backtest.ts'
import { compareBacktests, DifferentLegsError } from '../../../operations/compare-backtests.ts'

const leg = (key: string, outcome: LegOutcome): LegBacktest => ({
  key,
  outcomes: [outcome],
  polls: 12,
  disputedBps: [null],
  correctedBps: [null],
  looks: 0,
  secondPolls: 0,
  detectionMs: null,
})
const day1 = (number: number) => `B6|${number}|JFK|PBI|2013-02-08`
const day2 = (number: number) => `B6|${number}|JFK|PBI|2013-02-09`

const first = [
  leg(day1(1), 3_000),
  leg(day1(2), 0),
  leg(day1(3), 'REVIEW'),
  leg(day2(4), 10_000),
  leg(day2(5), 6_000),
]
const second = [
  leg(day1(1), 3_000),
  leg(day1(2), 3_000),
  leg(day1(3), 0),
  leg(day2(4), 0),
  leg(day2(5), 'REVIEW'),
]

describe('two backtests', () => {
  it('are told apart leg by leg, the greatest difference first', () => {
    const { legs, differing, differences } = compareBacktests(first, second)
    expect({ legs, differing }).toEqual({ legs: 5, differing: 4 })
    expect(differences).toEqual([
      { key: day2(4), first: 10_000, second: 0 },
      { key: day2(5), first: 6_000, second: 'REVIEW' },
      { key: day1(2), first: 0, second: 3_000 },
      { key: day1(3), first: 'REVIEW', second: 0 },
    ])
  })

  it('are counted by who pays more and by who asks people', () => {
    expect(compareBacktests(first, second)).toMatchObject({
      firstPaysMore: 2,
      secondPaysMore: 1,
      reviewOnlyFirst: 1,
      reviewOnlySecond: 1,
      differenceBps: 3_000 - 10_000 - 6_000,
    })
  })

  it('name the day whose burns lie furthest apart', () => {
    expect(compareBacktests(first, second).worstDay).toEqual({
      date: '2013-02-09',
      legs: 2,
      firstBurn: 0.8,
      secondBurn: 0,
    })
  })

  it('that are the same differ on no leg and no day', () => {
    expect(compareBacktests(first, first)).toMatchObject({
      differing: 0,
      differences: [],
      worstDay: null,
    })
  })

  it('of different legs are not compared', () => {
    expect(() => compareBacktests(first, second.slice(1))).toThrow(DifferentLegsError)
    expect(() => compareBacktests(first.slice(1), second.slice(0, 4))).toThrow(DifferentLegsError)
  })
})
