/** Providers' health over a real database: reports, judgement, changes of state. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createAllowanceStore } from '../../db/stores/allowance-store.ts'
import { createProviderHealthStore } from '../../db/stores/provider-health-store.ts'
import { createPlanStore } from '../../db/stores/plan-store.ts'
import type { CallReport } from '../../domain/ports/provider-health-store.ts'
import type { ProbeAnswer } from '../../domain/ports/provider-probe.ts'
import { checkProviders } from '../../operations/check-providers.ts'
import { createTestDatabase } from '../support/database.ts'

const KEY_ID = '0123456789abcdef'
const UP: ProbeAnswer = { kind: 'answered', durationMs: 12.4 }
const SILENT: ProbeAnswer = { kind: 'silent', message: 'no answer' }
const REPORT: CallReport = {
  provider: 'aeroapi',
  breaker: 'closed',
  calls: 0,
  failures: 0,
  hasAnswer: false,
  openConnections: 0,
}

async function watched(dayBudget: number | null = null) {
  const own = await createTestDatabase()
  const healthStore = createProviderHealthStore(own.db)
  const allowanceStore = createAllowanceStore(own.db)
  const planStore = createPlanStore(own.db)
  const answers: ProbeAnswer[] = []
  let asked = 0
  const probe = {
    provider: 'aeroapi',
    probe: async () => {
      asked += 1
      return answers.shift() ?? UP
    },
  }
  const providers = [{ probe, keyId: KEY_ID, dayBudget, monthBudget: null }]
  return {
    db: own.db,
    healthStore,
    allowanceStore,
    answers,
    asked: () => asked,
    check: () => checkProviders({ providers, healthStore, allowanceStore, planStore }),
    report: (reporter: string, change: Partial<CallReport>) =>
      healthStore.report(reporter, [{ ...REPORT, ...change }]),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

describe('a check', () => {
  test('stores the state, and tells a change of it once', async () => {
    await using it = await watched()
    const first = { provider: 'aeroapi', from: null, to: 'UP', reason: 'ANSWERS' }
    expect((await it.check()).changes).toEqual([first])
    expect((await it.check()).changes).toEqual([])
    it.answers.push(SILENT, SILENT)
    const down = { provider: 'aeroapi', from: 'UP', to: 'DOWN', reason: 'NO_ANSWER' }
    expect((await it.check()).changes).toEqual([down])
    expect((await it.check()).changes).toEqual([{ ...first, from: 'DOWN' }])
    const { rows } = await sql<{ to_state: string }>`
      select to_state from provider_state_change order by id`.execute(it.db)
    expect(rows.map((row) => row.to_state)).toEqual(['UP', 'DOWN', 'UP'])
  })

  test('keeps since when it is so, and when the last answer was', async () => {
    await using it = await watched()
    await it.check()
    const [before] = await it.healthStore.list()
    it.answers.push(SILENT, SILENT)
    await it.check()
    it.answers.push(SILENT, SILENT)
    await it.check()
    const [after] = await it.healthStore.list()
    expect(after).toMatchObject({ state: 'DOWN', answeredInMs: null })
    expect(after?.lastAnswerAt).toBe(before?.lastAnswerAt)
    expect(after?.checkedAt).not.toBe(after?.since)
    expect(before).toMatchObject({ state: 'UP', answeredInMs: 12 })
  })

  test('takes one silence for a lost packet, two for an outage', async () => {
    await using it = await watched()
    it.answers.push(SILENT, UP)
    expect((await it.check()).providers[0]?.state).toBe('UP')
    it.answers.push(SILENT, SILENT)
    expect((await it.check()).providers[0]?.state).toBe('DOWN')
  })

  test('asks nothing of a provider that answered a call within the minute', async () => {
    await using it = await watched()
    await it.report('worker-1', { calls: 3, hasAnswer: true })
    expect((await it.check()).providers[0]).toMatchObject({ state: 'UP', answeredInMs: null })
    expect(it.asked()).toBe(0)
    await sql`
      update provider_process set last_answer_at = last_answer_at - interval '61 seconds'`.execute(
      it.db,
    )
    await it.check()
    expect(it.asked()).toBe(1)
  })

  test('counts the calls of all processes in the last quarter of an hour', async () => {
    await using it = await watched()
    await it.report('worker-1', { calls: 15, failures: 10 })
    await it.report('worker-2', { calls: 5 })
    expect((await it.check()).providers[0]).toMatchObject({
      ...{ calls: 20, failures: 10, processes: 2 },
      ...{ state: 'DEGRADED', reason: 'CALLS_FAIL' },
    })
    await sql`update provider_calls set minute = minute - interval '16 minutes'`.execute(it.db)
    expect((await it.check()).providers[0]).toMatchObject({ calls: 0, state: 'UP' })
  })

  test('sees an open breaker of any process that still reports', async () => {
    await using it = await watched()
    await it.report('worker-1', { breaker: 'open' })
    await it.report('worker-2', {})
    expect((await it.check()).providers[0]).toMatchObject({
      ...{ openBreakers: 1, processes: 2, reason: 'BREAKER_OPEN' },
    })
    await sql`
      update provider_process set updated_at = updated_at - interval '3 minutes'
      where reporter = 'worker-1'`.execute(it.db)
    expect((await it.check()).providers[0]).toMatchObject({ openBreakers: 0, processes: 1 })
  })

  test('shows what of the budget is used, and a spent one degrades', async () => {
    await using it = await watched(10)
    const lease = (calls: number) =>
      it.allowanceStore.lease({
        ...{ provider: 'aeroapi', keyId: KEY_ID, purpose: 'ROUTINE', calls, givenBack: 0 },
        terms: { ratePerS: 100, dayBudget: 10, monthBudget: null, reservePercent: 0 },
      })
    await lease(9)
    expect((await it.check()).providers[0]).toMatchObject({ dayUnits: 9, state: 'UP' })
    await lease(1)
    expect((await it.check()).providers[0]).toMatchObject({
      ...{ dayUnits: 10, dayBudget: 10, monthUnits: 10, monthBudget: null },
      ...{ state: 'DEGRADED', reason: 'BUDGET_SPENT' },
    })
  })

  test('removes reports that nothing looks at any more', async () => {
    await using it = await watched()
    await it.report('worker-1', { calls: 1 })
    await sql`update provider_calls set minute = minute - interval '25 hours'`.execute(it.db)
    await sql`
      update provider_process set updated_at = updated_at - interval '25 hours'`.execute(it.db)
    await it.check()
    const { rows } = await sql`
      select provider from provider_calls union all select provider from provider_process`.execute(
      it.db,
    )
    expect(rows).toEqual([])
  })
})
