/** How outside services do: the same by REST, by the command line and in the metrics. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createProviderHealthStore } from '../../db/stores/provider-health-store.ts'
import type { JudgedProvider } from '../../domain/ports/provider-health-store.ts'
import { runCommand } from '../support/read-commands.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const JUDGED: JudgedProvider = {
  provider: 'aeroapi',
  state: 'DEGRADED',
  reason: 'BREAKER_OPEN',
  answeredInMs: 31,
  calls: 40,
  failures: 10,
  processes: 3,
  openBreakers: 1,
  dayUnits: 70,
  dayBudget: 100,
  monthUnits: 900,
  monthBudget: null,
}

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

test('nothing is listed before the first check', async () => {
  expect((await rig.ask('GET', '/api/providers')).body).toEqual({ items: [] })
  const { out, error } = await runCommand(rig.database.url, ['providers'])
  expect([out, error]).toEqual(['none\n', null])
})

test('the last check is shown by REST and by the command line alike', async () => {
  await createProviderHealthStore(rig.database.db).save([JUDGED])
  const { status, body } = await rig.ask('GET', '/api/providers')
  expect(status).toBe(200)
  expect(body).toMatchObject({ items: [JUDGED] })
  const json = await runCommand(rig.database.url, ['providers', '--json'])
  expect(JSON.parse(json.out)).toEqual(body)
  const table = await runCommand(rig.database.url, ['providers'])
  expect(table.out).toMatch(/aeroapi +DEGRADED +BREAKER_OPEN .* 1 of 3 +70 of 100 +900/)
})

test('the last check is in the metrics', async () => {
  await createProviderHealthStore(rig.database.db).save([JUDGED])
  const page = await (await fetch(`${rig.api.metricsUrl}/metrics`)).text()
  expect(page).toContain('task_scheduler_provider_up{provider="aeroapi"} 0.5')
  expect(page).toContain('task_scheduler_provider_error_share{provider="aeroapi"} 0.25')
  expect(page).toContain('task_scheduler_provider_breakers_open{provider="aeroapi"} 1')
  expect(page).toContain(
    'task_scheduler_provider_quota_used_units{provider="aeroapi",period="day"} 70',
  )
  expect(page).toContain(
    'task_scheduler_provider_quota_budget_units{provider="aeroapi",period="day"} 100',
  )
  expect(page).not.toContain('budget_units{provider="aeroapi",period="month"}')
})
