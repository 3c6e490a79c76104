/** Stripe's webhooks over HTTP: who is let in, what is kept, what it starts. */
import { createHmac } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createApiRig, eventually, type ApiRig } from './api-rig.ts'

const SECRET = 'whsec_test'
const FORMER = 'whsec_former'
const PATH = '/api/webhooks/stripe'

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig({
    token: 'a-token-of-some-length',
    webhookSecret: `${SECRET},${FORMER}`,
  })
})
afterAll(() => rig[Symbol.asyncDispose]())

const eventOf = (id: string, type = 'transfer.reversed') =>
  // Spaces and order are Stripe's: the signature is over these bytes.
  `{ "id": "${id}", "object": "event", "type": "${type}", "created": 1360400000,
    "data": {"object": {"id": "tr_1", "object": "transfer"}} }`

function post(body: string, secret = SECRET) {
  const at = Math.floor(Date.now() / 1_000)
  const signature = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')
  const headers = {
    'content-type': 'application/json',
    'stripe-signature': `t=${at},v1=${signature}`,
  }
  return rig.ask('POST', PATH, { body, headers })
}

async function kept() {
  const { rows } = await sql<{ event_id: string; payload: string; channel: string }>`
    select event_id, payload, channel from payment_event order by event_id`.execute(rig.database.db)
  return rows
}

describe('a webhook of Stripe', () => {
  it('needs no token, is kept byte by byte, and starts the run that applies it', async () => {
    const body = eventOf('evt_1')
    expect(await post(body)).toMatchObject({ status: 200, body: { received: true, new: true } })
    expect(await kept()).toEqual([{ event_id: 'evt_1', payload: body, channel: 'webhook' }])
    await eventually(async () => {
      const { status } = await rig.client.workflow.getHandle('payment-events:all').describe()
      expect(status.name).toBe('RUNNING')
    })
  })

  it('sent again is kept once and answered well', async () => {
    expect(await post(eventOf('evt_1'))).toMatchObject({ status: 200, body: { new: false } })
    expect(await kept()).toHaveLength(1)
  })

  it('sent at once from many sides is kept once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(eventOf('evt_2'))))
    expect(answers.filter(({ body }) => (body as { new: boolean }).new)).toHaveLength(1)
    expect(await kept()).toHaveLength(2)
  })

  it('with a wrong signature is a 400 and is not kept', async () => {
    expect(await post(eventOf('evt_forged'), 'whsec_other')).toMatchObject({ status: 400 })
    expect(await rig.ask('POST', PATH, { body: eventOf('evt_bare') })).toMatchObject({
      status: 400,
    })
    expect((await kept()).map((row) => row.event_id)).toEqual(['evt_1', 'evt_2'])
  })

  it('of a type that is not ours is answered well and not kept', async () => {
    const answer = await post(eventOf('evt_customer', 'customer.created'))
    expect(answer).toMatchObject({ status: 200, body: { received: false, new: false } })
    expect(await kept()).toHaveLength(2)
  })

  it('signed with the secret from before it was rolled is taken', async () => {
    const body = eventOf('evt_former')
    expect(await post(body, FORMER)).toMatchObject({ status: 200, body: { new: true } })
  })

  it('signed with both secrets as they are written is a 400', async () => {
    expect((await post(eventOf('evt_list'), `${SECRET},${FORMER}`)).status).toBe(400)
  })

  it('that is too large is a 413', async () => {
    expect((await post(eventOf('x'.repeat(300_000)))).status).toBe(413)
  })

  it('by another method is a 405', async () => {
    expect((await rig.ask('GET', PATH)).status).toBe(405)
  })
})

it('without a secret there is no such path', async () => {
  await using bare = await createApiRig()
  expect((await bare.ask('POST', PATH, { body: {} })).status).toBe(404)
})
