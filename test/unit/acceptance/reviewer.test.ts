import { expect, test } from 'vitest'

import type { OracleLeg } from '../../../acceptance/oracle/leg-oracle.ts'
import { owedMoreOf, reviewerDecision } from '../../../acceptance/oracle/reviewer.ts'

const leg = (over: Partial<OracleLeg>): OracleLeg => ({
  key: 'B6|35|JFK|PBI|2013-02-08',
  carrier: 'B6',
  number: '35',
  origin: 'JFK',
  destination: 'PBI',
  date: '2013-02-08',
  scheduledOutMs: 0,
  scheduledInMs: 1,
  ending: 'ARRIVED',
  delayMin: 130,
  ...over,
})
const owed = (bps: number) => ({ legKey: 'B6|35|JFK|PBI|2013-02-08', bps, amountMinor: bps })

test('the reviewer pays by the delay when any policy of the case is owed something', () => {
  expect(reviewerDecision(leg({}), [owed(0), owed(6_000)])).toEqual({
    outcome: 'pay',
    delayMin: 130,
  })
})

test('the reviewer denies when none is', () => {
  expect(reviewerDecision(leg({}), [owed(0), owed(0)])).toEqual({ outcome: 'deny' })
})

test.each(['CANCELLED', 'NOT_REACHED'] as const)(
  'the reviewer pays a leg that was %s',
  (ending) => {
    const never = leg({ ending, delayMin: Number.NaN })
    expect(reviewerDecision(never, [owed(10_000)])).toEqual({ outcome: 'pay', event: ending })
  },
)

test('of decided policies those are owed more that got less, not those that got as much', () => {
  const due = new Map([
    ['P1', owed(6_000)],
    ['P2', owed(3_000)],
    ['P3', owed(0)],
  ])
  const got = ['P1', 'P2', 'P3'].map((policyNumber) => ({ policyNumber, bps: 3_000 }))
  expect(owedMoreOf(got, due)).toEqual([owed(6_000)])
})
