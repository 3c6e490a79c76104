import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createApiRig, type ApiRig } from './api-rig.ts'

const SETTINGS = '/api/admin/scheduler/settings'
const NOTE = { by: 'user:ana', reason: 'drill' }

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig()
})
afterAll(() => rig[Symbol.asyncDispose]())

function post(key: string, body: unknown, headers: Record<string, string> = {}) {
  return rig.ask('POST', `${SETTINGS}/${key}`, { body, headers })
}

function reset(key: string, more: { version?: number } = {}) {
  return rig.ask('DELETE', `${SETTINGS}/${key}`, { body: { ...NOTE, ...more } })
}

describe('settings', () => {
  it('are set, listed, shown and reset', async () => {
    expect(await post('runs.historyDays', { ...NOTE, value: 7 })).toMatchObject({
      status: 200,
      body: { changed: true, setting: { key: 'runs.historyDays', value: 7, default: 30 } },
    })
    expect(await rig.ask('GET', SETTINGS)).toMatchObject({
      status: 200,
      body: {
        settings: expect.arrayContaining([
          expect.objectContaining({ key: 'runs.historyDays', value: 7, updatedBy: 'user:ana' }),
        ]),
      },
    })
    expect(await reset('runs.historyDays')).toMatchObject({
      status: 200,
      body: { changed: true, setting: { value: 30, isSet: false } },
    })
    expect(await rig.ask('GET', `${SETTINGS}/runs.historyDays`)).toMatchObject({
      body: { value: 30, version: 0 },
    })
  })

  it.each([
    ['a value out of bounds', { ...NOTE, value: 0 }, 'value'],
    ['no value', NOTE, 'value'],
    ['no reason', { by: 'user:ana', value: 7 }, 'reason'],
    ['an unknown field', { ...NOTE, value: 7, key: 'x' }, 'key'],
  ])('refuse %s', async (_name, body, path) => {
    expect(await post('runs.historyDays', body)).toMatchObject({
      status: 422,
      body: { errors: [{ path }] },
    })
  })

  it('are refused when nobody knows them', async () => {
    expect((await post('runs.days', { ...NOTE, value: 7 })).status).toBe(404)
    expect((await rig.ask('GET', `${SETTINGS}/runs.days`)).status).toBe(404)
    expect((await reset('runs.days')).status).toBe(404)
  })

  it('are refused when somebody changed them meanwhile', async () => {
    await post('runs.historyDays', { ...NOTE, value: 8 })
    expect(await post('runs.historyDays', { ...NOTE, value: 9, version: 0 })).toMatchObject({
      status: 409,
    })
    const stale = await reset('runs.historyDays', { version: 0 })
    expect(stale.status).toBe(409)
  })

  it('carry out a repeated request once', async () => {
    const headers = { 'idempotency-key': 'days-1' }
    const first = await post('runs.historyDays', { ...NOTE, value: 11 }, headers)
    await post('runs.historyDays', { ...NOTE, value: 12 })
    expect((await post('runs.historyDays', { ...NOTE, value: 11 }, headers)).body).toEqual(
      first.body,
    )
    expect(await rig.ask('GET', `${SETTINGS}/runs.historyDays`)).toMatchObject({
      body: { value: 12 },
    })
  })
})
