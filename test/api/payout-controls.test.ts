import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createApiRig, type ApiRig } from './api-rig.ts'

const CONTROLS = '/api/payouts/controls'
const NOTE = { by: 'user:ana', reason: 'drill' }

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig()
})
afterAll(() => rig[Symbol.asyncDispose]())

function post(action: string, body: unknown, headers: Record<string, string> = {}) {
  return rig.ask('POST', `${CONTROLS}/${action}`, { body, headers })
}

describe('payout controls', () => {
  it('pause and resume, and show it', async () => {
    const paused = await post('pause', { ...NOTE, product: 'FD45' })
    expect(paused).toMatchObject({
      status: 200,
      body: { pause: { all: false, products: ['FD45'] }, changed: true },
    })
    const shown = await rig.ask('GET', CONTROLS)
    expect(shown).toMatchObject({
      status: 200,
      body: { pause: { all: false, products: ['FD45'] }, changedBy: 'user:ana', dryRails: [] },
    })
    expect(await post('resume', { ...NOTE, product: 'FD45' })).toMatchObject({
      body: { pause: { all: false, products: [] }, changed: true },
    })
  })

  it('carry out a repeated request once', async () => {
    const headers = { 'idempotency-key': 'pause-1' }
    const first = await post('pause', NOTE, headers)
    await post('resume', NOTE)
    expect((await post('pause', NOTE, headers)).body).toEqual(first.body)
    expect((await rig.ask('GET', CONTROLS)).body).toMatchObject({ pause: { all: false } })
  })

  it.each([
    ['no reason', { by: 'user:ana' }, 'reason'],
    ['a blank name', { by: '  ', reason: 'drill' }, 'by'],
    ['a product that never existed', { ...NOTE, product: 'FD54' }, 'product'],
    ['an unknown field', { ...NOTE, products: ['FD45'] }, 'products'],
  ])('refuse %s', async (_name, body, path) => {
    expect(await post('pause', body)).toMatchObject({ status: 422, body: { errors: [{ path }] } })
    const { rows } = await sql<{ value: { all: boolean } }>`
      select value from setting where key = 'payouts.paused'`.execute(rig.database.db)
    expect(rows[0]?.value.all).toBe(false)
  })

  it('name the methods that are allowed', async () => {
    expect((await rig.ask('GET', `${CONTROLS}/pause`)).status).toBe(405)
  })
})
