import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createApiRig, RIG_NOW, type ApiRig } from './api-rig.ts'

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

  it('are in the audit trail, by actor, action and time', async () => {
    const audit = async (query: string) => {
      const { status, body } = await rig.ask('GET', `/api/audit?${query}`)
      expect(status, JSON.stringify(body)).toBe(200)
      return (body as { items: { action: string; actor: string; hash: string }[] }).items
    }
    expect(await audit('actor=user:ana')).toMatchObject([
      { action: 'payouts.resume', subject: 'product:FD45', details: { reason: 'drill' } },
      { action: 'payouts.pause', subject: 'product:FD45', position: 1 },
    ])
    expect(await audit('action=payouts.resume&limit=1')).toHaveLength(1)
    expect(await audit(`until=${RIG_NOW}`)).toEqual([])
    expect(await audit(`from=${RIG_NOW}&subject=product:FD45`)).toHaveLength(2)
  })

  it.each(['from=yesterday', 'actor=', 'limit=0', 'cursor=x', 'who=me'])(
    'refuse to look through the trail by %s',
    async (query) => {
      const answer = await rig.ask('GET', `/api/audit?${query}`)
      expect(answer).toMatchObject({
        status: 400,
        body: { errors: [{ path: query.split('=')[0] }] },
      })
    },
  )

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
