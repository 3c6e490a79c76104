/** Ledger and rail side by side, over HTTP: every class of break, once, and nothing else. */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { expect, test } from 'vitest'

import type { Database } from '../../db/client.ts'
import { createPaymentFactStore } from '../../db/stores/payment-fact-store.ts'
import { createReconciliationStore } from '../../db/stores/reconciliation-store.ts'
import { createReviewTending } from '../../db/stores/review-tending-store.ts'
import { currency, minorUnits } from '../../domain/money.ts'
import { areBalanced } from '../../domain/reconciliation.ts'
import { DAY_MS, HOUR_MS } from '../../domain/time.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import {
  beginReconciliation,
  compareTransfers,
  finishReconciliation,
  listTransfers,
  type ReconciliationDeps,
} from '../../operations/reconcile-payouts.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { createTestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock, startPaymentRig } from '../support/payment-rig.ts'
import { unguarded } from '../support/unguarded.ts'

/** A book of which `size` payouts were paid over the rail; it is an hour later. */
async function paidBook(size: number) {
  const database = await createTestDatabase()
  const { db } = database
  const clock = new HandClock()
  const rig = await startPaymentRig(clock)
  const { payments } = rig
  const { payoutStore } = createPayoutStores(db)
  const payoutIds = await makePayoutBook(db, { size })
  await approvePayouts({ payoutStore, clock }, { payoutIds })
  await submitPayouts(
    { payoutStore, payments, clock },
    { payoutIds },
    { concurrency: 16, flushSize: 50 },
  )
  clock.advance(HOUR_MS)
  const reconciliationStore = createReconciliationStore(db)
  return {
    db,
    clock,
    payments,
    payoutIds,
    payoutStore,
    railUrl: rig.url,
    deps: { reconciliationStore, payments, clock },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

async function reconcile(deps: ReconciliationDeps) {
  const window = await beginReconciliation(deps, { runId: randomUUID() })
  const { listed } = await listTransfers(deps, { window, cursor: null }, { maxPages: 100 })
  const found = await compareTransfers(deps, { window, listed })
  await finishReconciliation(deps, window)
  return found
}

/** The payout as if its answer had never come. */
async function forgetAnswer(db: Database, payoutId: string | undefined): Promise<void> {
  await unguarded(db, async (trx) => {
    await sql`update payout set state = 'SUBMITTED', transfer_id = null, paid_at = null
      where id = ${payoutId}`.execute(trx)
    await sql`update payout_attempt set outcome = 'OPEN', provider_ref = null, finished_at = null
      where payout_id = ${payoutId}`.execute(trx)
  })
}

async function cases(db: Database) {
  const { rows } = await sql`
    select reason_code, subject_kind, state from review_case order by 1, 2`.execute(db)
  return rows
}

/** Moves money at the rail that the ledger is not told of. */
function transferBehind(it: Awaited<ReturnType<typeof paidBook>>, group: string, minor = 12_000) {
  const idempotencyKey = `behind_${randomUUID()}`
  const amount = { minor: minorUnits(minor), currency: currency('USD') }
  return it.payments.createTransfer({
    amount,
    payeeRef: 'acct_1',
    group,
    idempotencyKey,
    metadata: {},
  })
}

const NO_BREAKS = {
  MISSING_IN_LEDGER: 0,
  DUPLICATE: 0,
  CCY_DIFF: 0,
  AMOUNT_DIFF: 0,
  RETURNED: 0,
  MISSING_AT_PROVIDER: 0,
  STALE: 0,
}

test('what was paid over several pages matches, and the totals are equal', async () => {
  await using it = await paidBook(230)
  const found = await reconcile(it.deps)
  expect(found).toMatchObject({ listed: 230, matched: 230, inFlight: 0, breaks: NO_BREAKS })
  const [usd] = found.totals
  expect(usd).toMatchObject({ currency: 'USD', listedMinor: '2760000', matchedMinor: '2760000' })
  expect(areBalanced(found.totals)).toBe(true)
  expect(await cases(it.db)).toEqual([])
  const { rows } = await sql`select count(*) as n from listed_transfer`.execute(it.db)
  expect(rows).toEqual([{ n: 0 }])
})

test('every class of break is found, each is one case, and never a second one', async () => {
  await using it = await paidBook(8)
  const [amount, other, missing, twice, sent] = it.payoutIds
  await sql`alter table payout disable trigger frozen`.execute(it.db)
  await sql`update payout set amount_minor = amount_minor - 1 where id = ${amount}`.execute(it.db)
  await sql`update payout set currency = 'EUR' where id = ${other}`.execute(it.db)
  await sql`update payout_attempt set provider_ref = 'tr_unheard' where payout_id = ${missing}`.execute(
    it.db,
  )
  await transferBehind(it, twice ?? '')
  await transferBehind(it, 'of-somebody-else')
  await transferBehind(it, randomUUID())
  // Its answer was lost a day and more ago: the rail has the transfer, the ledger waits.
  await forgetAnswer(it.db, sent)
  it.clock.advance(DAY_MS)
  const found = await reconcile(it.deps)
  expect(found).toMatchObject({
    listed: 11,
    matched: 4,
    inFlight: 1,
    // The transfer of the payout whose own one is unheard of is a second one of it.
    breaks: {
      MISSING_IN_LEDGER: 2,
      DUPLICATE: 2,
      CCY_DIFF: 1,
      AMOUNT_DIFF: 1,
      MISSING_AT_PROVIDER: 1,
      STALE: 1,
    },
    casesOpened: 8,
  })
  expect(await cases(it.db)).toEqual(
    [
      ['RECON_AMOUNT_DIFF', 'payout'],
      ['RECON_CCY_DIFF', 'payout'],
      ['RECON_DUPLICATE', 'transfer'],
      ['RECON_DUPLICATE', 'transfer'],
      ['RECON_MISSING_AT_PROVIDER', 'payout'],
      ['RECON_MISSING_IN_LEDGER', 'transfer'],
      ['RECON_MISSING_IN_LEDGER', 'transfer'],
      ['RECON_STALE', 'payout'],
    ].map(([reason_code, subject_kind]) => ({ reason_code, subject_kind, state: 'OPEN' })),
  )
  await sql`update review_case set state = 'RESOLVED'`.execute(it.db)
  const again = await reconcile(it.deps)
  expect(again).toMatchObject({ breaks: found.breaks, casesOpened: 0 })
  expect(await cases(it.db)).toHaveLength(8)
})

/** The rail takes back all of a transfer, or a part of it. */
async function reverse(it: Awaited<ReturnType<typeof paidBook>>, id: string, minor?: number) {
  const response = await fetch(new URL(`/v1/transfers/${id}/reversals`, it.railUrl), {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_rig' },
    body: new URLSearchParams(minor === undefined ? {} : { amount: String(minor) }),
  })
  expect(response.status).toBe(200)
}

async function transferOf({ db }: Awaited<ReturnType<typeof paidBook>>): Promise<string> {
  const { rows } = await sql<{ id: string }>`select transfer_id as id from payout`.execute(db)
  return rows[0]?.id ?? ''
}

function knowReturned(it: Awaited<ReturnType<typeof paidBook>>, transferId: string) {
  const payment = { payoutId: it.payoutIds[0] ?? '', n: 1, provider: 'stripe', transferId }
  const facts = createPaymentFactStore(it.db)
  return it.clock.now().then((now) => facts.recordReturned({ ...payment, code: 'reversed' }, now))
}

test('a payment that came back is told apart, and the attempt after it matches', async () => {
  await using it = await paidBook(1)
  const transferId = await transferOf(it)
  await reverse(it, transferId)
  await knowReturned(it, transferId)
  const found = await reconcile(it.deps)
  expect(found).toMatchObject({ matched: 0, returned: 1, casesOpened: 0, breaks: NO_BREAKS })
  expect(found.totals).toMatchObject([{ listedMinor: '12000', matchedMinor: '12000' }])
  const deps = { payoutStore: it.payoutStore, payments: it.payments, clock: it.clock }
  await approvePayouts(deps, { payoutIds: it.payoutIds, approvedBy: 'user:ana' })
  await submitPayouts(deps, { payoutIds: it.payoutIds })
  it.clock.advance(HOUR_MS)
  expect(await reconcile(it.deps)).toMatchObject({ matched: 1, returned: 1, breaks: NO_BREAKS })
})

test('a payment that came back while its payout is paid is a break, until the payout knows', async () => {
  await using it = await paidBook(1)
  const transferId = await transferOf(it)
  await reverse(it, transferId)
  const found = await reconcile(it.deps)
  expect(found).toMatchObject({ matched: 0, returned: 0, casesOpened: 1 })
  expect(found.breaks).toEqual({ ...NO_BREAKS, RETURNED: 1 })
  const tending = createReviewTending(it.db)
  expect(await tending.closeGone(await it.clock.now(), 10)).toEqual([])
  await knowReturned(it, transferId)
  expect(await tending.closeGone(await it.clock.now(), 10)).toMatchObject([
    { resolution: 'REASON_GONE' },
  ])
  expect(await cases(it.db)).toEqual([
    { reason_code: 'PAYOUT_RETURNED', subject_kind: 'payout', state: 'OPEN' },
    { reason_code: 'RECON_RETURNED', subject_kind: 'payout', state: 'RESOLVED' },
  ])
})

test('a payment of which a cent did not come back matches: the payout is paid', async () => {
  await using it = await paidBook(1)
  await reverse(it, await transferOf(it), 11_999)
  expect(await reconcile(it.deps)).toMatchObject({ matched: 1, breaks: NO_BREAKS })
})

test('a payout in flight for a day is stale, a second less is on its way', async () => {
  await using it = await paidBook(1)
  await forgetAnswer(it.db, it.payoutIds[0])
  it.clock.advance(DAY_MS - HOUR_MS - 1_000)
  expect(await reconcile(it.deps)).toMatchObject({ inFlight: 1, breaks: NO_BREAKS })
  it.clock.advance(1_000)
  expect(await reconcile(it.deps)).toMatchObject({ inFlight: 1, breaks: { STALE: 1 } })
})

test('a transfer answered for just now need not be listed yet', async () => {
  await using it = await paidBook(1)
  await sql`update payout_attempt set provider_ref = 'tr_late', finished_at = ${await it.clock.now()}`.execute(
    it.db,
  )
  expect(await reconcile(it.deps)).toMatchObject({ breaks: { MISSING_AT_PROVIDER: 0 } })
  it.clock.advance(HOUR_MS)
  expect(await reconcile(it.deps)).toMatchObject({ breaks: { MISSING_AT_PROVIDER: 1 } })
})

test('later runs leave what is older than three days alone', async () => {
  await using it = await paidBook(3)
  expect(await reconcile(it.deps)).toMatchObject({ listed: 3 })
  it.clock.advance(2 * DAY_MS)
  expect(await reconcile(it.deps)).toMatchObject({ listed: 3, matched: 3 })
  it.clock.advance(5 * DAY_MS)
  await reconcile(it.deps)
  expect(await reconcile(it.deps)).toMatchObject({ listed: 0, breaks: NO_BREAKS })
})

test('a step that is repeated lists nothing twice, and a comparison finds the same', async () => {
  await using it = await paidBook(120)
  const window = await beginReconciliation(it.deps, { runId: randomUUID() })
  const first = await listTransfers(it.deps, { window, cursor: null }, { maxPages: 1 })
  expect(first).toMatchObject({ listed: 100 })
  await listTransfers(it.deps, { window, cursor: null }, { maxPages: 1 })
  const rest = await listTransfers(it.deps, { window, cursor: first.next }, { maxPages: 10 })
  expect(rest).toEqual({ listed: 20, next: null })
  const found = await compareTransfers(it.deps, { window, listed: 120 })
  expect(found).toMatchObject({ listed: 120, matched: 120 })
  expect(await compareTransfers(it.deps, { window, listed: 120 })).toEqual(found)
})

test('a list that was lost is not compared: nobody is told that all money is missing', async () => {
  await using it = await paidBook(2)
  const window = await beginReconciliation(it.deps, { runId: randomUUID() })
  await listTransfers(it.deps, { window, cursor: null }, { maxPages: 1 })
  await finishReconciliation(it.deps, window)
  await expect(compareTransfers(it.deps, { window, listed: 2 })).rejects.toThrow('listed 2, kept 0')
  expect(await cases(it.db)).toEqual([])
})
