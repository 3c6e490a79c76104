/**
 * Every fault that the local rail can have, alone and all of them together: however often it is tried,
 * each payout is paid once, and the books say the same.
 */
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { createPaymentEventStore } from '../../db/stores/payment-event-store.ts'
import { createPaymentFactStore } from '../../db/stores/payment-fact-store.ts'
import { HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { checkPayments } from '../../operations/check-payments.ts'
import { applyPaymentEvents, listMissedEvents } from '../../operations/payment-events.ts'
import { resolvePayout } from '../../operations/resolve-payout.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { PAYMENT_FAULTS, type PaymentFault } from '../../simulator/payments/payment-faults.ts'
import { reversedAmount } from '../../simulator/payments/transfer.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock, startPaymentRig } from '../support/payment-rig.ts'

/** Local answers take milliseconds; a request without one is given up soon. */
const TIMEOUT_MS = 300
const ROUNDS_AT_MOST = 200
const SIZE = 12
/** What comes back is heard a round after it was paid. */
const QUIET_ROUNDS = 4

let database: TestDatabase
let stores: ReturnType<typeof createPayoutStores>
let rig: Awaited<ReturnType<typeof startPaymentRig>>
let books = 0
const clock = new HandClock()

beforeAll(async () => {
  database = await createTestDatabase()
  stores = createPayoutStores(database.db)
  rig = await startPaymentRig(clock, TIMEOUT_MS)
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})
beforeEach(() => rig.faults.set({ faults: {} }))

function deps() {
  return {
    ...stores,
    clock,
    payments: rig.payments,
    rails: [rig.payments, rig.payouts],
    eventSource: rig.events,
    eventStore: createPaymentEventStore(database.db),
    paymentFacts: createPaymentFactStore(database.db),
  }
}

async function makeApproved(size: number): Promise<string[]> {
  books += 1
  const payoutIds = await makePayoutBook(database.db, { size, prefix: `F${books}X` })
  await approvePayouts(deps(), { payoutIds })
  return payoutIds
}

/** One round as runs do it: send, look up what is in doubt, hear what came back, approve what fell. */
async function payRound(payoutIds: readonly string[]): Promise<number> {
  const { settled, unknownPayoutIds } = await submitPayouts(deps(), { payoutIds })
  for (const payoutId of unknownPayoutIds) await resolvePayout(deps(), { payoutId })
  await listMissedEvents(deps())
  await applyPaymentEvents(deps(), { after: null, limit: 1_000 })
  await checkPayments(deps(), { limit: 1_000 })
  await approvePayouts(deps(), { payoutIds, approvedBy: 'user:ana' })
  clock.advance(11 * MINUTE_MS)
  return settled
}

async function payAll(payoutIds: readonly string[]): Promise<void> {
  let quietRounds = 0
  for (let round = 0; round < ROUNDS_AT_MOST && quietRounds < QUIET_ROUNDS; round += 1) {
    quietRounds = (await payRound(payoutIds)) === payoutIds.length ? quietRounds + 1 : 0
  }
}

/** What the payee of each payout has in the end, in transfers that were not given back. */
async function standing(payoutIds: readonly string[]): Promise<number[]> {
  const nowS = Math.floor(Date.parse(await clock.now()) / 1_000)
  return payoutIds.map(
    (payoutId) =>
      rig.book
        .byGroup(payoutId)
        .filter((one) => reversedAmount(rig.book.reversalsOf(one, nowS)) === 0).length,
  )
}

async function expectPaidOnce(payoutIds: readonly string[]): Promise<void> {
  expect(await standing(payoutIds)).toEqual(payoutIds.map(() => 1))
  const { rows } = await sql`
    select distinct p.state, o.state as policy from payout p join policy o on o.id = p.policy_id
    where p.id = any(${payoutIds}::uuid[])`.execute(database.db)
  expect(rows).toEqual([{ state: 'PAID', policy: 'PAID' }])
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })
}

/** How each fault is set: the first attempts or the first key only, so that it has an end. */
const FAULTS: Readonly<Record<PaymentFault, object | null>> = {
  lostResponse: { times: 2 },
  stored500: { match: '_1|' },
  moved500: { match: '_1|' },
  '500': { times: 2 },
  '409': { times: 2 },
  '429': { times: 2 },
  '401': { times: 2 },
  reset: { times: 2 },
  insufficientFunds: { match: '_1|' },
  invalidDestination: { match: '_1|' },
  latency: { ms: 20 },
  timeout: { times: 1 },
  html: { match: '_1|' },
  returned: { match: '_1|', afterMinutes: 5 },
  // Of payouts of connected accounts and of webhooks: payment-events.test.ts.
  payoutFailed: null,
  webhookLost: null,
  webhookTwice: null,
  webhookLate: null,
}

const tried = PAYMENT_FAULTS.filter((fault) => FAULTS[fault] !== null)

describe('each payout is paid once', () => {
  test.each(tried)('when the rail has the fault %s', async (fault) => {
    const payoutIds = await makeApproved(SIZE)
    rig.faults.set({ seed: 3, faults: { [fault]: { rate: 0.6, ...FAULTS[fault] } } })
    await payAll(payoutIds)
    await expectPaidOnce(payoutIds)
  })

  test.each([1, 2, 3])('when the rail has all of them at once, seed %i', async (seed) => {
    const payoutIds = await makeApproved(40)
    const faults = Object.fromEntries(
      tried.map((fault) => [fault, { rate: 0.2, ...FAULTS[fault] }]),
    )
    rig.faults.set({ seed, faults })
    await payAll(payoutIds)
    await expectPaidOnce(payoutIds)
  })

  test('when nobody asks for 25 hours after the answers were lost', async () => {
    const payoutIds = await makeApproved(SIZE)
    rig.faults.set({ faults: { lostResponse: { times: 1 } } })
    await submitPayouts(deps(), { payoutIds })
    // The rail has forgotten its keys: sent again, each would move once more.
    clock.advance(25 * HOUR_MS)
    await payAll(payoutIds)
    await expectPaidOnce(payoutIds)
  })
})

test('money that came back is not counted as paid before it is paid again', async () => {
  const payoutIds = await makeApproved(2)
  rig.faults.set({ faults: { returned: { match: '_1|', afterMinutes: 5 } } })
  await submitPayouts(deps(), { payoutIds })
  clock.advance(HOUR_MS)
  expect(await standing(payoutIds)).toEqual([0, 0])
})
