import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { PAYOUTS_APPROVAL_LIMIT, PAYOUTS_PAUSED } from '../../domain/ports/setting-store.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import type { PayoutBookOptions } from '../support/payout-book.ts'
import { createPayoutStores, HandClock } from '../support/payment-rig.ts'

let database: TestDatabase
let stores: ReturnType<typeof createPayoutStores>
let books = 0
const clock = new HandClock()

beforeAll(async () => {
  database = await createTestDatabase()
  stores = createPayoutStores(database.db)
})
afterAll(() => database[Symbol.asyncDispose]())
afterEach(async () => {
  await sql`delete from setting`.execute(database.db)
})

function makeBook(options: Partial<PayoutBookOptions> = {}): Promise<string[]> {
  books += 1
  return makePayoutBook(database.db, { size: 3, prefix: `A${books}X`, ...options })
}

function approve(payoutIds: readonly string[], approvedBy?: string) {
  const input = approvedBy === undefined ? { payoutIds } : { payoutIds, approvedBy }
  return approvePayouts({ ...stores, clock }, input)
}

function set(key: string, value: unknown): Promise<void> {
  return stores.settingStore.write(key, value, 'user:test')
}

async function statesOf(payoutIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ state: string; approved_by: string | null }>`
    select state, approved_by from payout where id = any(${payoutIds}::uuid[])
    order by array_position(${payoutIds}::uuid[], id)`.execute(database.db)
  return rows.map((row) => [row.state, row.approved_by].join(' ').trim())
}

describe('approving payouts', () => {
  test('approves by rule, once', async () => {
    const payoutIds = await makeBook()
    expect(await approve(payoutIds)).toEqual({ approved: 3, heldPayoutIds: [] })
    expect(await approve(payoutIds)).toEqual({ approved: 0, heldPayoutIds: [] })
    expect(await statesOf(payoutIds)).toEqual(Array(3).fill('APPROVED rule:auto'))
  })

  test('holds every payout while the kill switch is on, and goes on when it is off', async () => {
    const payoutIds = await makeBook()
    await set(PAYOUTS_PAUSED, true)
    expect(await approve(payoutIds)).toEqual({
      approved: 0,
      heldPayoutIds: payoutIds.toSorted(),
    })
    await set(PAYOUTS_PAUSED, false)
    expect(await approve(payoutIds)).toEqual({ approved: 3, heldPayoutIds: [] })
  })

  test('tells which approved payouts the kill switch keeps from being sent', async () => {
    const payoutIds = await makeBook()
    await approve(payoutIds)
    await set(PAYOUTS_PAUSED, true)
    expect(await approve(payoutIds)).toEqual({ approved: 0, heldPayoutIds: payoutIds.toSorted() })
  })

  test('holds the payouts of the products that the kill switch names, and no others', async () => {
    const paused = await makeBook({ productCode: 'FD120' })
    const running = await makeBook({ productCode: 'FD180' })
    await set(PAYOUTS_PAUSED, { products: ['FD120'] })
    const { approved, heldPayoutIds } = await approve([...paused, ...running])
    expect(approved).toBe(3)
    expect(heldPayoutIds).toEqual(paused.toSorted())
  })

  test.each([['yes'], [1], [{ product: ['FD45'] }], [{ products: 'FD45' }]])(
    'holds payouts when the kill switch cannot be read: %o',
    async (value) => {
      const payoutIds = await makeBook()
      await set(PAYOUTS_PAUSED, value)
      expect((await approve(payoutIds)).approved).toBe(0)
    },
  )

  test('approves an amount at the limit', async () => {
    const payoutIds = await makeBook({ amountMinor: 5_000 })
    await set(PAYOUTS_APPROVAL_LIMIT, 5_000)
    expect((await approve(payoutIds)).approved).toBe(3)
  })

  test('holds an amount one minor unit above the limit', async () => {
    const payoutIds = await makeBook({ amountMinor: 5_001 })
    await set(PAYOUTS_APPROVAL_LIMIT, 5_000)
    expect((await approve(payoutIds)).heldPayoutIds).toHaveLength(3)
  })

  test('applies a limit by currency to that currency alone', async () => {
    const dollars = await makeBook({ amountMinor: 5_001 })
    const yen = await makeBook({ amountMinor: 5_001, currency: 'JPY' })
    await set(PAYOUTS_APPROVAL_LIMIT, { USD: 5_000 })
    const { heldPayoutIds } = await approve([...dollars, ...yen])
    expect(heldPayoutIds).toEqual(dollars.toSorted())
  })

  test('lets a person approve, but not against the kill switch', async () => {
    const payoutIds = await makeBook({ amountMinor: 5_000 })
    await set(PAYOUTS_APPROVAL_LIMIT, 5_000)
    await set(PAYOUTS_PAUSED, true)
    expect((await approve(payoutIds, 'user:ana')).approved).toBe(0)
    await set(PAYOUTS_PAUSED, false)
    expect((await approve(payoutIds, 'user:ana')).approved).toBe(3)
    expect(await statesOf(payoutIds)).toEqual(Array(3).fill('APPROVED user:ana'))
    expect(await approve(payoutIds)).toEqual({ approved: 0, heldPayoutIds: [] })
  })
})
