/** How outside services do: the same by REST, by the command line and in the metrics. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createPlanStore } from '../../db/stores/plan-store.ts'
import { createProviderHealthStore } from '../../db/stores/provider-health-store.ts'
import type { JudgedProvider } from '../../domain/ports/provider-health-store.ts'
import { runCommand } from '../support/read-commands.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const JUDGED: JudgedProvider = {
  provider: 'aeroapi',
  keyId: null,
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

test('what the plan of a key includes is shown by both, and found out again on demand', async () => {
  const { db, url } = rig.database
  const planStore = createPlanStore(db)
  const probe = () => runCommand(url, ['providers', 'probe'])
  expect((await probe()).out).toBe('no plan is known that could be asked about again\n')
  const key = { provider: 'aviationstack', keyId: '0123456789abcdef' }
  await planStore.claim(key, 60_000)
  const past = { verdict: 'refused', reason: 'HTTP 403: not in the plan' } as const
  const present = { verdict: 'allowed', reason: null } as const
  const future = { verdict: 'unknown', reason: 'no answer in time' } as const
  await planStore.save(key, { present, past, future }, 60_000)
  await createProviderHealthStore(db).save([JUDGED, { ...JUDGED, ...key }])
  const { body } = await rig.ask('GET', '/api/providers')
  expect(body).toMatchObject({ items: [{ plan: null }, { plan: { present, past, future } }] })
  const { out } = await runCommand(url, ['providers'])
  expect(out).toMatch(/aviationstack .* today, no past, \? future\n/)
  expect(out).toContain('aviationstack, plan, past: HTTP 403: not in the plan\n')
  expect(await planStore.claim(key, 60_000)).toBe(false)
  expect((await probe()).out).toMatch(/^aviationstack: asked with the next/)
  expect(await planStore.claim(key, 60_000)).toBe(true)
  await sql`delete from provider_health where provider = 'aviationstack'`.execute(db)
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
