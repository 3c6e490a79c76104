/** The local payment server: money that comes back, payouts, events and webhooks. */
import { createHmac } from 'node:crypto'
import { expect, describe, test } from 'vitest'
import type { Clock } from '../../../domain/ports/clock.ts'
import { createBook } from '../../../simulator/payments/book.ts'
import { createMemoryLog } from '../../../simulator/payments/money-log.ts'
import type { LogEntry } from '../../../simulator/payments/money-log.ts'
import { createPaymentFaults } from '../../../simulator/payments/payment-faults.ts'
import { startPaymentServer } from '../../../simulator/payments/payment-server.ts'
import { DEFAULT_WEBHOOK_TYPES } from '../../../simulator/payments/webhooks.ts'
import { handClock, LOOPBACK, startPayments, startScripted } from './fixtures.ts'

const NOON = '2013-02-09T12:00:00Z'
const FORM = { amount: '100', currency: 'usd', destination: 'acct_1', transfer_group: 'g1' }
const PAYOUT = { amount: '100', currency: 'usd' }
const ACCOUNT = { 'stripe-account': 'acct_1' }

type Json = Record<string, unknown>
type Sent = { readonly status: number; readonly json: Json }

async function ask(
  url: string,
  path: string,
  form: Record<string, string> | null = null,
  headers: Record<string, string> = {},
): Promise<Sent> {
  const response = await fetch(`${url}${path}`, {
    headers: { authorization: 'Bearer sk_1', ...headers },
    ...(form === null ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  })
  return { status: response.status, json: (await response.json()) as Json }
}

const listOf = async (url: string, path: string, headers = {}): Promise<Json[]> =>
  (await ask(url, path, null, headers)).json['data'] as Json[]

describe('a reversal', () => {
  test('of a part leaves the rest, of all of it says reversed', async () => {
    await using rig = await startPayments({ clock: handClock(NOON) })
    const { id } = (await ask(rig.url, '/v1/transfers', FORM)).json
    const path = `/v1/transfers/${String(id)}`
    await ask(rig.url, `${path}/reversals`, { amount: '40' })
    expect((await ask(rig.url, path)).json).toMatchObject({ amount_reversed: 40, reversed: false })
    await ask(rig.url, `${path}/reversals`, {})
    expect((await ask(rig.url, path)).json).toMatchObject({
      amount_reversed: 100,
      reversed: true,
      reversals: { total_count: 2 },
    })
  })

  test('of more than is left is a 400, and the same key reverses once', async () => {
    await using rig = await startPayments({ clock: handClock(NOON) })
    const { id } = (await ask(rig.url, '/v1/transfers', FORM)).json
    const path = `/v1/transfers/${String(id)}/reversals`
    expect(await ask(rig.url, path, { amount: '101' })).toMatchObject({ status: 400 })
    const key = { 'idempotency-key': 'r1' }
    const first = await ask(rig.url, path, { amount: '60' }, key)
    expect((await ask(rig.url, path, { amount: '60' }, key)).json).toEqual(first.json)
    expect(await ask(rig.url, '/v1/transfers/tr_none/reversals', {})).toMatchObject({ status: 404 })
  })

  test('comes by itself when its time has come, not a second before, and its key repeats the first answer', async () => {
    const clock = handClock(NOON)
    await using rig = await startPayments({ clock })
    rig.faults.set({ faults: { returned: { afterMinutes: 60 } } })
    const key = { 'idempotency-key': 'k1' }
    const first = await ask(rig.url, '/v1/transfers', FORM, key)
    const path = `/v1/transfers/${String(first.json['id'])}`
    clock.set('2013-02-09T12:59:59Z')
    expect((await ask(rig.url, path)).json).toMatchObject({ reversed: false })
    clock.set('2013-02-09T13:00:00Z')
    expect((await ask(rig.url, path)).json).toMatchObject({ reversed: true, amount_reversed: 100 })
    expect((await ask(rig.url, '/v1/transfers', FORM, key)).json).toEqual(first.json)
  })
})

describe('a payout', () => {
  test('is pending, in transit after an hour and paid after a day', async () => {
    const clock = handClock(NOON)
    await using rig = await startPayments({ clock })
    const { json } = await ask(rig.url, '/v1/payouts', PAYOUT, ACCOUNT)
    const statuses = [json['status']]
    for (const at of ['2013-02-09T13:00:00Z', '2013-02-10T11:59:59Z', '2013-02-10T12:00:00Z']) {
      clock.set(at)
      const path = `/v1/payouts/${String(json['id'])}`
      statuses.push((await ask(rig.url, path, null, ACCOUNT)).json['status'])
    }
    expect(statuses).toEqual(['pending', 'in_transit', 'in_transit', 'paid'])
  })

  test('that is returned was paid before it failed; one that fails never was', async () => {
    const clock = handClock(NOON)
    await using rig = await startPayments({ clock })
    rig.faults.set({
      faults: {
        returned: { afterMinutes: 7_200, match: 'acct_1' },
        payoutFailed: { match: 'acct_2' },
      },
    })
    const statusesOf = async (account: string) => {
      const headers = { 'stripe-account': account }
      clock.set(NOON)
      const { id } = (await ask(rig.url, '/v1/payouts', PAYOUT, headers)).json
      const seen: unknown[] = []
      for (const at of ['2013-02-10T12:00:00Z', '2013-02-15T12:00:00Z']) {
        clock.set(at)
        const { status, failure_code } = (
          await ask(rig.url, `/v1/payouts/${String(id)}`, null, headers)
        ).json
        seen.push([status, failure_code])
      }
      return seen
    }
    expect(await statusesOf('acct_1')).toEqual([
      ['paid', null],
      ['failed', 'account_closed'],
    ])
    expect(await statusesOf('acct_2')).toEqual([
      ['failed', 'account_closed'],
      ['failed', 'account_closed'],
    ])
  })

  test('belongs to its account: another one neither finds nor lists it', async () => {
    await using rig = await startPayments({ clock: handClock(NOON) })
    const { id } = (await ask(rig.url, '/v1/payouts', PAYOUT, ACCOUNT)).json
    const other = { 'stripe-account': 'acct_2' }
    expect(await ask(rig.url, `/v1/payouts/${String(id)}`, null, other)).toMatchObject({
      status: 404,
    })
    expect(await listOf(rig.url, '/v1/payouts', other)).toEqual([])
    expect(await listOf(rig.url, '/v1/payouts', ACCOUNT)).toHaveLength(1)
  })

  test('is made once per key, and the key with another account is an idempotency error', async () => {
    await using rig = await startPayments({ clock: handClock(NOON) })
    const key = { 'idempotency-key': 'k1' }
    const first = await ask(rig.url, '/v1/payouts', PAYOUT, { ...ACCOUNT, ...key })
    expect((await ask(rig.url, '/v1/payouts', PAYOUT, { ...ACCOUNT, ...key })).json).toEqual(
      first.json,
    )
    const other = { 'stripe-account': 'acct_2', ...key }
    expect(await ask(rig.url, '/v1/payouts', PAYOUT, other)).toMatchObject({
      status: 400,
      json: { error: { type: 'idempotency_error' } },
    })
    expect(rig.book.payouts).toHaveLength(1)
  })

  test.each([
    ['no account', PAYOUT, {}],
    ['an account that does not exist', PAYOUT, { 'stripe-account': 'acct_invalid_1' }],
    ['no amount', { currency: 'usd' }, ACCOUNT],
    ['an unknown field', { ...PAYOUT, amout: '1' }, ACCOUNT],
    ['an unknown method', { ...PAYOUT, method: 'pigeon' }, ACCOUNT],
  ])(
    'with %s is a 400',
    async (_name, form: Record<string, string>, headers: Record<string, string>) => {
      await using rig = await startPayments({ clock: handClock(NOON) })
      expect(await ask(rig.url, '/v1/payouts', form, headers)).toMatchObject({ status: 400 })
      expect(rig.book.payouts).toEqual([])
    },
  )
})

describe('faults before the idempotency layer', () => {
  test.each([
    ['401', 401],
    ['429', 429],
    ['409', 409],
    ['500', 500],
  ])('a %s moves and stores nothing', async (fault, status) => {
    await using rig = await startPayments({ clock: handClock(NOON) })
    rig.faults.set({ faults: { [fault]: { times: 1 } } })
    const key = { 'idempotency-key': 'k1' }
    expect(await ask(rig.url, '/v1/transfers', FORM, key)).toMatchObject({ status })
    expect(rig.book.summary().count).toBe(0)
    expect(await ask(rig.url, '/v1/transfers', FORM, key)).toMatchObject({ status: 200 })
  })

  test('a reset cuts the connection and moves nothing', async () => {
    await using rig = await startPayments({ clock: handClock(NOON) })
    rig.faults.set({ faults: { reset: {} } })
    await expect(ask(rig.url, '/v1/transfers', FORM)).rejects.toThrow()
    expect(rig.book.summary().count).toBe(0)
  })
})

describe('events', () => {
  test('tell what happened, newest first, by type, each with its object as it was', async () => {
    const clock = handClock(NOON)
    await using rig = await startPayments({ clock })
    rig.faults.set({ faults: { returned: { afterMinutes: 60 } } })
    await ask(rig.url, '/v1/transfers', FORM)
    clock.set('2013-02-09T13:00:00Z')
    expect(await listOf(rig.url, '/v1/events')).toMatchObject([
      { type: 'transfer.reversed', data: { object: { reversed: true } } },
      { type: 'transfer.created', data: { object: { reversed: false } } },
    ])
    expect(await listOf(rig.url, '/v1/events?types[0]=transfer.reversed')).toHaveLength(1)
    expect(await listOf(rig.url, '/v1/events?types[0]=payout.paid')).toEqual([])
  })

  test('of a payout are its account’s', async () => {
    const clock = handClock(NOON)
    await using rig = await startPayments({ clock })
    await ask(rig.url, '/v1/payouts', PAYOUT, ACCOUNT)
    clock.set('2013-02-11T12:00:00Z')
    expect(await listOf(rig.url, '/v1/events')).toEqual([])
    const types = (await listOf(rig.url, '/v1/events', ACCOUNT)).map(({ type }) => type)
    expect(types).toEqual(['payout.paid', 'payout.updated', 'payout.created'])
  })

  test('and what came back are the same after a restart from the log', async () => {
    const clock = handClock(NOON)
    const entries: LogEntry[] = []
    const log = {
      ...createMemoryLog(),
      append: async (entry: LogEntry) => void entries.push(entry),
    }
    await using rig = await startPayments({ clock, log })
    rig.faults.set({ faults: { returned: { afterMinutes: 60, match: 'acct_1' } } })
    await ask(rig.url, '/v1/transfers', FORM)
    const { id } = (await ask(rig.url, '/v1/transfers', { ...FORM, destination: 'acct_2' })).json
    await ask(rig.url, `/v1/transfers/${String(id)}/reversals`, { amount: '1' })
    await ask(rig.url, '/v1/payouts', PAYOUT, ACCOUNT)
    clock.set('2013-02-11T12:00:00Z')
    const before = await listOf(rig.url, '/v1/events')
    const deps = { book: createBook(entries), log, clock, faults: createPaymentFaults(1) }
    await using again = await startPaymentServer(deps, LOOPBACK)
    const byId = (events: Json[]) =>
      events.toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1))
    expect(byId(await listOf(again.url, '/v1/events'))).toEqual(byId(before))
    expect((await ask(again.url, `/v1/transfers/${String(id)}`)).json).toMatchObject({
      amount_reversed: 1,
    })
    expect(await listOf(again.url, '/v1/payouts', ACCOUNT)).toHaveLength(1)
  })
})

describe('webhooks', () => {
  const SECRET = 'whsec_test'

  async function startHooked(clock: Clock, isTaken: () => boolean = () => true) {
    const receiver = await startScripted(() => ({ status: isTaken() ? 200 : 500, body: '' }))
    const book = createBook()
    const faults = createPaymentFaults(1)
    const webhooks = { url: receiver.url, secret: SECRET, types: DEFAULT_WEBHOOK_TYPES }
    const deps = { book, log: createMemoryLog(), clock, faults }
    const server = await startPaymentServer(deps, { ...LOOPBACK, webhooks })
    const told = () => receiver.asked.map(({ body }) => JSON.parse(body) as Json)
    return {
      url: server.url,
      faults,
      asked: receiver.asked,
      told,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]()
        await receiver[Symbol.asyncDispose]()
      },
    }
  }

  /** Transfers that come back, in this order. */
  async function giveBack(rig: { url: string }, count: number): Promise<string[]> {
    const ids: string[] = []
    for (let n = 0; n < count; n += 1) {
      const { id } = (await ask(rig.url, '/v1/transfers', { ...FORM, destination: `acct_${n}` }))
        .json
      ids.push(String(id))
    }
    for (const id of ids) await ask(rig.url, `/v1/transfers/${id}/reversals`, {})
    return ids
  }

  test('are signed over time and body, and tell only what brings news', async () => {
    await using rig = await startHooked(handClock(NOON))
    await giveBack(rig, 1)
    await expect.poll(() => rig.asked.length, { timeout: 5_000 }).toBe(1)
    const [asked] = rig.asked
    const body = asked?.body ?? ''
    const [, at, signature] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(asked?.headers['stripe-signature'])) ?? []
    expect(createHmac('sha256', SECRET).update(`${at}.${body}`).digest('hex')).toBe(signature)
    expect(rig.told()).toMatchObject([{ object: 'event', type: 'transfer.reversed' }])
  })

  test('are sent again until they are taken', async () => {
    let tries = 0
    await using rig = await startHooked(handClock(NOON), () => {
      tries += 1
      return tries > 1
    })
    await giveBack(rig, 1)
    await expect.poll(() => rig.asked.length, { timeout: 5_000 }).toBe(2)
    expect(new Set(rig.told().map(({ id }) => id)).size).toBe(1)
  })

  test.each([
    ['webhookLost', [0, 2]],
    ['webhookTwice', [0, 1, 1, 2]],
    ['webhookLate', [0, 2, 1]],
  ])('with %s come as %j', async (fault, order) => {
    const clock = handClock(NOON)
    await using rig = await startHooked(clock)
    // Ids are counted, so the second transfer's is known before it is made.
    const faults = { returned: { afterMinutes: 60 }, [fault]: { match: 'tr_sim000000000002' } }
    rig.faults.set({ faults })
    const ids: unknown[] = []
    for (let n = 0; n < 3; n += 1) ids.push((await ask(rig.url, '/v1/transfers', FORM)).json['id'])
    clock.set('2013-02-09T13:00:00Z')
    const seen = () => rig.told().map(({ data }) => (data as { object: Json }).object['id'])
    await expect.poll(seen, { timeout: 5_000 }).toEqual(order.map((n) => ids[n]))
  })
})
