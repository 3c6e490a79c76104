import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { idempotencyKey } from '../../domain/payout.ts'
import { RESEND_LIMIT_MS } from '../../domain/payout-resolution.ts'
import type { PaymentProvider } from '../../domain/ports/payment-provider.ts'
import type { PayoutStore } from '../../domain/ports/payout-store.ts'
import { PAYOUTS_PAUSED } from '../../domain/ports/setting-store.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { cancelPayouts } from '../../operations/cancel-payouts.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock, startPaymentRig } from '../support/payment-rig.ts'

let database: TestDatabase
let stores: ReturnType<typeof createPayoutStores>
let rig: Awaited<ReturnType<typeof startPaymentRig>>
let books = 0
const clock = new HandClock()

beforeAll(async () => {
  database = await createTestDatabase()
  stores = createPayoutStores(database.db)
  rig = await startPaymentRig(clock)
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})
beforeEach(() => {
  rig.faults.set({ faults: {} })
})

/** Approved payouts of a book of their own. */
async function makeApproved(size: number, payeePrefix?: string): Promise<string[]> {
  books += 1
  const payee = payeePrefix === undefined ? {} : { payeePrefix }
  const payoutIds = await makePayoutBook(database.db, { size, prefix: `S${books}X`, ...payee })
  await approvePayouts({ ...stores, clock }, { payoutIds })
  return payoutIds
}

function depsWith(changes: { payoutStore?: PayoutStore; payments?: PaymentProvider } = {}) {
  return { payoutStore: stores.payoutStore, payments: rig.payments, clock, ...changes }
}

/** Transfers that the rail made for these payouts: how many, and of how many payouts. */
function transfersOf(payoutIds: readonly string[]): { transfers: number; payouts: number } {
  const counts = payoutIds.map((payoutId) => rig.book.byGroup(payoutId).length)
  return {
    transfers: counts.reduce((sum, count) => sum + count, 0),
    payouts: counts.filter((count) => count > 0).length,
  }
}

async function rowsOf(payoutIds: readonly string[]) {
  const { rows } = await sql<{
    state: string
    policy: string
    attempts: string
    sends: number
    review: string | null
  }>`
    select p.state, o.state as policy,
      (select string_agg(concat_ws(' ', a.n, a.outcome, a.code), ', ' order by a.n)
        from payout_attempt a where a.payout_id = p.id) as attempts,
      (select sum(a.sends)::integer from payout_attempt a where a.payout_id = p.id) as sends,
      (select string_agg(r.reason_code, ', ' order by r.reason_code) from review_case r
        where r.subject_kind = 'payout' and r.subject_id = p.id and r.state <> 'RESOLVED') as review
    from payout p join policy o on o.id = p.policy_id
    where p.id = any(${payoutIds}::uuid[])
    order by array_position(${payoutIds}::uuid[], p.id)`.execute(database.db)
  return rows
}

async function expectCleanBook(): Promise<void> {
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })
}

/** Each payout is paid by one transfer, and the book says the same. */
async function expectPaidOnce(payoutIds: readonly string[]): Promise<void> {
  expect(transfersOf(payoutIds)).toEqual({
    transfers: payoutIds.length,
    payouts: payoutIds.length,
  })
  const states = new Set((await rowsOf(payoutIds)).map((row) => `${row.state} ${row.policy}`))
  expect([...states]).toEqual(['PAID PAID'])
  await expectCleanBook()
}

describe('submitting payouts', () => {
  test('pays each payout once under its own key and moves the policy to PAID', async () => {
    const payoutIds = await makeApproved(250)
    const progress: number[] = []
    const standing = await submitPayouts(
      depsWith(),
      { payoutIds },
      {
        onProgress: (done, total) => progress.push(done / total),
      },
    )
    expect(standing).toEqual({ settled: 250, rejectedPayoutIds: [], unknownPayoutIds: [] })
    expect(progress.at(-1)).toBe(1)
    expect(progress.length).toBeGreaterThan(1)
    const [payoutId = ''] = payoutIds
    const { rows } = await sql<{ idempotency_key: string }>`
      select idempotency_key from payout_attempt where payout_id = ${payoutId}::uuid`.execute(
      database.db,
    )
    expect(rows).toEqual([{ idempotency_key: idempotencyKey(payoutId, 1) }])
    await expectPaidOnce(payoutIds)
  })

  test('sends nothing again for payouts that are settled', async () => {
    const payoutIds = await makeApproved(5)
    await submitPayouts(depsWith(), { payoutIds })
    const standing = await submitPayouts(depsWith(), { payoutIds })
    expect(standing.settled).toBe(5)
    expect((await rowsOf(payoutIds)).map((row) => row.sends)).toEqual([1, 1, 1, 1, 1])
    await expectPaidOnce(payoutIds)
  })

  test('pays each once when it dies after opening the attempts', async () => {
    const payoutIds = await makeApproved(20)
    const payoutStore: PayoutStore = {
      ...stores.payoutStore,
      openAttempts: async (...args) => {
        await stores.payoutStore.openAttempts(...args)
        throw new Error('died after A')
      },
    }
    await expect(submitPayouts(depsWith({ payoutStore }), { payoutIds })).rejects.toThrow('after A')
    expect(transfersOf(payoutIds).transfers).toBe(0)
    await expectCleanBook()
    await submitPayouts(depsWith(), { payoutIds })
    await expectPaidOnce(payoutIds)
  })

  test('pays each once when it dies after sending, before recording', async () => {
    const payoutIds = await makeApproved(20)
    const payoutStore: PayoutStore = {
      ...stores.payoutStore,
      recordAccepted: () => Promise.reject(new Error('died after B')),
    }
    await expect(submitPayouts(depsWith({ payoutStore }), { payoutIds })).rejects.toThrow('after B')
    expect(transfersOf(payoutIds).transfers).toBe(20)
    await expectCleanBook()
    await submitPayouts(depsWith(), { payoutIds })
    await expectPaidOnce(payoutIds)
  })

  test('pays each once when it dies after recording a part', async () => {
    const payoutIds = await makeApproved(20)
    const payoutStore: PayoutStore = {
      ...stores.payoutStore,
      recordAccepted: async (...args) => {
        await stores.payoutStore.recordAccepted(...args)
        throw new Error('died after C')
      },
    }
    const options = { concurrency: 4, flushSize: 5 }
    await expect(submitPayouts(depsWith({ payoutStore }), { payoutIds }, options)).rejects.toThrow(
      'after C',
    )
    const recorded = (await rowsOf(payoutIds)).filter((row) => row.state === 'PAID')
    expect(recorded.length).toBeGreaterThanOrEqual(5)
    await expectCleanBook()
    await submitPayouts(depsWith(), { payoutIds })
    await expectPaidOnce(payoutIds)
    // What was recorded was not sent again.
    const sends = (await rowsOf(payoutIds)).map((row) => row.sends)
    expect(sends).toEqual(sends.map(() => 1))
  })

  test('pays each once when two submit the same payouts at once, and both say so', async () => {
    const payoutIds = await makeApproved(60)
    const run = () => submitPayouts(depsWith(), { payoutIds }, { flushSize: 7 })
    await Promise.all([run(), run()])
    const standing = await run()
    expect(standing).toEqual({ settled: 60, rejectedPayoutIds: [], unknownPayoutIds: [] })
    await expectPaidOnce(payoutIds)
    expect((await rowsOf(payoutIds)).filter((row) => row.review !== null)).toEqual([])
  })

  test('keeps the attempt open when the answer is lost, and pays once when sent again', async () => {
    const payoutIds = await makeApproved(6)
    rig.faults.set({ faults: { lostResponse: { times: 1 } } })
    const first = await submitPayouts(depsWith(), { payoutIds })
    expect(first.unknownPayoutIds).toEqual(payoutIds.toSorted())
    expect((await rowsOf(payoutIds))[0]).toMatchObject({
      state: 'SUBMITTED',
      policy: 'TRIGGERED',
      attempts: '1 OPEN connection',
    })
    await expectCleanBook()
    const second = await submitPayouts(depsWith(), { payoutIds })
    expect(second.settled).toBe(6)
    await expectPaidOnce(payoutIds)
  })

  test.each([
    ['409', 'in_progress'],
    ['429', 'rate_limited'],
    ['500', 'server_error'],
    ['html', 'malformed'],
  ])('does not conclude anything from a %s and pays once later', async (fault, code) => {
    const payoutIds = await makeApproved(4)
    rig.faults.set({ faults: { [fault]: { times: 1 } } })
    const first = await submitPayouts(depsWith(), { payoutIds })
    expect(first.unknownPayoutIds).toHaveLength(4)
    expect((await rowsOf(payoutIds))[0]?.attempts).toBe(`1 OPEN ${code}`)
    await submitPayouts(depsWith(), { payoutIds })
    await expectPaidOnce(payoutIds)
  })

  test('fails a payout whose destination the rail refuses, and opens a review', async () => {
    const payoutIds = await makeApproved(3, 'acct_invalid_')
    const standing = await submitPayouts(depsWith(), { payoutIds })
    expect(standing).toEqual({
      settled: 0,
      rejectedPayoutIds: payoutIds.toSorted(),
      unknownPayoutIds: [],
    })
    expect((await rowsOf(payoutIds))[0]).toMatchObject({
      state: 'FAILED',
      policy: 'IN_REVIEW',
      attempts: '1 DEFINITE_FAIL resource_missing',
      review: 'PAYOUT_REJECTED',
    })
    expect(transfersOf(payoutIds).transfers).toBe(0)
    await expectCleanBook()
  })

  test('pays under a new key after a person approved what the rail had refused', async () => {
    const payoutIds = await makeApproved(3, 'acct_invalid_')
    expect((await submitPayouts(depsWith(), { payoutIds })).rejectedPayoutIds).toHaveLength(3)
    // The refusal is for good: sending again by itself would never help.
    expect((await submitPayouts(depsWith(), { payoutIds })).rejectedPayoutIds).toHaveLength(3)
    await sql`update payout set payee_ref = replace(payee_ref, 'invalid_', '')
      where id = any(${payoutIds}::uuid[])`.execute(database.db)
    const approval = { payoutIds, approvedBy: 'user:ana' }
    expect(await approvePayouts(depsWith(), approval)).toMatchObject({ approved: 3 })
    await submitPayouts(depsWith(), { payoutIds })
    expect((await rowsOf(payoutIds))[0]).toMatchObject({
      attempts: '1 DEFINITE_FAIL resource_missing, 2 ACCEPTED',
      review: null,
    })
    await expectPaidOnce(payoutIds)
  })

  test.each([
    ['destination', { payeeRef: 'acct_somebody_else' }],
    ['group', { group: null }],
  ])('never takes a transfer with another %s for payment', async (field, change) => {
    const payoutIds = await makeApproved(2)
    const payments: PaymentProvider = {
      ...rig.payments,
      createTransfer: async (request) => {
        const outcome = await rig.payments.createTransfer(request)
        if (outcome.kind !== 'accepted') return outcome
        return { ...outcome, transfer: { ...outcome.transfer, ...change } }
      },
    }
    const standing = await submitPayouts(depsWith({ payments }), { payoutIds })
    expect(standing.settled).toBe(0)
    expect(standing.rejectedPayoutIds).toEqual(payoutIds.toSorted())
    expect((await rowsOf(payoutIds))[0]).toMatchObject({
      state: 'SUBMITTED',
      policy: 'IN_REVIEW',
      attempts: '1 UNKNOWN TRANSFER_MISMATCH',
      review: 'TRANSFER_MISMATCH',
    })
    const { rows } = await sql<{ details: { differences: object } }>`
      select details from review_case where subject_id = ${payoutIds[0]}::uuid`.execute(database.db)
    expect(Object.keys(rows[0]?.details.differences ?? {})).toEqual([field])
    // Nothing is sent again by itself.
    await submitPayouts(depsWith(), { payoutIds })
    expect(transfersOf(payoutIds).transfers).toBe(2)
    await expectCleanBook()
  })

  test('stops sending when aborted, records what is on the wire, and goes on later', async () => {
    const payoutIds = await makeApproved(40)
    const stop = new AbortController()
    let sent = 0
    const payments: PaymentProvider = {
      ...rig.payments,
      createTransfer: (request) => {
        sent += 1
        if (sent === 10) stop.abort(new Error('worker stops'))
        return rig.payments.createTransfer(request)
      },
    }
    const options = { concurrency: 4, signal: stop.signal }
    await expect(submitPayouts(depsWith({ payments }), { payoutIds }, options)).rejects.toThrow(
      'worker stops',
    )
    expect(sent).toBe(10)
    const paid = (await rowsOf(payoutIds)).filter((row) => row.state === 'PAID')
    expect(paid).toHaveLength(10)
    await expectCleanBook()
    await submitPayouts(depsWith(), { payoutIds })
    await expectPaidOnce(payoutIds)
  })

  test('records what others heard when one send breaks down', async () => {
    const payoutIds = await makeApproved(8)
    let sent = 0
    const payments: PaymentProvider = {
      ...rig.payments,
      createTransfer: (request) => {
        sent += 1
        return sent === 4
          ? Promise.reject(new Error('broken adapter'))
          : rig.payments.createTransfer(request)
      },
    }
    const options = { concurrency: 2 }
    await expect(submitPayouts(depsWith({ payments }), { payoutIds }, options)).rejects.toThrow(
      'broken adapter',
    )
    const recorded = (await rowsOf(payoutIds)).filter((row) => row.state === 'PAID')
    expect(recorded).toHaveLength(transfersOf(payoutIds).transfers)
    await submitPayouts(depsWith(), { payoutIds })
    await expectPaidOnce(payoutIds)
  })

  test('sends nothing while the kill switch is on, not even what is approved', async () => {
    const payoutIds = await makeApproved(2)
    await stores.settingStore.write(PAYOUTS_PAUSED, true, 'user:test')
    const standing = await submitPayouts(depsWith(), { payoutIds })
    await stores.settingStore.write(PAYOUTS_PAUSED, false, 'user:test')
    expect(standing.unknownPayoutIds).toEqual(payoutIds.toSorted())
    expect(transfersOf(payoutIds).transfers).toBe(0)
    await submitPayouts(depsWith(), { payoutIds })
    await expectPaidOnce(payoutIds)
  })

  test('sends the same key again a moment before the rail may have forgotten it', async () => {
    const payoutIds = await makeApproved(1)
    rig.faults.set({ faults: { lostResponse: { times: 1 } } })
    await submitPayouts(depsWith(), { payoutIds })
    clock.advance(RESEND_LIMIT_MS - 1)
    await submitPayouts(depsWith(), { payoutIds })
    expect((await rowsOf(payoutIds))[0]?.sends).toBe(2)
    await expectPaidOnce(payoutIds)
  })

  test('does not send an attempt again once the rail may have forgotten its key', async () => {
    const payoutIds = await makeApproved(1)
    rig.faults.set({ faults: { lostResponse: { times: 1 } } })
    await submitPayouts(depsWith(), { payoutIds })
    clock.advance(RESEND_LIMIT_MS)
    const standing = await submitPayouts(depsWith(), { payoutIds })
    expect(standing.unknownPayoutIds).toEqual(payoutIds)
    expect((await rowsOf(payoutIds))[0]?.sends).toBe(1)
    expect(transfersOf(payoutIds).transfers).toBe(1)
  })

  test('does not send an attempt whose payout is no longer what was hashed', async () => {
    const payoutIds = await makeApproved(1)
    rig.faults.set({ faults: { '500': { times: 1 } } })
    await submitPayouts(depsWith(), { payoutIds })
    rig.faults.set({ faults: {} })
    await sql`update payout set payee_ref = 'acct_changed' where id = ${payoutIds[0]}::uuid`.execute(
      database.db,
    )
    await submitPayouts(depsWith(), { payoutIds })
    expect(transfersOf(payoutIds).transfers).toBe(0)
    await sql`update payout set payee_ref = (select payee_ref from policy where id = policy_id)
      where id = ${payoutIds[0]}::uuid`.execute(database.db)
    await submitPayouts(depsWith(), { payoutIds })
    await expectPaidOnce(payoutIds)
  })

  test('either sends or cancels a payout that is cancelled at the same moment', async () => {
    const payoutIds = await makeApproved(60)
    const cancellation = { by: 'user:test', reason: 'race' }
    await Promise.all([
      submitPayouts(depsWith(), { payoutIds: payoutIds.slice(0, 40) }),
      cancelPayouts(depsWith(), { payoutIds: payoutIds.slice(20), ...cancellation }),
    ])
    for (const [index, row] of (await rowsOf(payoutIds)).entries()) {
      const transfers = rig.book.byGroup(payoutIds[index] ?? '').length
      expect(transfers).toBe(row.state === 'CANCELLED' ? 0 : 1)
      expect(row.state).toMatch(/^(PAID|CANCELLED)$/)
    }
    await expectCleanBook()
  })
})
