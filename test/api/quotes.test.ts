import { randomUUID } from 'node:crypto'

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { createApiRig, RIG_NOW, type ApiRig } from './api-rig.ts'

const QUOTES = '/api/quotes'
const POLICIES = '/api/policies'

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig({ withFlights: true })
})
afterEach(() => rig.flightFaults.set({ faults: {} }))
afterAll(() => rig[Symbol.asyncDispose]())

type Body = Record<string, unknown>

function cover(change: Body = {}, leg = 0): Body {
  const identity = rig.legs[leg]
  if (identity === undefined) throw new Error(`the pack has no leg ${leg} on that day`)
  return {
    product: 'FD120',
    carrier: identity.carrier,
    flight_number: identity.flightNumber,
    origin: identity.origin,
    destination: identity.destination,
    departure_date: identity.originLocalDate,
    sum_insured: '250.00',
    currency: 'USD',
    ...change,
  }
}

async function quoteId(change: Body = {}, leg = 0): Promise<string> {
  const answer = await rig.ask('POST', QUOTES, { body: cover(change, leg) })
  expect(answer.status).toBe(201)
  return String((answer.body as Body)['quoteId'])
}

describe('POST /api/quotes', () => {
  it('quotes a real flight from its past legs and shows the quote again', async () => {
    const answer = await rig.ask('POST', QUOTES, { body: cover({ ttl_s: 60 }) })
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      state: 'QUOTED',
      product: { code: 'FD120', version: 1 },
      sumInsuredMinor: 25_000,
      premiumMinor: expect.any(Number),
      currency: 'USD',
      pays: { tiers: [{ minDelayMin: 120, amountMinor: 25_000 }], cancelledMinor: 25_000 },
      rate: { observations: expect.any(Number) },
      quotedAt: RIG_NOW,
      expiresAt: '2013-02-07T12:01:00.000Z',
      policyNumber: null,
    })
    const { quoteId: id } = answer.body as Body
    const shown = await rig.ask('GET', `${QUOTES}/${String(id)}`)
    expect(shown.body).toEqual(answer.body)
  })

  it('gives the same quote to the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const first = await rig.ask('POST', QUOTES, { body: cover(), headers })
    const again = await rig.ask('POST', QUOTES, { body: cover(), headers })
    expect(again.body).toEqual(first.body)
  })

  it.each([
    ['product', 'NO_SUCH'],
    ['carrier', 'TOOLONG'],
    ['flight_number', '99998'],
    ['departure_date', '2013-02-30'],
    ['sum_insured', '1000.01'],
    ['sum_insured', 'much'],
    ['currency', 'dollars'],
    ['ttl_s', 59],
    ['payee_ref', 'acct_1'],
  ])('refuses a bad %s %j and names it', async (field, value) => {
    const answer = await rig.ask('POST', QUOTES, { body: cover({ [field]: value }) })
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({
      type: 'urn:groundstop:problem:invalid-request',
      errors: expect.arrayContaining([expect.objectContaining({ path: field })]),
    })
  })

  it('says that the provider does not answer', async () => {
    rig.flightFaults.set({ faults: { '500': {} } })
    const answer = await rig.ask('POST', QUOTES, { body: cover({}, 1) })
    expect(answer.status).toBe(503)
    expect(answer.body).toMatchObject({ type: 'urn:groundstop:problem:unavailable' })
  })
})

describe('GET /api/quotes/:quoteId', () => {
  it.each([randomUUID(), 'none'])('is a 404 for %s', async (id) => {
    expect((await rig.ask('GET', `${QUOTES}/${id}`)).status).toBe(404)
  })
})

describe('binding a quote', () => {
  it('makes a policy that is shown with its premium, once', async () => {
    const id = await quoteId()
    const body = { policy_number: `P-${randomUUID()}`, payee_ref: 'acct_1' }
    const bound = await rig.ask('POST', `${QUOTES}/${id}/bind`, { body })
    expect(bound.status).toBe(201)
    expect(bound.body).toMatchObject({
      quoteId: id,
      policyNumber: body.policy_number,
      result: 'bound',
    })
    const again = await rig.ask('POST', `${QUOTES}/${id}/bind`, { body })
    expect(again.status).toBe(200)
    expect(again.body).toMatchObject({ result: 'unchanged' })
    const { premiumMinor } = bound.body as Body
    const policy = await rig.ask('GET', `${POLICIES}/${body.policy_number}`)
    expect(policy.body).toMatchObject({ state: 'BOUND', premiumMinor })
    const quote = await rig.ask('GET', `${QUOTES}/${id}`)
    expect(quote.body).toMatchObject({ state: 'BOUND', policyNumber: body.policy_number })
  })

  it('goes through POST /api/policies as well, with a number of its own', async () => {
    const id = await quoteId()
    const body = { quoteId: id, payee_ref: 'acct_1' }
    const bound = await rig.ask('POST', POLICIES, { body })
    expect(bound.status).toBe(201)
    expect(bound.body).toMatchObject({ policyNumber: `Q-${id}`, result: 'bound' })
  })

  it('names the quote that is not there', async () => {
    const body = { quoteId: randomUUID(), payee_ref: 'acct_1' }
    const answer = await rig.ask('POST', POLICIES, { body })
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ errors: [{ path: 'quoteId' }] })
    const path = `${QUOTES}/${body.quoteId}/bind`
    expect((await rig.ask('POST', path, { body: { payee_ref: 'acct_1' } })).status).toBe(404)
  })

  it.each([
    [{}, 'payee_ref'],
    [{ payee_ref: '' }, 'payee_ref'],
    [{ payee_ref: 'acct_1', policy_number: 'a,b' }, 'policy_number'],
    [{ payee_ref: 'acct_1', sum_insured: '1' }, 'sum_insured'],
  ])('names the field of %j that is wrong', async (body, path) => {
    const answer = await rig.ask('POST', `${QUOTES}/${await quoteId()}/bind`, { body })
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ errors: [expect.objectContaining({ path })] })
  })

  it('is a 409 when the quote was bound for another', async () => {
    const id = await quoteId()
    await rig.ask('POST', `${QUOTES}/${id}/bind`, { body: { payee_ref: 'acct_1' } })
    const other = await rig.ask('POST', `${QUOTES}/${id}/bind`, { body: { payee_ref: 'acct_2' } })
    expect(other.status).toBe(409)
    expect(other.body).toMatchObject({ errors: [{ path: 'quoteId' }] })
  })

  it('is a 409 that names the field when a gate refuses, and stays declined', async () => {
    const { product: _product, ...leg } = cover({}, 2)
    const others = { ...leg, product: 'FD120', sum_insured: '99900.00', payee_ref: 'acct_1' }
    const policy = { ...others, policy_number: `P-${randomUUID()}` }
    expect((await rig.ask('POST', POLICIES, { body: policy })).status).toBe(201)
    const id = await quoteId({}, 2)
    const answer = await rig.ask('POST', `${QUOTES}/${id}/bind`, { body: { payee_ref: 'acct_1' } })
    expect(answer.status).toBe(409)
    expect(answer.body).toMatchObject({
      type: 'urn:groundstop:problem:quote-declined',
      errors: [{ path: 'sum_insured' }],
    })
    expect((await rig.ask('GET', `${QUOTES}/${id}`)).body).toMatchObject({
      state: 'DECLINED',
      declined: { code: 'CLUSTER_LIMIT' },
    })
  })

  it('is a 409 when the quote has lapsed', async () => {
    const id = await quoteId()
    const { db } = rig.database
    const closed = { state: 'LAPSED', closed_at: RIG_NOW }
    await db.updateTable('quote').set(closed).where('id', '=', id).execute()
    const answer = await rig.ask('POST', `${QUOTES}/${id}/bind`, { body: { payee_ref: 'acct_1' } })
    expect(answer.status).toBe(409)
    expect(answer.body).toMatchObject({ type: 'urn:groundstop:problem:quote-lapsed' })
  })
})
