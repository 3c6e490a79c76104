/** When payout runs try again: growing waits in business time, whole seconds on the wall. */
import { describe, expect, test } from 'vitest'

import { planPayoutRetry } from '../../../operations/plan-payout-retry.ts'

const wall = { speed: 1 }

function waitOf(kind: 'held' | 'outage' | 'straggler', rounds: number, speed = 1): number {
  const plan = planPayoutRetry({ speed }, { kind, rounds })
  if (plan.action !== 'wait') throw new Error(`round ${rounds} of ${kind} parks`)
  return plan.wallMs
}

describe('waits', () => {
  test('double from round to round', () => {
    expect([1, 2, 3].map((rounds) => waitOf('outage', rounds))).toEqual([2_000, 4_000, 8_000])
  })

  test('stop growing at five minutes', () => {
    expect([8, 9, 299].map((rounds) => waitOf('outage', rounds))).toEqual([
      256_000, 300_000, 300_000,
    ])
  })

  test('of one payout alone grow to an hour', () => {
    expect([1, 7, 8].map((rounds) => waitOf('straggler', rounds))).toEqual([
      30_000, 1_920_000, 3_600_000,
    ])
  })

  test('are as much shorter as the clock is faster', () => {
    expect(waitOf('straggler', 8, 120)).toBe(30_000)
  })

  test('are never under a second, which is the finest timer', () => {
    expect(waitOf('outage', 1, 100_000)).toBe(1_000)
  })

  test('on a stopped clock are short, as no business time passes', () => {
    expect([waitOf('straggler', 8, 0), waitOf('outage', 1, 0)]).toEqual([5_000, 2_000])
  })
})

describe('parking', () => {
  test.each([
    ['outage', 300],
    ['straggler', 56],
  ] as const)('%s parks at round %i and not one before', (kind, rounds) => {
    expect(planPayoutRetry(wall, { kind, rounds })).toEqual({ action: 'park' })
    expect(planPayoutRetry(wall, { kind, rounds: rounds - 1 })).toMatchObject({ action: 'wait' })
  })

  test('held payouts are looked at for ever', () => {
    expect(waitOf('held', 1_000_000)).toBe(300_000)
  })
})
