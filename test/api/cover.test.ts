import { afterAll, beforeAll, expect, it } from 'vitest'

import { createCoverSwitches } from '../../db/stores/cover-switch-store.ts'
import { createApiRig, RIG_NOW, type ApiRig } from './api-rig.ts'

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig()
})
afterAll(() => rig[Symbol.asyncDispose]())

it('lists the switches of cover that were moved', async () => {
  const switching = { product: 'FD45', isArmed: false, by: 'user:ana', reason: 'storm' }
  const stores = createCoverSwitches(rig.database.db)
  await stores.switchCover({ ...switching, at: RIG_NOW, ref: 'run-1', isMissed: false })
  expect(await rig.ask('GET', '/api/admin/scheduler/cover')).toMatchObject({
    status: 200,
    body: {
      switches: [
        {
          product: 'FD45',
          isArmed: false,
          changedBy: 'user:ana',
          reason: 'storm',
          changedAt: RIG_NOW,
        },
      ],
    },
  })
})
