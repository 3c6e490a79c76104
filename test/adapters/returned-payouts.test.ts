/** Money that comes back after it was paid: ledger, policy, review, payee, and a new attempt. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createPayeeStore } from '../../db/stores/payee-store.ts'
import { createPaymentFactStore } from '../../db/stores/payment-fact-store.ts'
import { createTopUpStore } from '../../db/stores/top-up-store.ts'
import { ledgerRef, returnPosting } from '../../domain/ledger.ts'
import { currency, minorUnits } from '../../domain/money.ts'
import { PAYOUTS_APPROVAL_LIMIT } from '../../domain/ports/setting-store.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { batchPayouts } from '../../operations/batch-payouts.ts'
import { cancelPayouts } from '../../operations/cancel-payouts.ts'
import { correctPayee } from '../../operations/correct-payee.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { topUpPayout } from '../../operations/top-up-payout.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock, startPaymentRig } from '../support/payment-rig.ts'

let database: TestDatabase
let stores: ReturnType<typeof createPayoutStores>
let rig: Awaited<ReturnType<typeof startPaymentRig>>
let books = 0
const clock = new HandClock()
const NOTE = { by: 'user:ana', reason: 'account closed' }

beforeAll(async () => {
  database = await createTestDatabase()
  stores = createPayoutStores(database.db)
  rig = await startPaymentRig(clock)
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const deps = () => ({ ...stores, payments: rig.payments, clock })
const facts = () => createPaymentFactStore(database.db)
const payee = () => ({ payeeStore: createPayeeStore(database.db), clock })
const submit = (payoutId: string) => submitPayouts(deps(), { payoutIds: [payoutId] })

/** A payout that was paid, in a batch. */
async function makePaid(): Promise<string> {
  books += 1
  const [payoutId = ''] = await makePayoutBook(database.db, { size: 1, prefix: `Z${books}X` })
  await batchPayouts(stores)
  await approvePayouts(deps(), { payoutIds: [payoutId] })
  await submit(payoutId)
  return payoutId
}

async function giveBack(payoutId: string, n = 1, code = 'account_closed'): Promise<boolean> {
  const transferId = rig.book.byGroup(payoutId)[n - 1]?.id ?? ''
  const payment = { payoutId, n, provider: 'stripe', transferId, code }
  return facts().recordReturned(payment, await clock.now())
}

async function makeReturned(): Promise<string> {
  const payoutId = await makePaid()
  await giveBack(payoutId)
  return payoutId
}

async function stateOf(payoutId: string) {
  const { rows } = await sql<{
    state: string
    policy: string
    attempts: string
    review: string | null
    batch: string | null
  }>`
    select p.state, o.state as policy, p.batch_id as batch,
      (select string_agg(concat_ws(' ', a.n, a.outcome, a.code), ', ' order by a.n)
        from payout_attempt a where a.payout_id = p.id) as attempts,
      (select string_agg(r.reason_code, ', ' order by r.reason_code) from review_case r
        where r.subject_kind = 'payout' and r.subject_id = p.id and r.state <> 'RESOLVED') as review
    from payout p join policy o on o.id = p.policy_id
    where p.id = ${payoutId}::uuid`.execute(database.db)
  return rows[0]
}

async function policyOf(payoutId: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    select policy_id as id from payout where id = ${payoutId}::uuid`.execute(database.db)
  return rows[0]?.id ?? ''
}

const expectCleanBook = async (): Promise<void> =>
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })

describe('a payment that comes back', () => {
  test('is owed again, its policy in review, and a person is told why', async () => {
    const payoutId = await makeReturned()
    expect(await stateOf(payoutId)).toEqual({
      state: 'RETURNED',
      policy: 'IN_REVIEW',
      attempts: '1 RETURNED account_closed',
      review: 'PAYOUT_RETURNED',
      batch: null,
    })
    const { rows } = await sql`
      select details from review_case where subject_id = ${payoutId}::uuid`.execute(database.db)
    expect(rows).toMatchObject([{ details: { code: 'account_closed', attempt: 1 } }])
    await expectCleanBook()
  })

  test('is in the ledger as the domain says', async () => {
    const payoutId = await makeReturned()
    const amount = { minor: minorUnits(12_000), currency: currency('USD') }
    const wanted = returnPosting({
      policyId: await policyOf(payoutId),
      payoutId,
      n: 1,
      provider: 'stripe',
      amount,
      effectiveAt: await clock.now(),
    })
    const { rows } = await sql`
      select t.kind, l.source, l.destination, l.amount_minor as minor
      from ledger_transaction t join ledger_posting l on l.transaction_id = t.id
      where t.ref = ${ledgerRef.return(payoutId, 1)}`.execute(database.db)
    const [posting] = wanted.postings
    expect(rows).toEqual([
      {
        kind: wanted.kind,
        source: posting?.source,
        destination: posting?.destination,
        minor: 12_000,
      },
    ])
  })

  test('comes back once, however often it is told, also at once', async () => {
    const payoutId = await makePaid()
    const told = await Promise.all([giveBack(payoutId), giveBack(payoutId), giveBack(payoutId)])
    expect(told.filter(Boolean)).toHaveLength(1)
    expect(await giveBack(payoutId)).toBe(false)
    await expectCleanBook()
  })

  test('is not taken for the return of another transfer', async () => {
    const payoutId = await makePaid()
    const payment = { payoutId, n: 1, provider: 'stripe', transferId: 'tr_other', code: 'x' }
    expect(await facts().recordReturned(payment, await clock.now())).toBe(false)
    expect(await stateOf(payoutId)).toMatchObject({ state: 'PAID', policy: 'PAID' })
  })

  test('is not approved again by a rule', async () => {
    const payoutId = await makeReturned()
    await approvePayouts(deps(), { payoutIds: [payoutId] })
    expect(await submit(payoutId)).toMatchObject({ settled: 0, rejectedPayoutIds: [payoutId] })
    expect(rig.book.byGroup(payoutId)).toHaveLength(1)
  })

  test('is paid by a new attempt to the corrected payee, in the next batch', async () => {
    const payoutId = await makeReturned()
    await correctPayee(payee(), { payoutId, payeeRef: 'acct_mended', ...NOTE })
    const approval = { payoutIds: [payoutId], approvedBy: 'user:ana', leavesBatch: true }
    expect(await approvePayouts(deps(), approval)).toMatchObject({ approved: 1 })
    expect(await stateOf(payoutId)).toMatchObject({ policy: 'TRIGGERED', review: null })
    await batchPayouts(stores)
    const { batch } = (await stateOf(payoutId)) ?? {}
    expect(batch).toBeTypeOf('string')
    await submitPayouts(deps(), { batchId: batch ?? '' })
    await submitPayouts(deps(), { batchId: batch ?? '' })
    expect(await stateOf(payoutId)).toMatchObject({
      state: 'PAID',
      policy: 'PAID',
      attempts: '1 RETURNED account_closed, 2 ACCEPTED',
    })
    expect(rig.book.byGroup(payoutId).map(({ destination }) => destination)).toEqual([
      expect.not.stringMatching('acct_mended'),
      'acct_mended',
    ])
    await expectCleanBook()
  })

  test('may come back a second time, and be paid by a third attempt', async () => {
    const payoutId = await makeReturned()
    for (const n of [2, 3]) {
      await approvePayouts(deps(), { payoutIds: [payoutId], approvedBy: 'user:ana' })
      await batchPayouts(stores)
      await submit(payoutId)
      if (n === 2) expect(await giveBack(payoutId, 2)).toBe(true)
    }
    expect(await stateOf(payoutId)).toMatchObject({ state: 'PAID', policy: 'PAID' })
    expect(rig.book.byGroup(payoutId)).toHaveLength(3)
    await expectCleanBook()
  })

  test('takes two people again above the approval limit', async () => {
    const payoutId = await makeReturned()
    await stores.settingStore.write(PAYOUTS_APPROVAL_LIMIT, 11_999, 'user:test')
    const first = { payoutIds: [payoutId], approvedBy: 'user:ana' }
    expect(await approvePayouts(deps(), first)).toMatchObject({ approved: 0, awaitingSecond: 1 })
    expect(await approvePayouts(deps(), { ...first, approvedBy: 'user:ben' })).toMatchObject({
      approved: 1,
    })
    await sql`delete from setting`.execute(database.db)
  })

  test('can be cancelled: the money waits in suspense', async () => {
    const payoutId = await makeReturned()
    const cancelled = await cancelPayouts(deps(), { payoutIds: [payoutId], ...NOTE })
    expect(cancelled).toEqual({ cancelled: 1, refusedPayoutIds: [] })
    await expectCleanBook()
  })

  test('leaves the policy unpaid while another payout of it is open', async () => {
    const payoutId = await makePaid()
    const policyId = await policyOf(payoutId)
    const difference = { minor: minorUnits(1_000), currency: currency('USD') }
    const request = { policyId, decisionRef: 'review:1', difference, ...NOTE }
    await topUpPayout({ topUpStore: createTopUpStore(database.db), clock }, request)
    await giveBack(payoutId)
    await approvePayouts(deps(), { payoutIds: [payoutId], approvedBy: 'user:ana' })
    await submit(payoutId)
    expect(await stateOf(payoutId)).toMatchObject({ state: 'PAID', policy: 'TRIGGERED' })
    const { rows } = await sql<{ id: string }>`
      select id from payout where policy_id = ${policyId}::uuid and revision = 1`.execute(
      database.db,
    )
    const [{ id: second } = { id: '' }] = rows
    await approvePayouts(deps(), { payoutIds: [second] })
    await submit(second)
    expect(await stateOf(second)).toMatchObject({ state: 'PAID', policy: 'PAID' })
    await expectCleanBook()
  })
})

describe('what the rail refused', () => {
  test('stays with its run when the run approves it, and leaves when asked from outside', async () => {
    for (const leavesBatch of [false, true]) {
      books += 1
      const [payoutId = ''] = await makePayoutBook(database.db, {
        size: 1,
        prefix: `Z${books}X`,
        payeePrefix: 'acct_invalid_',
      })
      await batchPayouts(stores)
      await approvePayouts(deps(), { payoutIds: [payoutId] })
      await submit(payoutId)
      const before = await stateOf(payoutId)
      await approvePayouts(deps(), { payoutIds: [payoutId], approvedBy: 'user:ana', leavesBatch })
      expect((await stateOf(payoutId))?.batch).toBe(leavesBatch ? null : before?.batch)
    }
  })
})

describe('a payee', () => {
  test('is corrected once, also for the policy, and audited with before and after', async () => {
    const payoutId = await makeReturned()
    const input = { payoutId, payeeRef: 'acct_mended', ...NOTE }
    expect(await correctPayee(payee(), input)).toMatchObject({ isChanged: true })
    expect(await correctPayee(payee(), input)).toMatchObject({ isChanged: false })
    const { rows } = await sql`
      select p.payee_ref, o.payee_ref as of_policy from payout p join policy o on o.id = p.policy_id
      where p.id = ${payoutId}::uuid`.execute(database.db)
    expect(rows).toEqual([{ payee_ref: 'acct_mended', of_policy: 'acct_mended' }])
    const audit = await sql`
      select actor, details from audit_event
      where action = 'payout.payee' and subject = ${`payout:${payoutId}`}`.execute(database.db)
    expect(audit.rows).toMatchObject([
      { actor: NOTE.by, details: { reason: NOTE.reason, after: 'acct_mended' } },
    ])
  })

  test('of another payee than the first person approved forgets that approval', async () => {
    const payoutId = await makeReturned()
    await stores.settingStore.write(PAYOUTS_APPROVAL_LIMIT, 11_999, 'user:test')
    await approvePayouts(deps(), { payoutIds: [payoutId], approvedBy: 'user:ana' })
    await correctPayee(payee(), { payoutId, payeeRef: 'acct_mended', ...NOTE })
    const second = await approvePayouts(deps(), { payoutIds: [payoutId], approvedBy: 'user:ben' })
    expect(second).toMatchObject({ approved: 0, awaitingSecond: 1 })
    await sql`delete from setting`.execute(database.db)
  })

  test('of a payout that is approved, sent or paid is refused', async () => {
    const paid = await makePaid()
    await expect(
      correctPayee(payee(), { payoutId: paid, payeeRef: 'acct_mended', ...NOTE }),
    ).rejects.toMatchObject({ name: 'PayeeFixedError' })
    const returned = await makeReturned()
    await approvePayouts(deps(), { payoutIds: [returned], approvedBy: 'user:ana' })
    await expect(
      correctPayee(payee(), { payoutId: returned, payeeRef: 'acct_mended', ...NOTE }),
    ).rejects.toMatchObject({ name: 'PayeeFixedError' })
  })

  test('of no payout is an error that says so', async () => {
    const payoutId = '00000000-0000-4000-8000-000000000000'
    await expect(
      correctPayee(payee(), { payoutId, payeeRef: 'acct_mended', ...NOTE }),
    ).rejects.toMatchObject({ name: 'PayoutNotFoundError' })
  })
})
