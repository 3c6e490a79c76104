/** Starts of a job whose starts queue, through the API. */
import { afterAll, beforeAll, expect, it } from 'vitest'

import { createApiRig, type ApiRig } from './api-rig.ts'

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig()
})
afterAll(() => rig[Symbol.asyncDispose]())

function ask() {
  const body = { type: 'REPORT', payload: { what: ['usage'], period: '2011-03' } }
  return rig.ask('POST', '/api/admin/scheduler/jobs', { body })
}

async function start(): Promise<{ id: string }> {
  const answer = await ask()
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body as { id: string }
}

it('starts are taken until as many wait as may; the next is refused with 409, and taken when one has ended', async () => {
  const ids: string[] = []
  for (let i = 0; i < 11; i += 1) ids.push((await start()).id)
  expect(new Set(ids).size).toBe(11)
  const refused = await ask()
  expect(refused.status).toBe(409)
  expect(refused.body).toMatchObject({
    detail: expect.stringContaining('10 starts wait behind report:2011-03 already'),
  })
  await rig.client.workflow.getHandle(ids[4] ?? '').terminate('test')
  expect((await start()).id).toBe(ids[4])
})
