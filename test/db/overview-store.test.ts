import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { OverviewStore } from '../../db/stores/overview-store.ts'
import { createOverviewStore } from '../../db/stores/overview-store.ts'
import { addMs, MINUTE_MS } from '../../domain/time.ts'
import type { TestDatabase } from '../support/database.ts'
import { createTestDatabase } from '../support/database.ts'
import { DECIDED_AT, makePayoutBook } from '../support/payout-book.ts'
import { unguarded } from '../support/unguarded.ts'

let database: TestDatabase
let store: OverviewStore

beforeAll(async () => {
  database = await createTestDatabase()
  store = createOverviewStore(database.db)
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
})

test('an empty book has nothing', async () => {
  expect(await store.hasPolicies()).toBe(false)
  expect(await store.nextDueAt()).toBeNull()
  expect(await store.pendingWork(DECIDED_AT)).toEqual({ legsDue: 0, payoutsOpen: 0 })
  expect(await store.read(DECIDED_AT)).toEqual({
    policies: 0,
    decidedPay: 0,
    decidedNoPay: 0,
    inReview: 0,
    legsWatched: 0,
    legsDue: 0,
    payoutsOpen: 0,
    paid: [],
    coverageIncidentsOpen: 0,
  })
})

describe('a book with payouts under way', () => {
  let payoutIds: string[]

  beforeAll(async () => {
    payoutIds = await makePayoutBook(database.db, { size: 4, amountMinor: 10_050 })
  })

  test('is counted by policies and open payouts', async () => {
    expect(await store.hasPolicies()).toBe(true)
    expect(await store.read(DECIDED_AT)).toMatchObject({
      policies: 4,
      decidedPay: 4,
      payoutsOpen: 4,
      paid: [],
    })
  })

  test('adds up what was paid, by currency', async () => {
    const payment = sql`update payout set state = 'PAID', approved_by = 'auto',
      transfer_id = 'tr_' || id, paid_at = now() where id in (${sql.join(payoutIds.slice(0, 2))})`
    await unguarded(database.db, (trx) => payment.execute(trx))
    const { paid, payoutsOpen } = await store.read(DECIDED_AT)
    expect(paid).toEqual([{ currency: 'USD', payouts: 2, minor: '20100' }])
    expect(payoutsOpen).toBe(2)
  })

  test('waits for payouts that nobody has to look at', async () => {
    expect(await store.pendingWork(DECIDED_AT)).toEqual({ legsDue: 0, payoutsOpen: 2 })
  })

  test('does not wait for a payout in review', async () => {
    await sql`insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
      values (gen_random_uuid(), 'payout', ${payoutIds[2]}, 'TEST', now())`.execute(database.db)
    expect(await store.pendingWork(DECIDED_AT)).toEqual({ legsDue: 0, payoutsOpen: 1 })
  })

  test('names the batches of those that are waited for', async () => {
    const [, , reviewed, waiting] = payoutIds
    const batchOf = async (payoutId: string | undefined): Promise<string> => {
      const { rows } = await sql<{ id: string }>`
        with batch as (insert into payout_batch (id, size) values (gen_random_uuid(), 1) returning id)
        update payout set batch_id = batch.id from batch where payout.id = ${payoutId}
        returning batch.id`.execute(database.db)
      return rows[0]?.id ?? ''
    }
    await batchOf(reviewed)
    const batch = await batchOf(waiting)
    expect(await store.openPayoutBatches(10)).toEqual([batch])
    expect(await store.openPayoutBatches(0)).toEqual([])
  })
})

describe('a leg with undecided policies', () => {
  beforeAll(async () => {
    await sql`update flight_leg set undecided_policies = 1,
      next_poll_at = ${DECIDED_AT}`.execute(database.db)
  })

  test('is due at its moment', async () => {
    expect(await store.nextDueAt()).toBe(DECIDED_AT)
    expect(await store.read(DECIDED_AT)).toMatchObject({ legsWatched: 1, legsDue: 1 })
    expect((await store.pendingWork(DECIDED_AT)).legsDue).toBe(1)
  })

  test('is not due before', async () => {
    const before = addMs(DECIDED_AT, -MINUTE_MS)
    expect(await store.read(before)).toMatchObject({ legsWatched: 1, legsDue: 0 })
    expect((await store.pendingWork(before)).legsDue).toBe(0)
  })

  test('is never due once all are decided', async () => {
    await sql`update flight_leg set undecided_policies = 0`.execute(database.db)
    expect(await store.nextDueAt()).toBeNull()
    expect(await store.read(DECIDED_AT)).toMatchObject({ legsWatched: 0, legsDue: 0 })
  })
})
