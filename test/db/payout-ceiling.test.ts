import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { PAYOUTS_DAILY_CEILING, PAYOUTS_PAUSED } from '../../domain/ports/setting-store.ts'
import { HOUR_MS } from '../../domain/time.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import type { PayoutBookOptions } from '../support/payout-book.ts'
import { createPayoutStores, HandClock } from '../support/payment-rig.ts'

let database: TestDatabase
let stores: ReturnType<typeof createPayoutStores>
let books = 0
let clock: HandClock

beforeAll(async () => {
  database = await createTestDatabase()
  stores = createPayoutStores(database.db)
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  clock = new HandClock()
  await sql`delete from setting`.execute(database.db)
  await sql`delete from payout_day`.execute(database.db)
  await sql`delete from review_case`.execute(database.db)
})

function makeBook(options: Partial<PayoutBookOptions> = {}): Promise<string[]> {
  books += 1
  return makePayoutBook(database.db, {
    size: 3,
    prefix: `D${books}X`,
    amountMinor: 100,
    ...options,
  })
}

function approve(payoutIds: readonly string[], approvedBy?: string) {
  const person = approvedBy === undefined ? {} : { approvedBy }
  return approvePayouts({ ...stores, clock }, { payoutIds, ...person })
}

function setCeiling(value: unknown): Promise<void> {
  return stores.settingStore.write(PAYOUTS_DAILY_CEILING, value, 'user:test')
}

async function casesOf(): Promise<unknown[]> {
  const { rows } = await sql`
    select subject_kind as kind, reason_code as reason, details from review_case`.execute(
    database.db,
  )
  return rows
}

describe('the daily ceiling', () => {
  test('lets rules approve up to it', async () => {
    await setCeiling({ USD: 300 })
    expect((await approve(await makeBook())).approved).toBe(3)
    expect(await casesOf()).toEqual([])
  })

  test('holds what would exceed it by one minor unit', async () => {
    await setCeiling({ USD: 299 })
    const outcome = await approve(await makeBook())
    expect(outcome.approved).toBe(2)
    expect(outcome.heldPayoutIds).toHaveLength(1)
  })

  test('opens one case a currency and day, however often it is met', async () => {
    await setCeiling({ USD: 150, JPY: 150 })
    const payoutIds = [...(await makeBook()), ...(await makeBook({ currency: 'JPY' }))]
    await approve(payoutIds)
    await approve(payoutIds)
    await approve(await makeBook())
    const found = await casesOf()
    expect(found).toHaveLength(2)
    expect(found).toContainEqual({
      kind: 'control',
      reason: 'DAILY_CEILING',
      details: {
        currency: 'USD',
        day: '2013-02-08',
        ceilingMinor: 150,
        approvedMinor: 0,
        heldPayouts: 2,
        heldMinor: 200,
      },
    })
    expect(await verifyBooks(stores)).toEqual({ breaks: [] })
  })

  test('is not opened again on the day on which a person closed its case', async () => {
    await setCeiling({ USD: 100 })
    const payoutIds = await makeBook()
    await approve(payoutIds)
    await sql`update review_case set state = 'RESOLVED', resolved_at = now()`.execute(database.db)
    await approve(payoutIds)
    expect(await casesOf()).toHaveLength(1)
  })

  test('holds one currency and not another', async () => {
    await setCeiling({ USD: 0 })
    expect((await approve(await makeBook())).approved).toBe(0)
    expect((await approve(await makeBook({ currency: 'JPY' }))).approved).toBe(3)
  })

  test('counts what was approved on the day before it was set', async () => {
    await approve(await makeBook())
    await setCeiling({ USD: 500 })
    expect((await approve(await makeBook())).approved).toBe(2)
  })

  test('starts anew with the next business day, and not an hour before', async () => {
    await setCeiling({ USD: 300 })
    await approve(await makeBook())
    const payoutIds = await makeBook()
    clock.advance(3 * HOUR_MS) // 23:00
    expect((await approve(payoutIds)).approved).toBe(0)
    clock.advance(HOUR_MS)
    expect((await approve(payoutIds)).approved).toBe(3)
  })

  test('pays the smallest first, so that a large one does not keep back the others', async () => {
    await setCeiling({ USD: 300 })
    const large = await makeBook({ size: 1, amountMinor: 301 })
    const small = await makeBook()
    expect(await approve([...large, ...small])).toEqual({ approved: 3, heldPayoutIds: large })
  })

  test('is passed by a person, whose approvals it does not count', async () => {
    await setCeiling({ USD: 300 })
    expect((await approve(await makeBook({ size: 4 }), 'user:ana')).approved).toBe(4)
    expect((await approve(await makeBook())).approved).toBe(3)
  })

  test('is not used up by what the kill switch holds', async () => {
    await setCeiling({ USD: 300 })
    const paused = await makeBook({ productCode: 'FD120' })
    await stores.settingStore.write(PAYOUTS_PAUSED, { products: ['FD120'] }, 'user:test')
    const running = await makeBook()
    expect(await approve([...paused, ...running])).toMatchObject({ approved: 3 })
  })

  test.each([['all'], [true], [{ USD: 'much' }], [[]]])(
    'holds everything when it cannot be read: %o',
    async (value) => {
      await setCeiling(value)
      expect((await approve(await makeBook())).approved).toBe(0)
    },
  )

  test.each([[null], [{ USD: null }], [{ JPY: 1 }]])(
    'is none when it says so: %o',
    async (value) => {
      await setCeiling(value)
      expect((await approve(await makeBook())).approved).toBe(3)
    },
  )

  test('is never exceeded by batches that are approved at once', async () => {
    await setCeiling({ USD: 1_000 })
    const batches = []
    for (let i = 0; i < 8; i += 1) batches.push(await makeBook())
    const outcomes = await Promise.all(batches.map((payoutIds) => approve(payoutIds)))
    const approved = outcomes.reduce((sum, outcome) => sum + outcome.approved, 0)
    expect(approved).toBe(10)
    expect(await casesOf()).toHaveLength(1)
    const { rows } = await sql`select approved_minor from payout_day`.execute(database.db)
    expect(rows).toEqual([{ approved_minor: '1000' }])
  })
})
