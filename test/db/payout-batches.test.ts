import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import type { PayoutStore } from '../../domain/ports/payout-store.ts'
import { batchPayouts } from '../../operations/batch-payouts.ts'
import { cancelPayouts } from '../../operations/cancel-payouts.ts'
import { markBatchesStarted } from '../../operations/mark-batches-started.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock } from '../support/payment-rig.ts'

let database: TestDatabase
let payoutStore: PayoutStore
let books = 0

beforeAll(async () => {
  database = await createTestDatabase()
  payoutStore = createPayoutStores(database.db).payoutStore
})
afterAll(() => database[Symbol.asyncDispose]())

// Each test has its own payouts; those of others are batched and their batches marked.
beforeEach(async () => {
  const { batchIds } = await batchPayouts({ payoutStore })
  await markBatchesStarted({ payoutStore }, { batchIds })
})

function makeBook(size: number): Promise<string[]> {
  books += 1
  return makePayoutBook(database.db, { size, prefix: `B${books}X` })
}

async function batchesOf(payoutIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: string; size: number; members: number }>`
    select b.id, b.size, count(*) as members
    from payout p join payout_batch b on b.id = p.batch_id
    where p.id = any(${payoutIds}::uuid[])
    group by b.id`.execute(database.db)
  for (const row of rows) expect(row.members).toBe(row.size)
  return new Map(rows.map((row) => [row.id, row.size]))
}

describe('batching payouts', () => {
  test('puts 500 payouts into one batch', async () => {
    const payoutIds = await makeBook(500)
    const { batchIds } = await batchPayouts({ payoutStore })
    expect([...(await batchesOf(payoutIds)).entries()]).toEqual([[batchIds[0], 500]])
  })

  test('puts the 501st payout into a second batch', async () => {
    const payoutIds = await makeBook(501)
    const { batchIds } = await batchPayouts({ payoutStore })
    const sizes = await batchesOf(payoutIds)
    expect([...sizes.values()].toSorted((a, b) => a - b)).toEqual([1, 500])
    expect(batchIds.toSorted()).toEqual([...sizes.keys()].toSorted())
  })

  test('takes the oldest payouts first and leaves the rest for the next call', async () => {
    const payoutIds = await makeBook(6)
    const [oldest = ''] = payoutIds.slice(3)
    await sql`update payout set created_at = created_at - interval '1 hour'
      where id = ${oldest}::uuid`.execute(database.db)
    await batchPayouts({ payoutStore }, { batchSize: 2, maxBatches: 1 })
    const { rows } = await sql<{ id: string }>`
      select id from payout where batch_id is not null and id = any(${payoutIds}::uuid[])`.execute(
      database.db,
    )
    expect(rows).toHaveLength(2)
    expect(rows.map((row) => row.id)).toContain(oldest)
  })

  test('never puts a payout into two batches, however many batch at once', async () => {
    const payoutIds = await makeBook(3_000)
    // All connections are open before the race begins.
    await Promise.all(
      Array.from({ length: 8 }, () => sql`select pg_sleep(0.1)`.execute(database.db)),
    )
    const batch = () => batchPayouts({ payoutStore }, { batchSize: 50 })
    await Promise.all(Array.from({ length: 8 }, batch))
    await batch()
    const sizes = [...(await batchesOf(payoutIds)).values()]
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(3_000)
  })

  test('returns a batch again until it is marked as started', async () => {
    await makeBook(3)
    const first = await batchPayouts({ payoutStore })
    const again = await batchPayouts({ payoutStore })
    expect(again).toEqual(first)
    expect(await markBatchesStarted({ payoutStore }, first)).toEqual({ marked: 1 })
    expect(await markBatchesStarted({ payoutStore }, first)).toEqual({ marked: 0 })
    expect(await batchPayouts({ payoutStore })).toEqual({ batchIds: [] })
  })

  test('passes over a payout that was cancelled before it had a batch', async () => {
    const payoutIds = await makeBook(2)
    const [cancelled = ''] = payoutIds
    const input = { payoutIds: [cancelled], by: 'user:test', reason: 'test' }
    await cancelPayouts({ payoutStore, clock: new HandClock() }, input)
    await batchPayouts({ payoutStore })
    expect([...(await batchesOf(payoutIds)).values()]).toEqual([1])
  })

  test.each([
    ['batchSize', { batchSize: 501 }],
    ['batchSize', { batchSize: 0 }],
    ['maxBatches', { maxBatches: 1.5 }],
  ])('refuses a %s out of range and names it: %o', async (name, input) => {
    await expect(batchPayouts({ payoutStore }, input)).rejects.toThrow(name)
  })
})
