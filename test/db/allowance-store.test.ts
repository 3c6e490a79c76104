/** The shared account of calls: one rate and one budget for all processes of a key. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createAllowanceStore } from '../../db/stores/allowance-store.ts'
import type { AllowanceTerms, LeaseRequest } from '../../domain/ports/call-allowance.ts'
import { createTestDatabase } from '../support/database.ts'

const KEY = { provider: 'aeroapi', keyId: '0123456789abcdef' }
const TERMS: AllowanceTerms = {
  ratePerS: 5,
  dayBudget: null,
  monthBudget: null,
  reservePercent: 10,
}

async function account() {
  const own = await createTestDatabase()
  const store = createAllowanceStore(own.db)
  const lease = (
    calls: number,
    terms: Partial<AllowanceTerms> = {},
    change: Partial<LeaseRequest> = {},
  ) =>
    store.lease({
      ...KEY,
      purpose: 'ROUTINE',
      calls,
      givenBack: 0,
      terms: { ...TERMS, ...terms },
      ...change,
    })
  return { ...own, store, lease, [Symbol.asyncDispose]: () => own[Symbol.asyncDispose]() }
}

describe('the rate', () => {
  test('a second’s worth may be called at once, the next call waits its interval', async () => {
    await using it = await account()
    const first = await it.lease(5)
    // Five calls at 200 ms each: the last of them is due now.
    expect(first.firstInMs + 4 * 200).toBeCloseTo(0, -1)
    const next = await it.lease(1)
    expect(next.firstInMs).toBeGreaterThan(50)
    expect(next.firstInMs).toBeLessThanOrEqual(200)
  })

  test('processes that ask at once share it: no two have the same place', async () => {
    await using it = await account()
    const started = performance.now()
    const leases = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { firstInMs } = await it.lease(1)
        return performance.now() - started + firstInMs
      }),
    )
    const waits = leases.toSorted((a, b) => a - b)
    // Twenty calls at five a second, five of them saved up: the last is due after three seconds.
    expect(waits.at(-1)).toBeGreaterThan(2_900)
    const { rows } = await sql<{ units: number }>`
      select day_units as units from provider_allowance`.execute(it.db)
    expect(rows).toEqual([{ units: 20 }])
  })

  test('another key has its own', async () => {
    await using it = await account()
    await it.lease(50)
    const other = await it.lease(1, {}, { keyId: 'fedcba9876543210' })
    expect(other.firstInMs).toBeLessThanOrEqual(0)
  })
})

describe('a budget', () => {
  test('ends routine calls when it is spent, and says which period', async () => {
    await using it = await account()
    const terms = { dayBudget: 10, monthBudget: 1_000 }
    expect(await it.lease(10, terms)).toMatchObject({ calls: 10, spent: null })
    expect(await it.lease(1, terms)).toMatchObject({ calls: 0, spent: 'day' })
    expect(await it.lease(1, { monthBudget: 10 })).toMatchObject({ calls: 0, spent: 'month' })
  })

  test('grants what is left of it', async () => {
    await using it = await account()
    expect(await it.lease(8, { dayBudget: 5 })).toMatchObject({ calls: 5, spent: 'day' })
  })

  test('keeps its reserve for decisions, and ends them too after it', async () => {
    await using it = await account()
    const terms = { dayBudget: 100, reservePercent: 5 }
    const decide = { purpose: 'DECISION' } as const
    await it.lease(100, terms)
    expect(await it.lease(1, terms)).toMatchObject({ calls: 0 })
    expect(await it.lease(9, terms, decide)).toMatchObject({ calls: 5 })
    expect(await it.lease(1, terms, decide)).toMatchObject({ calls: 0, spent: 'day' })
  })

  test('is never exceeded by processes that ask at once', async () => {
    await using it = await account()
    const leases = await Promise.all(
      Array.from({ length: 30 }, () => it.lease(7, { dayBudget: 100 })),
    )
    expect(leases.reduce((sum, { calls }) => sum + calls, 0)).toBe(100)
  })

  test('tells 80 % with the unit that reaches it, once, and then 100 %', async () => {
    await using it = await account()
    const terms = { dayBudget: 100 }
    expect((await it.lease(79, terms)).notices).toEqual([])
    const notice = { period: 'day', budget: 100 }
    expect((await it.lease(1, terms)).notices).toEqual([{ ...notice, percent: 80, units: 80 }])
    expect((await it.lease(19, terms)).notices).toEqual([])
    expect((await it.lease(1, terms)).notices).toEqual([{ ...notice, percent: 100, units: 100 }])
    // Given back and used again: the mark was told.
    expect((await it.lease(10, terms, { givenBack: 30 })).notices).toEqual([])
    expect((await it.lease(20, terms)).notices).toEqual([])
  })

  test('gets back what was not used', async () => {
    await using it = await account()
    const terms = { dayBudget: 10 }
    await it.lease(10, terms)
    await it.lease(0, terms, { givenBack: 4 })
    expect(await it.lease(10, terms)).toMatchObject({ calls: 4 })
  })

  test('begins anew with the day and the month, its marks too', async () => {
    await using it = await account()
    await it.lease(10, { dayBudget: 10, monthBudget: 100 })
    await sql`update provider_allowance set day = day - 1`.execute(it.db)
    const next = await it.lease(10, { dayBudget: 10, monthBudget: 100 })
    expect(next).toMatchObject({ calls: 10, spent: null })
    expect(next.notices).toHaveLength(1)
    expect(await it.store.list()).toEqual([{ ...KEY, dayUnits: 10, monthUnits: 20 }])
    await sql`update provider_allowance set day = day - 40,
      month = (month - interval '1 month')::date`.execute(it.db)
    expect(await it.store.list()).toEqual([{ ...KEY, dayUnits: 0, monthUnits: 0 }])
  })
})
