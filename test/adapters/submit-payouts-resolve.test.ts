import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import type { PaymentProvider, Transfer } from '../../domain/ports/payment-provider.ts'
import { PAYOUTS_APPROVAL_LIMIT } from '../../domain/ports/setting-store.ts'
import { ABSENCE_GAP_MS, RESEND_LIMIT_MS } from '../../domain/payout-resolution.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { openPayoutReview } from '../../operations/open-payout-review.ts'
import { PayoutNotFoundError, resolvePayout } from '../../operations/resolve-payout.ts'
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
beforeEach(async () => {
  rig.faults.set({ faults: {} })
  await sql`delete from setting`.execute(database.db)
})

function deps(payments: PaymentProvider = rig.payments) {
  return { ...stores, payments, clock }
}

/** One payout whose first sending met `fault` `times` times. */
async function makeStuck(fault: string, times = 1): Promise<string> {
  books += 1
  const [payoutId = ''] = await makePayoutBook(database.db, { size: 1, prefix: `R${books}X` })
  await approvePayouts(deps(), { payoutIds: [payoutId] })
  rig.faults.set({ faults: { [fault]: { match: payoutId } } })
  for (let round = 0; round < times; round += 1) await submit(payoutId)
  return payoutId
}

const submit = (payoutId: string) => submitPayouts(deps(), { payoutIds: [payoutId] })
const resolve = async (payoutId: string) => (await resolvePayout(deps(), { payoutId })).kind

async function stateOf(payoutId: string) {
  const { rows } = await sql<{ state: string; attempts: string; review: string | null }>`
    select p.state,
      (select string_agg(concat_ws(' ', a.n, a.outcome, a.code), ', ' order by a.n)
        from payout_attempt a where a.payout_id = p.id) as attempts,
      (select string_agg(r.reason_code, ', ' order by r.reason_code) from review_case r
        where r.subject_id = p.id and r.state <> 'RESOLVED') as review
    from payout p where p.id = ${payoutId}::uuid`.execute(database.db)
  return rows[0]
}

async function expectCleanBook(): Promise<void> {
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })
}

describe('resolving a payout', () => {
  test('looks nothing up while the same key may be sent', async () => {
    const payoutId = await makeStuck('500')
    clock.advance(RESEND_LIMIT_MS - 1)
    expect(await resolve(payoutId)).toBe('unknown')
    expect((await stateOf(payoutId))?.attempts).toBe('1 OPEN server_error')
  })

  test('adopts the transfer of an attempt that is 20 hours old', async () => {
    const payoutId = await makeStuck('lostResponse')
    clock.advance(RESEND_LIMIT_MS)
    expect(await resolve(payoutId)).toBe('settled')
    expect(await stateOf(payoutId)).toMatchObject({ state: 'PAID', attempts: '1 ACCEPTED' })
    expect(rig.book.byGroup(payoutId)).toHaveLength(1)
    await expectCleanBook()
  })

  test('adopts the transfer behind a server error that is stored for good', async () => {
    const payoutId = await makeStuck('moved500', 3)
    expect(await resolve(payoutId)).toBe('settled')
    expect(rig.book.byGroup(payoutId)).toHaveLength(1)
    await expectCleanBook()
  })

  test('sends again after two server errors, looks up after three', async () => {
    const payoutId = await makeStuck('stored500', 2)
    expect(await resolve(payoutId)).toBe('unknown')
    expect((await submit(payoutId)).unknownPayoutIds).toEqual([payoutId])
    const { rows } = await sql<{ sends: number }>`
      select sends from payout_attempt where payout_id = ${payoutId}::uuid`.execute(database.db)
    expect(rows).toEqual([{ sends: 3 }])
    await submit(payoutId)
    const after = await sql<{ sends: number }>`
      select sends from payout_attempt where payout_id = ${payoutId}::uuid`.execute(database.db)
    expect(after.rows).toEqual([{ sends: 3 }])
  })

  test('takes a new key only after two empty look-ups ten minutes apart', async () => {
    const payoutId = await makeStuck('stored500', 3)
    expect(await resolve(payoutId)).toBe('unknown')
    clock.advance(ABSENCE_GAP_MS - 1)
    expect(await resolve(payoutId)).toBe('unknown')
    clock.advance(1)
    expect(await resolve(payoutId)).toBe('new-attempt')
    expect(await stateOf(payoutId)).toMatchObject({ state: 'APPROVED', review: null })
    await expectCleanBook()
    rig.faults.set({ faults: {} })
    expect((await submit(payoutId)).settled).toBe(1)
    expect((await stateOf(payoutId))?.attempts).toBe('1 UNKNOWN ABSENT, 2 ACCEPTED')
    expect(rig.book.byGroup(payoutId)).toHaveLength(1)
    await expectCleanBook()
  })

  test('sends nothing between two look-ups', async () => {
    const payoutId = await makeStuck('stored500', 3)
    await resolve(payoutId)
    rig.faults.set({ faults: {} })
    await submit(payoutId)
    expect(rig.book.byGroup(payoutId)).toHaveLength(0)
  })

  test('pays nothing by a late answer to an attempt that was given up', async () => {
    const payoutId = await makeStuck('stored500', 3)
    await resolve(payoutId)
    clock.advance(ABSENCE_GAP_MS)
    await resolve(payoutId)
    await stores.payoutStore.openAttempts(
      { payoutIds: [payoutId] },
      { provider: 'stripe', at: await clock.now() },
    )
    const late = { payoutId, n: 1, transferId: 'tr_late' }
    await stores.payoutStore.recordAccepted([late], await clock.now())
    expect(await stateOf(payoutId)).toEqual({
      state: 'SUBMITTED',
      attempts: '1 UNKNOWN ABSENT, 2 OPEN',
      review: 'UNEXPECTED_TRANSFER',
    })
    await expectCleanBook()
  })

  test('opens a review when another transfer arrives for a payout that is paid', async () => {
    const payoutId = await makeStuck('lostResponse')
    rig.faults.set({ faults: {} })
    await submit(payoutId)
    const second = { payoutId, n: 1, transferId: 'tr_another' }
    await stores.payoutStore.recordAccepted([second], await clock.now())
    expect(await stateOf(payoutId)).toMatchObject({ state: 'PAID', review: 'UNEXPECTED_TRANSFER' })
  })

  test('leaves a new attempt above the approval limit to a person', async () => {
    const payoutId = await makeStuck('stored500', 3)
    await stores.settingStore.write(PAYOUTS_APPROVAL_LIMIT, 11_999, 'user:test')
    await resolve(payoutId)
    clock.advance(ABSENCE_GAP_MS)
    expect(await resolve(payoutId)).toBe('review')
    expect(await stateOf(payoutId)).toMatchObject({
      state: 'FAILED',
      review: 'NEW_ATTEMPT_ABOVE_LIMIT',
    })
    await expectCleanBook()
    for (const approvedBy of ['user:ana', 'user:ben']) {
      await approvePayouts(deps(), { payoutIds: [payoutId], approvedBy })
    }
    rig.faults.set({ faults: {} })
    expect((await submit(payoutId)).settled).toBe(1)
    await expectCleanBook()
  })

  test('adopts nothing when the rail holds two transfers of the payout', async () => {
    const payoutId = await makeStuck('lostResponse')
    clock.advance(RESEND_LIMIT_MS)
    const payments: PaymentProvider = {
      ...rig.payments,
      findByGroup: async (of) => {
        const [transfer] = await rig.payments.findByGroup(of)
        return transfer === undefined ? [] : [transfer, { ...transfer, id: 'tr_twin' }]
      },
    }
    expect(await resolvePayout(deps(payments), { payoutId })).toEqual({ kind: 'review' })
    expect(await stateOf(payoutId)).toMatchObject({
      state: 'SUBMITTED',
      attempts: '1 UNKNOWN TRANSFER_MISMATCH',
      review: 'TRANSFER_MISMATCH',
    })
    await expectCleanBook()
  })

  test('adopts nothing when the transfer found has another amount', async () => {
    const payoutId = await makeStuck('lostResponse')
    clock.advance(RESEND_LIMIT_MS)
    const payments: PaymentProvider = {
      ...rig.payments,
      findByGroup: async (of) => {
        const transfers = await rig.payments.findByGroup(of)
        return transfers.map((transfer): Transfer => {
          const minor = (transfer.amount.minor + 1) as Transfer['amount']['minor'] // one cent more
          return { ...transfer, amount: { ...transfer.amount, minor } }
        })
      },
    }
    expect(await resolvePayout(deps(payments), { payoutId })).toEqual({ kind: 'review' })
    expect((await stateOf(payoutId))?.state).toBe('SUBMITTED')
  })

  test('adopts what the balance report shows though no look-up by group finds it', async () => {
    const payoutId = await makeStuck('lostResponse')
    clock.advance(RESEND_LIMIT_MS)
    // As a rail whose list by group lags behind, or lost the group.
    const payments: PaymentProvider = { ...rig.payments, findByGroup: async () => [] }
    expect(await resolvePayout(deps(payments), { payoutId })).toEqual({ kind: 'unknown' })
    clock.advance(ABSENCE_GAP_MS)
    expect(await resolvePayout(deps(payments), { payoutId })).toEqual({ kind: 'settled' })
    expect(await stateOf(payoutId)).toMatchObject({ state: 'PAID', attempts: '1 ACCEPTED' })
    expect(rig.book.byGroup(payoutId)).toHaveLength(1)
    await expectCleanBook()
  })

  test('concludes nothing while the balance report cannot be read; without a report look-ups decide', async () => {
    const payoutId = await makeStuck('stored500', 3)
    const without = (findOnBalance: PaymentProvider['findOnBalance']) =>
      resolvePayout(deps({ ...rig.payments, findOnBalance }), { payoutId })
    expect(await without(async () => null)).toEqual({ kind: 'unknown' })
    clock.advance(ABSENCE_GAP_MS)
    const unread = without(() => Promise.reject(new Error('rail is out')))
    await expect(unread).rejects.toThrow('rail is out')
    expect((await stateOf(payoutId))?.attempts).toBe('1 OPEN server_error')
    expect(await without(async () => null)).toEqual({ kind: 'new-attempt' })
  })

  test('concludes nothing when the rail cannot be asked', async () => {
    const payoutId = await makeStuck('lostResponse')
    clock.advance(RESEND_LIMIT_MS)
    const payments: PaymentProvider = {
      ...rig.payments,
      findByGroup: () => Promise.reject(new Error('rail is out')),
    }
    await expect(resolvePayout(deps(payments), { payoutId })).rejects.toThrow('rail is out')
    expect((await stateOf(payoutId))?.attempts).toBe('1 OPEN connection')
  })

  test('concludes nothing from the silence of another rail than the one it was sent to', async () => {
    const payoutId = await makeStuck('lostResponse')
    const payments: PaymentProvider = { ...rig.payments, id: 'other', findByGroup: async () => [] }
    for (const waitMs of [RESEND_LIMIT_MS, ABSENCE_GAP_MS]) {
      clock.advance(waitMs)
      expect(await resolvePayout(deps(payments), { payoutId })).toEqual({ kind: 'unknown' })
    }
    expect((await stateOf(payoutId))?.attempts).toBe('1 OPEN connection')
  })

  test('changes nothing when it is repeated', async () => {
    const payoutId = await makeStuck('lostResponse')
    clock.advance(RESEND_LIMIT_MS)
    const kinds = await Promise.all([resolve(payoutId), resolve(payoutId), resolve(payoutId)])
    expect(kinds).toEqual(['settled', 'settled', 'settled'])
    expect(await resolve(payoutId)).toBe('settled')
    expect(await stateOf(payoutId)).toMatchObject({ state: 'PAID', review: null })
    await expectCleanBook()
  })

  test('says that an unknown payout does not exist', async () => {
    const payoutId = '00000000-0000-4000-8000-000000000000'
    await expect(resolvePayout(deps(), { payoutId })).rejects.toThrow(PayoutNotFoundError)
  })
})

describe('opening the review of a payout', () => {
  test('opens one case per reason, however often and by how many it is asked for', async () => {
    const payoutId = await makeStuck('500')
    const input = { payoutId, reason: 'PAYOUT_UNSETTLED' }
    const opened = await Promise.all(
      Array.from({ length: 6 }, () => openPayoutReview(deps(), input)),
    )
    expect(new Set(opened.map((one) => one.caseId)).size).toBe(1)
    expect(opened.filter((one) => one.isNew)).toHaveLength(1)
    expect((await stateOf(payoutId))?.state).toBe('SUBMITTED')
  })

  test('opens another case once the first is resolved', async () => {
    const payoutId = await makeStuck('500')
    const input = { payoutId, reason: 'PAYOUT_UNSETTLED' }
    const first = await openPayoutReview(deps(), input)
    await sql`update review_case set state = 'RESOLVED', resolved_at = now()
      where id = ${first.caseId}::uuid`.execute(database.db)
    const second = await openPayoutReview(deps(), input)
    expect(second.isNew).toBe(true)
    expect(second.caseId).not.toBe(first.caseId)
  })
})
