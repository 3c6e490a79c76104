import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { PAYOUTS_APPROVAL_LIMIT, PAYOUTS_PAUSED } from '../../domain/ports/setting-store.ts'
import { approvePayouts, SecondApproverError } from '../../operations/approve-payouts.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock } from '../support/payment-rig.ts'

const LIMIT = 5_000

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

/** Payouts of `amountMinor` under the limit. */
async function makeBook(amountMinor: number): Promise<string[]> {
  books += 1
  await stores.settingStore.write(PAYOUTS_APPROVAL_LIMIT, LIMIT, 'user:test')
  return makePayoutBook(database.db, { size: 2, prefix: `E${books}X`, amountMinor })
}

function approve(payoutIds: readonly string[], approvedBy: string, requestId?: string) {
  const request = requestId === undefined ? {} : { requestId }
  const input = { payoutIds, approvedBy, reason: 'checked', ...request }
  return approvePayouts({ ...stores, clock }, input)
}

async function statesOf(payoutIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ state: string }>`
    select concat_ws(' ', state, approved_by) as state from payout
    where id = any(${payoutIds}::uuid[]) order by id`.execute(database.db)
  return rows.map((row) => row.state)
}

async function auditOf(payoutId = ''): Promise<unknown[]> {
  const { rows } = await sql`
    select actor, action, details from audit_event where subject = ${`payout:${payoutId}`}
    order by seq`.execute(database.db)
  return rows
}

describe('an approval above the limit', () => {
  test('takes one person at the limit', async () => {
    const payoutIds = await makeBook(LIMIT)
    expect(await approve(payoutIds, 'user:ana')).toEqual({ approved: 2, heldPayoutIds: [] })
    expect(await statesOf(payoutIds)).toEqual(Array(2).fill('APPROVED user:ana'))
  })

  test('takes two people one minor unit above it', async () => {
    const payoutIds = await makeBook(LIMIT + 1)
    expect(await approve(payoutIds, 'user:ana')).toEqual({
      approved: 0,
      heldPayoutIds: payoutIds.toSorted(),
      awaitingSecond: 2,
    })
    expect(await statesOf(payoutIds)).toEqual(['CREATED', 'CREATED'])
    expect(await approve(payoutIds, 'user:ben')).toEqual({ approved: 2, heldPayoutIds: [] })
    expect(await statesOf(payoutIds)).toEqual(Array(2).fill('APPROVED user:ana, user:ben'))
    expect(await verifyBooks(stores)).toEqual({ breaks: [] })
  })

  test.each(['user:ana', ' User:Ana '])('refuses the same person twice: "%s"', async (again) => {
    const payoutIds = await makeBook(LIMIT + 1)
    await approve(payoutIds, 'user:ana')
    const second = approve(payoutIds, again)
    await expect(second).rejects.toBeInstanceOf(SecondApproverError)
    await expect(second).rejects.toThrow(/already gave the first approval .* another person must/)
    expect(await statesOf(payoutIds)).toEqual(['CREATED', 'CREATED'])
  })

  test('takes the repeat of one request for one approval', async () => {
    const payoutIds = await makeBook(LIMIT + 1)
    const first = await approve(payoutIds, 'user:ana', 'run/1')
    expect(await approve(payoutIds, 'user:ana', 'run/1')).toEqual(first)
    expect(await auditOf(payoutIds[0])).toHaveLength(1)
  })

  test('is not given by rules after a person gave the first', async () => {
    const payoutIds = await makeBook(LIMIT + 1)
    await approve(payoutIds, 'user:ana')
    const byRule = await approvePayouts({ ...stores, clock }, { payoutIds })
    expect(byRule).toEqual({ approved: 0, heldPayoutIds: payoutIds.toSorted() })
  })

  test('counts nothing while the kill switch is on', async () => {
    const payoutIds = await makeBook(LIMIT + 1)
    await stores.settingStore.write(PAYOUTS_PAUSED, true, 'user:test')
    expect(await approve(payoutIds, 'user:ana')).not.toHaveProperty('awaitingSecond')
    await stores.settingStore.write(PAYOUTS_PAUSED, false, 'user:test')
    expect(await approve(payoutIds, 'user:ana')).toMatchObject({ awaitingSecond: 2 })
  })

  test('is given once when two second people give it at once', async () => {
    const payoutIds = await makeBook(LIMIT + 1)
    await approve(payoutIds, 'user:ana')
    const both = await Promise.all(['user:ben', 'user:cid'].map((by) => approve(payoutIds, by)))
    expect(both.map(({ approved }) => approved).toSorted((a, b) => a - b)).toEqual([0, 2])
  })

  test('is in the audit trail with both names and reasons', async () => {
    const [payoutId = ''] = await makeBook(LIMIT + 1)
    await approve([payoutId], 'user:ana')
    await approve([payoutId], 'user:ben')
    expect(await auditOf(payoutId)).toEqual([
      {
        actor: 'user:ana',
        action: 'payout.approve-first',
        details: {
          reason: 'checked',
          before: { state: 'CREATED', firstApprovedBy: null },
          after: { state: 'CREATED', firstApprovedBy: 'user:ana' },
        },
      },
      {
        actor: 'user:ben',
        action: 'payout.approve',
        details: {
          reason: 'checked',
          before: { state: 'CREATED', firstApprovedBy: 'user:ana' },
          after: { state: 'APPROVED', firstApprovedBy: 'user:ana' },
        },
      },
    ])
  })
})
