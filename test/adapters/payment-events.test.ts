/** What the rail tells after it accepted a payment, with and without webhooks, for both ways of paying. */
import { createHmac } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { readStripeWebhook } from '../../adapters/payments/stripe-events.ts'
import { createPaymentEventStore } from '../../db/stores/payment-event-store.ts'
import { createPaymentFactStore } from '../../db/stores/payment-fact-store.ts'
import { CONFIRM_EVERY_MS, RETURN_WINDOW_MS } from '../../domain/payment-confirmation.ts'
import type { PaymentProvider } from '../../domain/ports/payment-provider.ts'
import { DAY_MS, HOUR_MS } from '../../domain/time.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { checkPayments } from '../../operations/check-payments.ts'
import {
  applyPaymentEvents,
  listMissedEvents,
  receivePaymentEvent,
} from '../../operations/payment-events.ts'
import { resolvePayout } from '../../operations/resolve-payout.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { renderEventOf } from '../../simulator/payments/event-object.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock, startPaymentRig } from '../support/payment-rig.ts'

const SECRET = 'whsec_test'

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
beforeEach(() => rig.faults.set({ faults: {} }))

type Method = 'transfer' | 'payout'

function deps(method: Method = 'transfer') {
  const isByPayout = method === 'payout'
  const payments: PaymentProvider = isByPayout ? rig.payouts : rig.payments
  return {
    ...stores,
    clock,
    payments,
    otherRails: [isByPayout ? rig.payments : rig.payouts],
    rails: [rig.payments, rig.payouts],
    eventSource: rig.events,
    eventStore: createPaymentEventStore(database.db),
    paymentFacts: createPaymentFactStore(database.db),
  }
}

/** Payouts that were sent. */
async function send(method: Method, size = 1, faults: object = {}): Promise<string[]> {
  books += 1
  const payoutIds = await makePayoutBook(database.db, { size, prefix: `E${books}X` })
  await approvePayouts(deps(), { payoutIds })
  rig.faults.set({ faults })
  await submitPayouts(deps(method), { payoutIds })
  return payoutIds
}

const apply = () => applyPaymentEvents(deps(), { after: null, limit: 1_000 })
const check = () => checkPayments(deps(), { limit: 1_000 })
const sweep = async () => {
  await listMissedEvents(deps())
  return apply()
}

async function statesOf(payoutIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select p.state || ' ' || o.state as line from payout p join policy o on o.id = p.policy_id
    where p.id = any(${payoutIds}::uuid[])
    order by array_position(${payoutIds}::uuid[], p.id)`.execute(database.db)
  return rows.map((row) => row.line)
}

async function expectCleanBook(): Promise<void> {
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })
}

/** The webhooks of what happened until now, as the rail would send them. */
async function webhooks(types: readonly string[] = ['transfer.reversed']) {
  const events = rig.book.events(Math.floor(Date.parse(await clock.now()) / 1_000))
  return events
    .filter(({ type }) => types.includes(type))
    .map((event) => renderEventOf(rig.book, event))
}

function signed(body: string, secret = SECRET, atS = Math.floor(Date.now() / 1_000)) {
  const signature = createHmac('sha256', secret).update(`${atS}.${body}`).digest('hex')
  return { body: Buffer.from(body), signature: `t=${atS},v1=${signature}` }
}

async function receive(body: string): Promise<boolean> {
  const event = readStripeWebhook(signed(body), { secrets: [SECRET] })
  if (event === null) throw new Error('not an event of ours')
  return receivePaymentEvent(deps(), 'stripe', event)
}

describe('a transfer that is reversed', () => {
  const RETURNED = { returned: { afterMinutes: 60 } }

  test('comes back by its webhook', async () => {
    const payoutIds = await send('transfer', 1, RETURNED)
    expect(await statesOf(payoutIds)).toEqual(['PAID PAID'])
    clock.advance(HOUR_MS)
    const [body = ''] = (await webhooks()).slice(-1)
    expect(await receive(body)).toBe(true)
    expect((await apply()).outcomes).toMatchObject({ returned: 1 })
    expect(await statesOf(payoutIds)).toEqual(['RETURNED IN_REVIEW'])
    await expectCleanBook()
  })

  test('comes back without a webhook, by the rail’s list', async () => {
    const payoutIds = await send('transfer', 3, RETURNED)
    clock.advance(HOUR_MS - 1_000)
    await sweep()
    expect(await statesOf(payoutIds)).toEqual(Array(3).fill('PAID PAID'))
    clock.advance(1_000)
    expect((await sweep()).outcomes).toMatchObject({ returned: 3 })
    expect((await sweep()).outcomes).toMatchObject({ returned: 0, unchanged: 0 })
    expect(await statesOf(payoutIds)).toEqual(Array(3).fill('RETURNED IN_REVIEW'))
    await expectCleanBook()
  })

  test('comes back once when it is told twice, and by the list as well', async () => {
    const payoutIds = await send('transfer', 1, RETURNED)
    clock.advance(HOUR_MS)
    const [body = ''] = (await webhooks()).slice(-1)
    expect([await receive(body), await receive(body)]).toEqual([true, false])
    await Promise.all([sweep(), sweep()])
    expect(await statesOf(payoutIds)).toEqual(['RETURNED IN_REVIEW'])
    const { rows } = await sql`
      select count(*) as n from review_case where subject_id = ${payoutIds[0]}::uuid`.execute(
      database.db,
    )
    expect(rows).toEqual([{ n: 1 }])
    await expectCleanBook()
  })

  test('is not believed from an event alone: what the rail says now counts', async () => {
    const payoutIds = await send('transfer', 1, RETURNED)
    clock.advance(HOUR_MS)
    const [body = ''] = (await webhooks()).slice(-1)
    clock.advance(-HOUR_MS)
    await receive(body)
    expect((await apply()).outcomes).toMatchObject({ returned: 0, unchanged: 1 })
    expect(await statesOf(payoutIds)).toEqual(['PAID PAID'])
    clock.advance(HOUR_MS)
  })

  test('whose own answer was lost waits for it, and then comes back', async () => {
    const faults = { ...RETURNED, lostResponse: { times: 1 } }
    const payoutIds = await send('transfer', 1, faults)
    clock.advance(HOUR_MS)
    expect((await sweep()).outcomes).toMatchObject({ returned: 0, waits: 1 })
    await submitPayouts(deps(), { payoutIds })
    expect((await sweep()).outcomes).toMatchObject({ returned: 1, waits: 0 })
    expect(await statesOf(payoutIds)).toEqual(['RETURNED IN_REVIEW'])
    await expectCleanBook()
  })

  test('and was looked up only after it came back is never taken for paid', async () => {
    const faults = { ...RETURNED, moved500: {} }
    const payoutIds = await send('transfer', 1, faults)
    for (let round = 0; round < 2; round += 1) await submitPayouts(deps(), { payoutIds })
    clock.advance(HOUR_MS)
    expect(await resolvePayout(deps(), { payoutId: payoutIds[0] ?? '' })).toEqual({
      kind: 'settled',
    })
    expect(await statesOf(payoutIds)).toEqual(['IN_TRANSIT TRIGGERED'])
    clock.advance(CONFIRM_EVERY_MS)
    expect(await check()).toMatchObject({ returned: 1 })
    expect(await statesOf(payoutIds)).toEqual(['RETURNED IN_REVIEW'])
    await expectCleanBook()
  })

  test('in part stays paid and is for people', async () => {
    const payoutIds = await send('transfer')
    const [{ id } = { id: '' }] = rig.book.byGroup(payoutIds[0] ?? '')
    await fetch(`${rig.url}/v1/transfers/${id}/reversals`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_1' },
      body: new URLSearchParams({ amount: '1' }),
    })
    expect((await sweep()).outcomes).toMatchObject({ 'partly-returned': 1 })
    expect(await statesOf(payoutIds)).toEqual(['PAID PAID'])
    const { rows } = await sql`
      select reason_code, details from review_case where subject_id = ${payoutIds[0]}::uuid`.execute(
      database.db,
    )
    expect(rows).toMatchObject([
      { reason_code: 'PAYOUT_PARTLY_RETURNED', details: { returnedMinor: 1 } },
    ])
    await expectCleanBook()
  })

  test('of somebody else changes nothing', async () => {
    await rig.payments.createTransfer({
      amount: { minor: 100 as never, currency: 'USD' as never }, // a fixture's plain values
      payeeRef: 'acct_1',
      group: 'not-ours',
      idempotencyKey: 'other',
      metadata: {},
    })
    const { id } = rig.book.transfers.at(-1) ?? { id: '' }
    await fetch(`${rig.url}/v1/transfers/${id}/reversals`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_1' },
    })
    expect((await sweep()).outcomes).toMatchObject({ unrelated: 1, returned: 0 })
  })
})

describe('a payout of a connected account', () => {
  test('is in transit until the rail confirms, then paid, once', async () => {
    const payoutIds = await send('payout', 4)
    expect(await statesOf(payoutIds)).toEqual(Array(4).fill('IN_TRANSIT TRIGGERED'))
    const standing = await submitPayouts(deps('payout'), { payoutIds })
    expect(standing).toMatchObject({ settled: 0, inTransit: 4, unknownPayoutIds: [] })
    await expectCleanBook()
    clock.advance(DAY_MS - 1_000)
    expect(await check()).toMatchObject({ confirmed: 0 })
    clock.advance(CONFIRM_EVERY_MS)
    expect(await check()).toMatchObject({ confirmed: 4 })
    expect(await statesOf(payoutIds)).toEqual(Array(4).fill('PAID PAID'))
    const ofThese = rig.book.payouts.filter(({ metadata }) =>
      payoutIds.includes(metadata['payout_id'] ?? ''),
    )
    expect(ofThese).toHaveLength(4)
    await expectCleanBook()
  })

  test('is confirmed at once by its webhook', async () => {
    const payoutIds = await send('payout')
    clock.advance(DAY_MS)
    const [body = ''] = (await webhooks(['payout.paid'])).slice(-1)
    await receive(body)
    expect((await apply()).outcomes).toMatchObject({ confirmed: 1 })
    expect(await statesOf(payoutIds)).toEqual(['PAID PAID'])
  })

  test('that never arrives comes back from in flight', async () => {
    const payoutIds = await send('payout', 2, { payoutFailed: {} })
    clock.advance(DAY_MS)
    expect(await check()).toMatchObject({ returned: 2 })
    expect(await statesOf(payoutIds)).toEqual(Array(2).fill('RETURNED IN_REVIEW'))
    await expectCleanBook()
  })

  test('that was paid may fail within five days, and is found by looking, told or not', async () => {
    const payoutIds = await send('payout', 1, { returned: { afterMinutes: 7_200 } })
    clock.advance(DAY_MS)
    expect(await check()).toMatchObject({ confirmed: 1 })
    clock.advance(5 * DAY_MS)
    expect(await check()).toMatchObject({ returned: 1 })
    expect(await statesOf(payoutIds)).toEqual(['RETURNED IN_REVIEW'])
    await expectCleanBook()
  })

  test('is not looked up for ever', async () => {
    const [payoutId] = await send('payout')
    clock.advance(DAY_MS)
    await check()
    clock.advance(RETURN_WINDOW_MS)
    await check()
    const { rows } = await sql`
      select next_check_at from payout_attempt where payout_id = ${payoutId}::uuid`.execute(
      database.db,
    )
    expect(rows).toEqual([{ next_check_at: null }])
  })

  test('events in any order end in what the rail says now', async () => {
    const payoutIds = await send('payout', 1, { returned: { afterMinutes: 60 } })
    clock.advance(2 * DAY_MS)
    const bodies = (await webhooks(['payout.paid', 'payout.failed'])).slice(-2)
    for (const body of bodies.toReversed()) {
      await receive(body)
      await apply()
    }
    expect(await statesOf(payoutIds)).toEqual(['RETURNED IN_REVIEW'])
    await expectCleanBook()
  })

  test.each([
    ['lostResponse', { times: 1 }],
    // The first key's answer is stored for good: only a second attempt is answered otherwise.
    ['stored500', { match: '_1|' }],
    ['409', { times: 1 }],
    ['429', { times: 1 }],
    ['500', { times: 1 }],
  ])('is made once through %s', async (fault, how) => {
    const payoutIds = await send('payout', 3, { [fault]: how })
    for (let round = 0; round < 6; round += 1) {
      await submitPayouts(deps('payout'), { payoutIds })
      for (const payoutId of payoutIds) await resolvePayout(deps('payout'), { payoutId })
      clock.advance(10 * 60_000)
    }
    await submitPayouts(deps('payout'), { payoutIds })
    const made = rig.book.payouts.filter(({ metadata }) =>
      payoutIds.includes(metadata['payout_id'] ?? ''),
    )
    expect(made.map(({ metadata }) => metadata['payout_id'] ?? '').toSorted()).toEqual(
      payoutIds.toSorted(),
    )
    expect(await statesOf(payoutIds)).toEqual(Array(3).fill('IN_TRANSIT TRIGGERED'))
    await expectCleanBook()
  })

  test('opened before the setting changed is sent where it was sent before, and nowhere else', async () => {
    const payoutIds = await send('transfer', 2, { lostResponse: { times: 1 } })
    expect(await statesOf(payoutIds)).toEqual(Array(2).fill('SUBMITTED TRIGGERED'))
    await submitPayouts(deps('payout'), { payoutIds })
    expect(await statesOf(payoutIds)).toEqual(Array(2).fill('PAID PAID'))
    for (const payoutId of payoutIds) expect(rig.book.byGroup(payoutId)).toHaveLength(1)
    await expectCleanBook()
  })
})

describe('a webhook', () => {
  const BODY = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type: 'transfer.reversed',
    created: 1_360_400_000,
    data: { object: { id: 'tr_1' } },
  })
  const read = (input: { body: Buffer; signature: string | undefined }) =>
    readStripeWebhook(input, { secrets: [SECRET] })

  test('signed with the secret is read', () => {
    expect(read(signed(BODY))).toMatchObject({
      eventId: 'evt_1',
      type: 'transfer.reversed',
      objectId: 'tr_1',
      payload: BODY,
    })
  })

  test('of five minutes ago is taken, of a second more is not', () => {
    const nowS = Math.floor(Date.now() / 1_000)
    // A second's margin: the library reads the clock a moment later.
    expect(read(signed(BODY, SECRET, nowS - 298))).not.toBeNull()
    expect(() => read(signed(BODY, SECRET, nowS - 302))).toThrow('signature')
  })

  test.each([
    ['another secret', signed(BODY, 'whsec_other')],
    ['another body', { ...signed(BODY), body: Buffer.from(BODY.replace('tr_1', 'tr_2')) }],
    ['no signature', { body: Buffer.from(BODY), signature: undefined }],
    ['nonsense for a signature', { body: Buffer.from(BODY), signature: 'v1=1' }],
  ])('with %s is refused', (_name, input) => {
    expect(() => read(input)).toThrow('signature')
  })

  test('of a type that says nothing of payments is passed over', () => {
    expect(read(signed(BODY.replace('transfer.reversed', 'customer.created')))).toBeNull()
  })
})

test('a kept event is neither changed nor deleted', async () => {
  await receive(
    JSON.stringify({
      id: 'evt_kept',
      object: 'event',
      type: 'transfer.reversed',
      created: 1,
      data: { object: { id: 'tr_none' } },
    }),
  )
  await expect(sql`update payment_event set payload = ''`.execute(database.db)).rejects.toThrow(
    'append-only',
  )
  await expect(sql`delete from payment_event`.execute(database.db)).rejects.toThrow('append-only')
  expect((await apply()).outcomes).toMatchObject({ unrelated: 1 })
})
