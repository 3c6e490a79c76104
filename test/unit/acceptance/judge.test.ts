import { describe, expect, test } from 'vitest'

import type { DecidedPolicy } from '../../../acceptance/oracle/expected-book.ts'
import { judge, judgeMoney } from '../../../acceptance/oracle/judge.ts'

const owed = (bps: number) => ({ legKey: 'B6|35|JFK|PBI|2013-02-08', bps, amountMinor: bps })
const decided = (bps: number, over: Partial<DecidedPolicy> = {}): DecidedPolicy => ({
  ...owed(bps),
  outcome: bps > 0 ? 'PAY' : 'NO_PAY',
  payouts: bps > 0 ? [{ payoutId: 'payout-1', transferId: 'tr_1' }] : [],
  ...over,
})

function verdictOf(due: number, got: DecidedPolicy | null, isWithPeople = false): string {
  const { counts } = judge(
    new Map([['P1', owed(due)]]),
    new Map(got === null ? [] : [['P1', got]]),
    new Set(isWithPeople ? ['P1'] : []),
  )
  const [found] = Object.entries(counts).filter(([, count]) => count > 0)
  return found?.[0] ?? 'none'
}

describe('a decision', () => {
  test.each([
    ['what is owed', 3_000, decided(3_000), 'right'],
    ['nothing where nothing is owed', 0, decided(0), 'right'],
    ['where nothing is owed', 0, decided(3_000), 'falsePay'],
    ['more than is owed', 3_000, decided(6_000), 'falsePay'],
    ['a cent too much', 3_000, decided(3_000, { amountMinor: 3_001 }), 'falsePay'],
    ['nothing of what is owed', 3_000, decided(0), 'falseDenial'],
    ['less than is owed', 6_000, decided(3_000), 'falseDenial'],
    ['a cent too little', 3_000, decided(3_000, { amountMinor: 2_999 }), 'falseDenial'],
    ['for another leg', 3_000, decided(3_000, { legKey: 'B6|36|PBI|JFK' }), 'falseDenial'],
  ])('that pays %s: owed %i', (_what, due, got, verdict) => {
    expect(verdictOf(due, got)).toBe(verdict)
  })

  test('that pays a part is a review while people decide the rest, more than is owed is not', () => {
    expect(verdictOf(6_000, decided(3_000), true)).toBe('review')
    expect(verdictOf(6_000, decided(6_000), true)).toBe('right')
    expect(verdictOf(3_000, decided(6_000), true)).toBe('falsePay')
  })

  test('that people have to make is a review, one that nobody makes is undecided', () => {
    expect(verdictOf(3_000, null, true)).toBe('review')
    expect(verdictOf(3_000, null)).toBe('undecided')
  })
})

describe('the money', () => {
  const book = new Map([
    ['P1', decided(3_000)],
    ['P2', decided(0)],
  ])
  const transfer = { id: 'tr_1', amountMinor: 3_000, group: 'payout-1' }

  test('is right when each payout moved once', () => {
    expect(judgeMoney(book, [transfer])).toEqual([])
  })

  test('of a further payout must move as well, once and by its own transfer', () => {
    const payouts = [
      { payoutId: 'payout-1', transferId: 'tr_1' },
      { payoutId: 'payout-2', transferId: 'tr_2' },
    ]
    const raised = new Map([['P1', decided(6_000, { payouts })]])
    const second = { id: 'tr_2', amountMinor: 3_000, group: 'payout-2' }
    expect(judgeMoney(raised, [transfer, second])).toEqual([])
    expect(judgeMoney(raised, [transfer])).toEqual([
      'policy P1 was not paid by payout-2',
      'policy P1: 6000 decided, 3000 moved',
    ])
    expect(judgeMoney(raised, [transfer, second, second])).toEqual([
      'payout payout-2 was paid twice',
    ])
    expect(judgeMoney(book, [transfer, second])).toEqual([
      'payout payout-2 was paid and nobody decided it',
    ])
  })

  test.each([
    ['one that moved twice', [transfer, transfer], 'payout payout-1 was paid twice'],
    ['another amount', [{ ...transfer, amountMinor: 2_999 }], '3000 decided, 2999 moved'],
    ['another transfer', [{ ...transfer, id: 'tr_2' }], 'tr_1 is its transfer, tr_2 moved'],
    [
      'money that nobody decided',
      [transfer, { ...transfer, id: 'tr_9', group: 'payout-9' }],
      'payout payout-9 was paid and nobody decided it',
    ],
  ])('tells of %s', (_what, transfers, problem) => {
    expect(judgeMoney(book, transfers)).toEqual([expect.stringContaining(problem)])
  })
})
