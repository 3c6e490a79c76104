/** What the Stripe adapter makes of answers that a scripted server gives it, and what it sends. */
import { describe, expect, test } from 'vitest'
import { createStripePayments, PaymentLookupError } from '../../../adapters/payments/stripe.ts'
import { currency, minorUnits } from '../../../domain/money.ts'
import type { Answer, Reply } from '../../../simulator/http-server.ts'
import { renderTransfer } from '../../../simulator/payments/transfer.ts'
import { startScripted, transfer } from './fixtures.ts'

const REQUEST = transfer('p1')

const ACCEPTED = {
  id: 'tr_1',
  amount: 30_000,
  currency: 'usd',
  destination: 'acct_payee1',
  transferGroup: 'p1',
  description: null,
  metadata: { payout_id: 'p1' },
  created: 1_360_400_000,
}

const ok = (overrides: Partial<typeof ACCEPTED> = {}): Answer => ({
  status: 200,
  body: renderTransfer({ ...ACCEPTED, ...overrides }),
})

const refusal = (status: number, error: Record<string, string>): Answer => ({
  status,
  body: JSON.stringify({ error: { type: 'invalid_request_error', message: 'why', ...error } }),
})

async function outcomeFrom(reply: Reply, options: { apiKey?: string; timeoutMs?: number } = {}) {
  await using server = await startScripted(() => reply)
  await using payments = createStripePayments({ apiKey: 'sk_1', baseUrl: server.url, ...options })
  return { outcome: await payments.createTransfer(REQUEST), asked: server.asked }
}

describe('what is sent', () => {
  test('one form with the amount in minor units, the group and the key', async () => {
    const { asked } = await outcomeFrom(ok())
    expect(asked).toHaveLength(1)
    expect(asked[0]?.target).toBe('/v1/transfers')
    expect(Object.fromEntries(new URLSearchParams(asked[0]?.body))).toEqual({
      amount: '30000',
      currency: 'usd',
      destination: 'acct_payee1',
      transfer_group: 'p1',
      'metadata[payout_id]': 'p1',
    })
    expect(asked[0]?.headers).toMatchObject({
      authorization: 'Bearer sk_1',
      'idempotency-key': 'po_p1_1',
    })
  })

  test('the same request is the same bytes, so that its key may be sent again', async () => {
    const first = await outcomeFrom(ok())
    const second = await outcomeFrom(ok())
    expect(second.asked[0]?.body).toBe(first.asked[0]?.body)
  })

  test('an amount without decimals is not multiplied', async () => {
    const yen = { minor: minorUnits(30_000), currency: currency('JPY') }
    await using server = await startScripted(() => ok({ currency: 'jpy' }))
    await using payments = createStripePayments({ apiKey: 'sk_1', baseUrl: server.url })
    await payments.createTransfer({ ...REQUEST, amount: yen })
    expect(new URLSearchParams(server.asked[0]?.body).get('amount')).toBe('30000')
  })

  test.each([
    ['', '/v1/transfers'],
    ['/', '/v1/transfers'],
    ['/v1', '/v1/transfers'],
    ['/v1/', '/v1/transfers'],
    ['/stripe', '/stripe/v1/transfers'],
    ['/stripe/v1', '/stripe/v1/transfers'],
  ])('a base URL that ends in "%s" is asked at %s', async (path, target) => {
    await using server = await startScripted(() => ok())
    await using payments = createStripePayments({ apiKey: 'k', baseUrl: `${server.url}${path}` })
    expect(await payments.createTransfer(REQUEST)).toMatchObject({ kind: 'accepted' })
    expect(server.asked[0]?.target).toBe(target)
  })

  test.each(['ftp://x.test', 'http://x.test/?key=1'])('%s is no base URL', (baseUrl) => {
    expect(() => createStripePayments({ apiKey: 'k', baseUrl })).toThrow(TypeError)
  })
})

describe('outcomes of a transfer', () => {
  test('an answer that leaves the group, the metadata and case to itself is still the answer', async () => {
    const { transfer_group: _, ...rest } = JSON.parse(renderTransfer(ACCEPTED)) as {
      transfer_group: string
    }
    const body = JSON.stringify({ ...rest, currency: 'USD', metadata: null })
    const { outcome } = await outcomeFrom({ status: 200, body })
    expect(outcome).toMatchObject({
      kind: 'accepted',
      transfer: { group: 'p1', metadata: {}, amount: REQUEST.amount },
    })
  })

  test('an answer is accepted with the rail’s id and time', async () => {
    const { outcome } = await outcomeFrom(ok())
    expect(outcome).toEqual({
      kind: 'accepted',
      isReplay: false,
      transfer: {
        id: 'tr_1',
        amount: REQUEST.amount,
        payeeRef: 'acct_payee1',
        group: 'p1',
        metadata: { payout_id: 'p1' },
        createdAt: '2013-02-09T08:53:20.000Z',
        status: 'paid',
        returnedMinor: 0,
        failureCode: null,
      },
    })
  })

  test('a replayed answer says so', async () => {
    const replayed = { ...ok(), headers: { 'idempotent-replayed': 'true' } }
    expect((await outcomeFrom(replayed)).outcome).toMatchObject({
      kind: 'accepted',
      isReplay: true,
    })
  })

  test.each([
    [400, { code: 'balance_insufficient' }, 'balance_insufficient'],
    [400, { code: 'resource_missing' }, 'resource_missing'],
    [400, {}, 'invalid_request_error'],
    [402, { code: 'transfers_not_allowed' }, 'transfers_not_allowed'],
    [404, { code: 'resource_missing' }, 'resource_missing'],
  ])('a definite %i %o is rejected', async (status, error, code) => {
    const { outcome } = await outcomeFrom(refusal(status, error))
    expect(outcome).toMatchObject({ kind: 'rejected', code })
  })

  test.each([
    // The key's first request may have moved the money in each of these.
    [400, { type: 'idempotency_error' }, 'idempotency_mismatch'],
    [400, { code: 'rate_limit' }, 'rate_limited'],
    [401, {}, 'unauthorized'],
    [403, {}, 'unauthorized'],
    [409, { code: 'idempotency_key_in_use' }, 'in_progress'],
    [429, { code: 'lock_timeout' }, 'rate_limited'],
    [500, { type: 'api_error' }, 'server_error'],
    [503, { type: 'api_error' }, 'server_error'],
    [418, {}, 'http_418'],
  ])('%i %o leaves it unknown', async (status, error, code) => {
    const { outcome, asked } = await outcomeFrom(refusal(status, error))
    expect(outcome).toMatchObject({ kind: 'unknown', code })
    expect(asked).toHaveLength(1) // never retried behind the ledger's back
  })

  test.each([
    ['HTML', { status: 200, body: '<html></html>', contentType: 'text/html' }],
    ['HTML with an error status', { status: 502, body: '<html></html>' }],
    ['half an answer', { status: 200, body: '{"id":"tr_1","obj' }],
    ['null', { status: 200, body: 'null' }],
    ['another object', { status: 200, body: '{}' }],
    ['another amount', ok({ amount: 29_999 })],
    ['another currency', ok({ currency: 'eur' })],
  ])('%s leaves it unknown', async (_, reply) => {
    expect((await outcomeFrom(reply)).outcome).toMatchObject({ kind: 'unknown', code: 'malformed' })
  })

  test.each(['reset', 'hang'] as const)(
    'a %s leaves it unknown and is not sent again',
    async (how) => {
      const { outcome, asked } = await outcomeFrom(how, { timeoutMs: 300 })
      expect(outcome).toMatchObject({ kind: 'unknown', code: 'connection' })
      expect(asked).toHaveLength(1)
    },
  )

  test('Retry-After is passed on', async () => {
    const busy = { ...refusal(429, {}), headers: { 'retry-after': '7' } }
    expect((await outcomeFrom(busy)).outcome).toMatchObject({ retryAfterMs: 7_000 })
  })

  test('a message never holds the key, even when the server echoes it', async () => {
    const echo = refusal(401, { message: 'Invalid API Key: sk_live_abc' })
    const { outcome } = await outcomeFrom(echo, { apiKey: 'sk_live_abc' })
    expect(JSON.stringify(outcome)).toContain('[key]')
    expect(JSON.stringify(outcome)).not.toContain('sk_live_abc')
  })

  test('the breaker answers unknown without a call after half of the calls failed', async () => {
    await using server = await startScripted(() => refusal(500, {}))
    const circuit = { failureShare: 0.5, windowCalls: 4, minimumCalls: 4, openMs: 60_000 }
    await using payments = createStripePayments({ apiKey: 'k', baseUrl: server.url, circuit })
    for (let call = 0; call < 4; call += 1) await payments.createTransfer(REQUEST)
    expect(payments.breakerState()).toBe('open')
    expect(await payments.createTransfer(REQUEST)).toMatchObject({
      kind: 'unknown',
      code: 'breaker_open',
      retryAfterMs: 60_000,
    })
    expect(server.asked).toHaveLength(4)
  })
})

describe('look-up', () => {
  const list = (data: unknown[], hasMore = false): Reply => ({
    status: 200,
    body: JSON.stringify({ object: 'list', has_more: hasMore, data }),
  })
  const object = (overrides: Partial<typeof ACCEPTED>) =>
    JSON.parse(renderTransfer({ ...ACCEPTED, ...overrides })) as unknown
  /** A page of a hundred that ends in this transfer. */
  const manyBut = (last: Partial<typeof ACCEPTED>, more: object) => {
    const others = Array.from({ length: 99 }, (_, i) => object({ ...last, id: `tr_other${i}` }))
    return JSON.stringify({ object: 'list', data: [...others, object(last)], ...more })
  }

  test('all pages are read, oldest first', async () => {
    await using server = await startScripted(({ query }) =>
      query.get('starting_after') === null
        ? list([object({ id: 'tr_3' }), object({ id: 'tr_2' })], true)
        : list([object({ id: 'tr_1' })]),
    )
    await using payments = createStripePayments({ apiKey: 'k', baseUrl: server.url })
    const found = await payments.findByGroup(REQUEST)
    expect(found.map(({ id }) => id)).toEqual(['tr_1', 'tr_2', 'tr_3'])
    expect(server.asked[1]?.target).toContain('starting_after=tr_2')
  })

  test('a server that ignores the filter cannot hand us another payout’s transfer', async () => {
    await using server = await startScripted(() => list([object({ transferGroup: 'p2' })]))
    await using payments = createStripePayments({ apiKey: 'k', baseUrl: server.url })
    expect(await payments.findByGroup(REQUEST)).toEqual([])
  })

  test('a server that ignores the filter is paged through all the same', async () => {
    await using server = await startScripted(({ query }) => {
      if (query.get('starting_after') === 'tr_9') return list([object({ id: 'tr_1' })])
      return { status: 200, body: manyBut({ id: 'tr_9', transferGroup: 'p2' }, { has_more: true }) }
    })
    await using payments = createStripePayments({ apiKey: 'k', baseUrl: server.url })
    expect((await payments.findByGroup(REQUEST)).map(({ id }) => id)).toEqual(['tr_1'])
  })

  test('a full page without a word on whether there are more is not taken for the last', async () => {
    await using server = await startScripted(({ query }) =>
      query.has('starting_after')
        ? { status: 200, body: JSON.stringify({ object: 'list', data: [object({ id: 'tr_2' })] }) }
        : { status: 200, body: manyBut({ id: 'tr_9' }, {}) },
    )
    await using payments = createStripePayments({ apiKey: 'k', baseUrl: server.url })
    expect(await payments.findByGroup(REQUEST)).toHaveLength(101)
  })

  test.each([
    ['an error', refusal(500, {})],
    ['a reset', 'reset' as const],
    ['HTML', { status: 200, body: '<html></html>' }],
    ['no list', { status: 200, body: '{}' }],
  ])('%s throws: nothing follows from a look-up without an answer', async (_, reply) => {
    await using server = await startScripted(() => reply)
    await using payments = createStripePayments({ apiKey: 'k', baseUrl: server.url })
    await expect(payments.findByGroup(REQUEST)).rejects.toThrow(PaymentLookupError)
  })
})
