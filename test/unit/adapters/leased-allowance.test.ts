/** A process's share of an allowance: chunks, refusals, what is given back. The store is a fake. */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'

import { createLeasedAllowance, keyIdOf } from '../../../adapters/flights/leased-allowance.ts'
import type {
  AllowanceTerms,
  BudgetNotice,
  CallLease,
  CallPurpose,
  LeaseRequest,
} from '../../../domain/ports/call-allowance.ts'

const NO_BUDGET = { dayBudget: null, monthBudget: null, reservePercent: 10 }

/** An allowance over a store that answers as said; by default everything, saved up for a second. */
function rig(
  options: {
    terms?: Partial<AllowanceTerms>
    answer?: (request: LeaseRequest) => Partial<CallLease>
  } = {},
) {
  const asked: LeaseRequest[] = []
  const notices: BudgetNotice[] = []
  const time = { nowMs: 0 }
  const allowance = createLeasedAllowance({
    provider: 'aeroapi',
    keyId: keyIdOf('key'),
    terms: { ratePerS: 2_000, ...NO_BUDGET, ...options.terms },
    store: {
      lease: async (request) => {
        asked.push(request)
        await turn()
        const { calls } = request
        const all = { calls, firstInMs: -1_000, spent: null, notices: [] }
        return { ...all, ...options.answer?.(request) }
      },
    },
    onNotice: (notice) => notices.push(notice),
    monotonicMs: () => time.nowMs,
  })
  const calls = () => asked.map((request) => request.calls)
  const givenBack = () => asked.reduce((sum, request) => sum + request.givenBack, 0)
  return { allowance, asked, notices, time, calls, givenBack }
}

/** `count` takes, `atOnce` of them waiting at any time, as a tick's polls are. */
async function takeMany(
  allowance: { take(purpose: CallPurpose): Promise<{ isGranted: boolean }> },
  count: number,
  atOnce: number,
): Promise<number> {
  let started = 0
  let granted = 0
  const lane = async () => {
    while (started < count) {
      started += 1
      if ((await allowance.take('ROUTINE')).isGranted) granted += 1
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return granted
}

describe('leases', () => {
  test('a thousand calls, 32 at once, cost fewer than ten queries', async () => {
    const { allowance, asked } = rig()
    expect(await takeMany(allowance, 1_000, 32)).toBe(1_000)
    expect(asked.length).toBeLessThan(10)
  })

  test('one call leases one', async () => {
    const { allowance, calls } = rig()
    await allowance.take('ROUTINE')
    expect(calls()).toEqual([1])
  })

  test('no lease is for more than a second of the rate', async () => {
    const { allowance, calls } = rig({ terms: { ratePerS: 5 } })
    await takeMany(allowance, 60, 12)
    expect(Math.max(...calls())).toBe(5)
  })

  test('each purpose has its own', async () => {
    const { allowance, asked } = rig()
    await Promise.all([allowance.take('ROUTINE'), allowance.take('DECISION')])
    expect(asked.map(({ purpose }) => purpose).toSorted()).toEqual(['DECISION', 'ROUTINE'])
  })

  test('a call waits for its turn, and its signal ends the wait and gives it back', async () => {
    const later = rig({ answer: ({ calls }) => (calls > 0 ? { firstInMs: 60_000 } : {}) })
    const stop = new AbortController()
    const waiting = later.allowance.take('ROUTINE', stop.signal)
    await sleep(20)
    stop.abort()
    await expect(waiting).rejects.toThrow(/abort/i)
    await later.allowance[Symbol.asyncDispose]()
    expect(later.givenBack()).toBe(1)
  })

  test('a lease that is too late is given back with the next one', async () => {
    const { allowance, asked, time } = rig()
    await takeMany(allowance, 3, 3)
    await takeMany(allowance, 3, 3)
    const leased = asked.reduce((sum, request) => sum + request.calls, 0)
    time.nowMs = 251
    await allowance.take('ROUTINE')
    expect(asked.at(-1)?.givenBack).toBe(leased - 6)
  })

  test('a lease is still good a quarter of a second after its turn', async () => {
    const { allowance, asked, time } = rig()
    await takeMany(allowance, 3, 3)
    await takeMany(allowance, 3, 3)
    const queries = asked.length
    time.nowMs = 250
    await allowance.take('ROUTINE')
    expect(asked.length).toBe(queries)
  })

  test('disposing gives back what is left', async () => {
    const { allowance, asked, givenBack } = rig()
    await takeMany(allowance, 40, 8)
    const leased = asked.reduce((sum, request) => sum + request.calls, 0)
    await allowance[Symbol.asyncDispose]()
    expect(givenBack()).toBe(leased - 40)
  })

  test('an account that cannot be read is the caller’s to see', async () => {
    const { allowance } = rig({
      answer: () => {
        throw new Error('database away')
      },
    })
    await expect(allowance.take('ROUTINE')).rejects.toThrow('database away')
  })

  test.each([0, -1, Number.NaN])('a rate of %f is refused', (ratePerS) => {
    expect(() => rig({ terms: { ratePerS } })).toThrow(RangeError)
  })
})

describe('a spent budget', () => {
  const spent = { answer: () => ({ calls: 0, spent: 'month' }) as const }

  test('refuses, and says which', async () => {
    const { allowance } = rig(spent)
    expect(await allowance.take('ROUTINE')).toEqual({
      isGranted: false,
      message: 'not asked: the budget of aeroapi for this month is spent',
    })
  })

  test('is believed for five seconds: a thousand refusals cost one query', async () => {
    const { allowance, asked, time } = rig(spent)
    expect(await takeMany(allowance, 1_000, 32)).toBe(0)
    expect(asked.length).toBe(1)
    time.nowMs = 5_001
    await allowance.take('ROUTINE')
    expect(asked.length).toBe(2)
  })

  test('grants what is left of it', async () => {
    let left = 7
    const { allowance } = rig({
      answer: ({ calls }) => {
        const granted = Math.min(calls, left)
        left -= granted
        return { calls: granted, spent: granted < calls ? 'day' : null }
      },
    })
    expect(await takeMany(allowance, 100, 10)).toBe(7)
  })

  test('its marks are passed on', async () => {
    const notice = { period: 'day', percent: 80, units: 80, budget: 100 } as const
    const { allowance, notices } = rig({ answer: () => ({ notices: [notice] }) })
    await allowance.take('ROUTINE')
    expect(notices).toEqual([notice])
  })
})

test('a key’s fingerprint is not the key, and differs from another’s', () => {
  expect(keyIdOf('secret')).toMatch(/^[0-9a-f]{16}$/)
  expect(keyIdOf('secret')).not.toBe(keyIdOf('secre'))
})
