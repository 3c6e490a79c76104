import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { approvePayouts } from '../../operations/approve-payouts.ts'
import { cancelPayouts } from '../../operations/cancel-payouts.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
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

function makeBook(size: number): Promise<string[]> {
  books += 1
  return makePayoutBook(database.db, { size, prefix: `C${books}X` })
}

const cancel = (payoutIds: readonly string[]) =>
  cancelPayouts({ ...stores, clock }, { payoutIds, by: 'user:ana', reason: 'payee died' })
const approve = (payoutIds: readonly string[]) =>
  approvePayouts({ ...stores, clock }, { payoutIds })
const open = async (payoutIds: readonly string[]) =>
  stores.payoutStore.openAttempts({ payoutIds }, { provider: 'stripe', at: await clock.now() })

async function statesOf(payoutIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ state: string; policy: string }>`
    select p.state, o.state as policy from payout p join policy o on o.id = p.policy_id
    where p.id = any(${payoutIds}::uuid[])
    order by array_position(${payoutIds}::uuid[], p.id)`.execute(database.db)
  return rows.map((row) => `${row.state} ${row.policy}`)
}

async function expectCleanBook(): Promise<void> {
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })
}

describe('cancelling payouts', () => {
  test('cancels what is created or approved, and puts its policy in review', async () => {
    const payoutIds = await makeBook(3)
    await approve(payoutIds.slice(1))
    expect(await cancel(payoutIds)).toEqual({ cancelled: 3, refusedPayoutIds: [] })
    expect(await statesOf(payoutIds)).toEqual(Array(3).fill('CANCELLED IN_REVIEW'))
    await expectCleanBook()
  })

  test('keeps the money of a cancelled payout in suspense', async () => {
    const payoutIds = await makeBook(1)
    const before = await suspense()
    await cancel(payoutIds)
    expect(await suspense()).toBe(before + 12_000)
  })

  test('is in the audit trail once, with who, why, before and after', async () => {
    const payoutIds = await makeBook(1)
    await cancel(payoutIds)
    await cancel(payoutIds)
    const { rows } = await sql`
      select actor, action, details from audit_event
      where subject = ${`payout:${payoutIds[0]}`}`.execute(database.db)
    const details = { reason: 'payee died', before: 'CREATED', after: 'CANCELLED' }
    expect(rows).toEqual([{ actor: 'user:ana', action: 'payout.cancel', details }])
  })

  test('changes nothing when it is repeated', async () => {
    const payoutIds = await makeBook(2)
    await cancel(payoutIds)
    expect(await cancel(payoutIds)).toEqual({ cancelled: 0, refusedPayoutIds: [] })
    await expectCleanBook()
  })

  test('refuses a payout that is at the rail', async () => {
    const payoutIds = await makeBook(1)
    await approve(payoutIds)
    await open(payoutIds)
    expect(await cancel(payoutIds)).toEqual({ cancelled: 0, refusedPayoutIds: payoutIds })
    expect(await statesOf(payoutIds)).toEqual(['SUBMITTED TRIGGERED'])
  })

  test('does not send what is cancelled, and does not cancel what is sent, at the same moment', async () => {
    const payoutIds = await makeBook(200)
    await approve(payoutIds)
    const pieces = [0, 40, 80, 120, 160].map((start) => payoutIds.slice(start, start + 80))
    const opened = pieces.map((piece) => open(piece))
    const cancelled = pieces.map((piece) => cancel(piece.toReversed()))
    const sentCount = (await Promise.all(opened)).reduce((sum, count) => sum + count, 0)
    const ends = await Promise.all(cancelled)
    const cancelledCount = ends.reduce((sum, end) => sum + end.cancelled, 0)
    expect(sentCount + cancelledCount).toBe(200)
    const states = await statesOf(payoutIds)
    expect(states.filter((state) => state === 'SUBMITTED TRIGGERED')).toHaveLength(sentCount)
    expect(states.filter((state) => state === 'CANCELLED IN_REVIEW')).toHaveLength(cancelledCount)
    await expectCleanBook()
  })
})

async function suspense(): Promise<number> {
  const totals = await stores.ledgerStore.readTotals()
  return Number(totals.find((total) => total.account === 'suspense')?.balanceMinor ?? 0)
}
