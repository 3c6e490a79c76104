/**
 * Two processes on one key, each with its adapter: rate and budget are of both together. Real HTTP,
 * real Postgres; the processes are two pools and two adapters.
 */
import { expect, test } from 'vitest'

import { createLeasedAllowance, keyIdOf } from '../../adapters/flights/leased-allowance.ts'
import { createAllowanceStore } from '../../db/stores/allowance-store.ts'
import { createDatabase } from '../../db/client.ts'
import type { AllowanceTerms, BudgetNotice } from '../../domain/ports/call-allowance.ts'
import type { ProviderResult } from '../../domain/ports/flight-data-provider.ts'
import { forEachConcurrently } from '../../operations/bounded-concurrency.ts'
import { createTestDatabase } from '../support/database.ts'
import { aeroApi, handClock, leg, referenceOf, startFlights } from '../unit/adapters/fixtures.ts'

const TERMS: AllowanceTerms = {
  ratePerS: 5_000,
  dayBudget: null,
  monthBudget: null,
  reservePercent: 10,
}

/** A server with one leg, and processes that ask it under one key's terms. */
async function twoProcesses(terms: Partial<AllowanceTerms> = {}) {
  const stack = new AsyncDisposableStack()
  const own = stack.use(await createTestDatabase())
  const clock = handClock('2013-02-08T20:00:00Z')
  const known = leg({ out: '2013-02-08T15:00:00Z' })
  const flights = stack.use(await startFlights([known], clock))
  const notices: BudgetNotice[] = []
  let leases = 0
  const processOf = () => {
    const store = createAllowanceStore(stack.use(createDatabase(own.url, { max: 2 })))
    const allowance = createLeasedAllowance({
      provider: 'aeroapi',
      keyId: keyIdOf('test-key'),
      terms: { ...TERMS, ...terms },
      store: {
        lease: async (request) => {
          leases += 1
          return await store.lease(request)
        },
      },
      onNotice: (notice) => notices.push(notice),
    })
    const provider = aeroApi(flights.url, clock, { allowance, concurrency: 32 })
    return { provider: stack.use(provider), allowance: stack.use(allowance) }
  }
  const processes = [processOf(), processOf()]
  const reference = referenceOf(known)
  return {
    processes,
    reference,
    notices,
    leases: () => leases,
    used: async () => (await createAllowanceStore(own.db).list())[0]?.dayUnits,
    /** Every process asks `calls` times, as a tick's shards do. */
    ask: async (calls: number) => {
      const results: ProviderResult<unknown>[] = []
      const ask = async (provider: (typeof processes)[0]['provider']) =>
        forEachConcurrently(Array.from({ length: calls }), { concurrency: 64 }, async () => {
          results.push(await provider.getStatus(reference))
        })
      await Promise.all(processes.map(({ provider }) => ask(provider)))
      return results
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

test('a thousand calls of two processes are all counted, and cost few queries', async () => {
  await using it = await twoProcesses()
  const results = await it.ask(500)
  expect(results.filter((result) => result.ok)).toHaveLength(1_000)
  for (const { allowance } of it.processes) await allowance[Symbol.asyncDispose]()
  expect(await it.used()).toBe(1_000)
  // Some 20 on a machine with nothing else to do.
  expect(it.leases()).toBeLessThan(200)
})

test('the budget of both ends the calls of both; a decision still gets its answer', async () => {
  await using it = await twoProcesses({ dayBudget: 100 })
  const results = await it.ask(200)
  const refused = results.filter((result) => !result.ok)
  // Fewer than a hundred only where a slow machine left leased calls too late.
  expect(results.length - refused.length).toBeLessThanOrEqual(100)
  expect(results.length - refused.length).toBeGreaterThan(50)
  for (const result of refused) {
    expect(result).toMatchObject({ kind: 'QUOTA', isRetryable: false, httpStatus: null })
  }
  expect(it.notices.map(({ percent }) => percent)).toContain(100)
  const [first] = it.processes
  const decisive = { ...it.reference, purpose: 'DECISION' } as const
  expect(await first?.provider.getStatus(decisive)).toMatchObject({ ok: true })
})

test('the rate is that of both together', async () => {
  await using it = await twoProcesses({ ratePerS: 20 })
  const startedAtMs = performance.now()
  await it.ask(30)
  // Sixty calls at twenty a second, twenty of them at once.
  expect(performance.now() - startedAtMs).toBeGreaterThan(1_900)
})
