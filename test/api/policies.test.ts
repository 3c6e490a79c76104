import { randomUUID } from 'node:crypto'

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { createApiRig, type ApiRig } from './api-rig.ts'

const POLICIES = '/api/policies'

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig({ withFlights: true })
})
afterEach(() => rig.flightFaults.set({ faults: {} }))
afterAll(() => rig[Symbol.asyncDispose]())

type Row = Record<string, unknown>

function row(change: Row = {}, leg = 0): Row {
  const identity = rig.legs[leg]
  if (identity === undefined) throw new Error(`the pack has no leg ${leg} on that day`)
  return {
    policy_number: `P-${randomUUID()}`,
    product: 'FD120',
    carrier: identity.carrier,
    flight_number: identity.flightNumber,
    origin: identity.origin,
    destination: identity.destination,
    departure_date: identity.originLocalDate,
    sum_insured: '250.00',
    currency: 'USD',
    payee_ref: 'acct_1',
    ...change,
  }
}

async function policyCount(): Promise<number> {
  const { count } = await rig.database.db
    .selectFrom('policy')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

describe('POST one policy', () => {
  it('binds it and shows it', async () => {
    const body = row()
    const answer = await rig.ask('POST', POLICIES, { body })
    expect(answer.body).toEqual({ policyNumber: body['policy_number'], result: 'bound' })
    expect(answer.status).toBe(201)
    const shown = await rig.ask('GET', `${POLICIES}/${String(body['policy_number'])}`)
    expect(shown.status).toBe(200)
    expect(shown.body).toMatchObject({
      policyNumber: body['policy_number'],
      product: { code: 'FD120', version: 1 },
      sumInsuredMinor: 25_000,
      currency: 'USD',
      leg: { carrier: body['carrier'], departureDate: '2013-02-08' },
      decision: null,
      payouts: [],
    })
    expect(JSON.stringify(shown.body)).not.toContain('acct_1')
  })

  it('answers 200 to the same policy again and binds nothing', async () => {
    const body = row()
    await rig.ask('POST', POLICIES, { body })
    const before = await policyCount()
    const again = await rig.ask('POST', POLICIES, { body })
    expect(again.status).toBe(200)
    expect(again.body).toMatchObject({ result: 'unchanged' })
    expect(await policyCount()).toBe(before)
  })

  it('refuses the same number with another sum and keeps the first', async () => {
    const body = row()
    await rig.ask('POST', POLICIES, { body })
    const other = await rig.ask('POST', POLICIES, { body: { ...body, sum_insured: '251.00' } })
    expect(other.status).toBe(422)
    expect(other.body).toMatchObject({ errors: [{ path: 'sum_insured' }] })
    const shown = await rig.ask('GET', `${POLICIES}/${String(body['policy_number'])}`)
    expect(shown.body).toMatchObject({ sumInsuredMinor: 25_000 })
  })

  it.each([
    ['policy_number', ''],
    ['product', 'NO_SUCH'],
    ['carrier', 'TOOLONG'],
    ['flight_number', '99998'],
    ['origin', 'XX'],
    ['departure_date', '2013-02-30'],
    ['sum_insured', '-1'],
    ['sum_insured', '1.005'],
    ['currency', 'dollars'],
    ['payee_ref', ''],
    ['bound_at', 'yesterday'],
    ['sum_assured', '250.00'],
  ])('refuses a bad %s %j, names it and binds nothing', async (field, value) => {
    const before = await policyCount()
    const answer = await rig.ask('POST', POLICIES, { body: row({ [field]: value }) })
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({
      type: 'urn:groundstop:problem:invalid-request',
      errors: expect.arrayContaining([expect.objectContaining({ path: field })]),
    })
    expect(await policyCount()).toBe(before)
  })

  it('says that the provider does not answer instead of blaming the row', async () => {
    rig.flightFaults.set({ faults: { '500': {} } })
    const answer = await rig.ask('POST', POLICIES, { body: row({}, 1) })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(answer.body).toMatchObject({ type: 'urn:groundstop:problem:unavailable' })
  })
})

describe('POST a book', () => {
  it('binds all good rows and reports the bad ones by their place', async () => {
    const policies = [row(), row({ sum_insured: 'much' }), row({}, 2), row({ colour: 'red' })]
    const answer = await rig.ask('POST', POLICIES, { body: { policies } })
    expect(answer.status).toBe(207)
    expect(answer.body).toMatchObject({ total: 4, bound: 2, unchanged: 0, rejected: 2 })
    const { errors } = answer.body as { errors: { path: string }[] }
    expect(errors.map(({ path }) => path).toSorted()).toEqual([
      'policies.1.sum_insured',
      'policies.3.colour',
    ])
  })

  it('answers 201 when all went in, 200 when all were there, 422 when none is good', async () => {
    const policies = [row(), row({}, 1)]
    const statusOf = async (body: unknown) => (await rig.ask('POST', POLICIES, { body })).status
    expect(await statusOf({ policies })).toBe(201)
    expect(await statusOf({ policies })).toBe(200)
    expect(await statusOf({ policies: [row({ currency: '?' })] })).toBe(422)
  })

  it('takes JSON lines', async () => {
    const body = `${JSON.stringify(row())}\n\n${JSON.stringify(row({ currency: 'no' }))}\n`
    const answer = await rig.ask('POST', POLICIES, {
      body,
      headers: { 'content-type': 'application/x-ndjson' },
    })
    expect(answer.status).toBe(207)
    expect(answer.body).toMatchObject({ bound: 1, errors: [{ path: 'line 3 currency' }] })
  })

  it('takes CSV and finds the line of a bad row', async () => {
    const rows = [row(), row({ currency: 'no' })]
    const header = Object.keys(row()).join(',')
    const body = [header, ...rows.map((one) => Object.values(one).join(','))].join('\n')
    const answer = await rig.ask('POST', POLICIES, {
      body,
      headers: { 'content-type': 'text/csv' },
    })
    expect(answer.status).toBe(207)
    expect(answer.body).toMatchObject({ bound: 1, errors: [{ path: 'line 3 currency' }] })
  })

  it('names a column that CSV leaves out', async () => {
    const body = 'policy_number,product\nP-1,FD120\n'
    const answer = await rig.ask('POST', POLICIES, {
      body,
      headers: { 'content-type': 'text/csv' },
    })
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({
      errors: expect.arrayContaining([{ path: 'carrier', message: 'this column is missing' }]),
    })
  })

  it('takes 5,000 rows and refuses 5,001', async () => {
    const one = row()
    const of = (count: number) => ({
      policies: Array.from({ length: count }, (_, i) => ({ ...one, policy_number: `P-5000-${i}` })),
    })
    const whole = await rig.ask('POST', POLICIES, { body: of(5_000) })
    expect(whole.body).toMatchObject({ bound: 5_000, rejected: 0 })
    const tooMany = await rig.ask('POST', POLICIES, { body: of(5_001) })
    expect(tooMany.status).toBe(422)
    expect(tooMany.body).toMatchObject({ errors: [{ path: 'policies' }] })
  })

  it.each([[{ policies: [] }], [{ policies: 'all' }], [{ policies: [7] }], ['[]'], ['null']])(
    'refuses %j',
    async (body) => {
      const headers = { 'content-type': 'application/json' }
      expect((await rig.ask('POST', POLICIES, { body, headers })).status).toBe(422)
    },
  )

  it('refuses a body above 10 MB', async () => {
    const answer = await rig.ask('POST', POLICIES, { body: { policies: ['x'.repeat(10_000_000)] } })
    expect(answer.status).toBe(413)
  })

  it('gives the first report again under the same key', async () => {
    const options = { body: { policies: [row()] }, headers: { 'idempotency-key': randomUUID() } }
    const first = await rig.ask('POST', POLICIES, options)
    const second = await rig.ask('POST', POLICIES, options)
    expect([second.status, second.body]).toEqual([201, first.body])
  })
})

describe('GET one policy', () => {
  it('is not found under a number that nobody has', async () => {
    const answer = await rig.ask('GET', `${POLICIES}/P-nobody`)
    expect(answer.status).toBe(404)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
  })
})

describe('POST /api/policies/:policyNumber/cancel', () => {
  const cancel = (number: unknown, body: Row = { by: 'user:anna', reason: 'ill' }) =>
    rig.ask('POST', `${POLICIES}/${String(number)}/cancel`, { body })

  it('cancels before the cut-off, gives the premium back, and again changes nothing', async () => {
    const body = row({ premium: '9.99' }, 3)
    await rig.ask('POST', POLICIES, { body })
    const number = body['policy_number']
    expect(await cancel(number)).toMatchObject({
      status: 200,
      body: { policyNumber: number, result: 'cancelled', refundMinor: 999, currency: 'USD' },
    })
    expect(await cancel(number)).toMatchObject({ status: 200, body: { result: 'unchanged' } })
    const shown = await rig.ask('GET', `${POLICIES}/${String(number)}`)
    expect(shown.body).toMatchObject({ state: 'CANCELLED_BY_HOLDER', endorsements: [] })
  })

  it('is a 409 that names the policy when it is watched already', async () => {
    const body = row({}, 4)
    const number = String(body['policy_number'])
    await rig.ask('POST', POLICIES, { body })
    const { db } = rig.database
    const state = { state: 'MONITORING' }
    await db.updateTable('policy').set(state).where('policy_number', '=', number).execute()
    expect(await cancel(number)).toMatchObject({
      status: 409,
      body: { type: 'urn:groundstop:problem:conflict', errors: [{ path: 'policyNumber' }] },
    })
  })

  it('is a 404 for a policy that is not there', async () => {
    expect((await cancel(`P-${randomUUID()}`)).status).toBe(404)
  })

  it.each([
    [{ by: 'user:anna' }, 'reason'],
    [{ by: ' ', reason: 'ill' }, 'by'],
    [{ by: 'user:anna', reason: 'ill', refund: 1 }, 'refund'],
  ])('names the field of %j that is wrong', async (body, path) => {
    const answer = await cancel('P-1', body)
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ errors: [{ path }] })
  })
})
