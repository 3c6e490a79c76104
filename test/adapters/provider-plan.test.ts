/**
 * What an aviationstack key's plan includes: found out at the local server, kept in a real database, and
 * what the adapter then asks. Every refused product stands beside its twin.
 */
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { createHeldPlan } from '../../adapters/flights/held-plan.ts'
import { loadConfig } from '../../config/config.ts'
import { createAllowanceStore } from '../../db/stores/allowance-store.ts'
import { createPlanStore } from '../../db/stores/plan-store.ts'
import { createProviderHealthStore } from '../../db/stores/provider-health-store.ts'
import type { PackLeg } from '../../domain/leg-pack.ts'
import type { LegReference } from '../../domain/ports/flight-data-provider.ts'
import type { PlanProber } from '../../domain/ports/plan-store.ts'
import { checkProviders } from '../../operations/check-providers.ts'
import { probePlan } from '../../operations/probe-plan.ts'
import { createLogger } from '../../platform/logger.ts'
import type { FlightFault } from '../../simulator/flights/flight-faults.ts'
import { probePlansAtStart } from '../../workers/provider-services.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  aviationstack,
  COAST_LEG,
  COAST_REFERENCE,
  coastLeg,
  page,
  startBoth,
} from '../unit/adapters/aviationstack-fixtures.ts'
import { handClock, referenceOf, startScripted } from '../unit/adapters/fixtures.ts'

const KEY = { provider: 'aviationstack', keyId: '0123456789abcdef' }
/** The day after the leg left, on the wall in New York. */
const DAY_AFTER = '2013-02-09T12:00:00Z'
/** On the same day, when the server shows it by its date alone. */
const LONG_AFTER = '2013-02-09T17:00:00Z'
const HOUR_AFTER = '2013-02-08T16:00:00Z'
const MONTH_BEFORE = '2013-01-08T12:00:00Z'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
})

beforeEach(async () => {
  await sql`truncate provider_plan, provider_health`.execute(database.db)
})

/** A server whose plan lacks something, and the adapter that has found it out. */
async function underPlan(now: string, without: FlightFault | null, legs: PackLeg[] = [COAST_LEG]) {
  const stack = new AsyncDisposableStack()
  const clock = handClock(now)
  const rig = stack.use(await startBoth(legs, clock))
  const setPlan = (lacking: FlightFault | null) =>
    rig.faults.set({ faults: lacking === null ? {} : { [lacking]: {} } })
  setPlan(without)
  const planStore = createPlanStore(database.db)
  const taken: string[] = []
  const allowance = {
    take: async (purpose: string) => {
      taken.push(purpose)
      return { isGranted: true } as const
    },
  }
  const held = () => createHeldPlan({ ...KEY, store: planStore })
  const adapter = () =>
    stack.use(aviationstack(`${rig.url}/v1`, clock, { allowance, plan: held() }))
  const prober = adapter()
  const found = await probePlan({ planStore, prober }, KEY)
  const requests = taken.splice(0).length
  return {
    ...rig,
    setPlan,
    planStore,
    prober,
    provider: adapter(),
    found,
    requests,
    /** Calls that were asked for since the probe. */
    taken,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Verdicts alone. */
function verdictsOf(plan: Awaited<ReturnType<typeof underPlan>>['found']) {
  return plan === null ? null : [plan.present, plan.past, plan.future].map((one) => one.verdict)
}

describe('a probe', () => {
  test.each([
    [null, ['allowed', 'allowed', 'allowed']],
    ['planWithoutFlights', ['refused', 'refused', 'allowed']],
    ['planWithoutPast', ['allowed', 'refused', 'allowed']],
    ['planWithoutFuture', ['allowed', 'allowed', 'refused']],
    ['planWithoutHttps', ['refused', 'refused', 'refused']],
    ['500', ['unknown', 'unknown', 'unknown']],
  ] as const)('at a server with %s finds %j by three requests', async (without, verdicts) => {
    await using it = await underPlan(HOUR_AFTER, without)
    expect(verdictsOf(it.found)).toEqual(verdicts)
    expect(it.requests).toBe(3)
  })

  test('asks for a single row each time', async () => {
    await using server = await startScripted(() => page())
    await using provider = aviationstack(server.url, handClock(HOUR_AFTER))
    await provider.probePlan()
    const asked = server.asked.map(({ target }) => new URL(target, 'http://x'))
    expect(asked.map(({ pathname }) => pathname)).toEqual([
      '/flights',
      '/flights',
      '/flightsFuture',
    ])
    for (const { searchParams } of asked) expect(searchParams.get('limit')).toBe('1')
    expect(asked[1]?.searchParams.get('flight_date')).toBe('2013-02-07')
    expect(asked[2]?.searchParams.get('date')).toBe('2013-02-18')
  })

  test('is made by one of many workers, and by none after a restart', async () => {
    const planStore = createPlanStore(database.db)
    let probes = 0
    const allowed = { verdict: 'allowed', reason: null } as const
    const prober: PlanProber = {
      probePlan: async () => {
        probes += 1
        return { present: allowed, past: allowed, future: allowed }
      },
    }
    const workers = Array.from({ length: 8 }, () => probePlan({ planStore, prober }, KEY))
    const found = await Promise.all(workers)
    expect(found.filter((plan) => plan !== null)).toHaveLength(1)
    expect(await probePlan({ planStore, prober }, KEY)).toBeNull()
    expect(probes).toBe(1)
    expect(
      await probePlan({ planStore, prober }, { ...KEY, keyId: 'fedcba9876543210' }),
    ).not.toBeNull()
  })

  test('comes again after a week, not a minute earlier', async () => {
    await using it = await underPlan(HOUR_AFTER, null)
    const later = async (interval: string) =>
      sql`update provider_plan set due_at = due_at - ${interval}::interval`.execute(database.db)
    await later('6 days 23:59')
    expect(await probePlan(it, KEY)).toBeNull()
    await later('1 minute')
    it.setPlan('planWithoutPast')
    expect(verdictsOf(await probePlan(it, KEY))).toEqual(['allowed', 'refused', 'allowed'])
  })

  test('that was lost with its worker is made by another a minute later', async () => {
    const planStore = createPlanStore(database.db)
    expect(await planStore.claim(KEY, 60_000)).toBe(true)
    expect(await planStore.claim(KEY, 60_000)).toBe(false)
    await sql`update provider_plan set claimed_until = claimed_until - interval '1 minute'`.execute(
      database.db,
    )
    expect(await planStore.claim(KEY, 60_000)).toBe(true)
  })

  test('comes at once when people ask for it', async () => {
    await using it = await underPlan(HOUR_AFTER, 'planWithoutPast')
    it.setPlan(null)
    expect(await probePlan(it, KEY)).toBeNull()
    expect(await it.planStore.makeDue('aeroapi')).toEqual([])
    expect(await probePlan(it, KEY)).toBeNull()
    expect(await it.planStore.makeDue('aviationstack')).toEqual(['aviationstack'])
    expect(verdictsOf(await probePlan(it, KEY))).toEqual(['allowed', 'allowed', 'allowed'])
  })

  test('during an outage leaves what is known, and is made again after an hour', async () => {
    await using it = await underPlan(HOUR_AFTER, 'planWithoutFuture')
    it.setPlan('500')
    await it.planStore.makeDue()
    expect(verdictsOf(await probePlan(it, KEY))).toEqual(['allowed', 'allowed', 'refused'])
    const stored = await it.planStore.find(KEY)
    const inMs = Date.parse(stored?.dueAt ?? '') - Date.parse(stored?.probedAt ?? '')
    expect(inMs).toBeCloseTo(3_600_000, -2)
  })
})

describe('a worker that starts', () => {
  const { config, secrets } = loadConfig({ AVIATIONSTACK_KEY: 'test-key' })
  const logger = createLogger({ level: 'silent' })

  async function start(prober: PlanProber) {
    const told: string[] = []
    const events = {
      providerPlanFound: ({ provider }: { provider: string }) => void told.push(provider),
    }
    const deps = { config, secrets, db: database.db, events, flights: { secondPlan: prober } }
    return { told, probing: probePlansAtStart(deps, logger) }
  }

  test('has the plan found out, and tells it once', async () => {
    await using it = await underPlan(HOUR_AFTER, null)
    const first = await start(it.prober)
    await expect.poll(() => first.told).toEqual(['aviationstack'])
    const second = await start(it.prober)
    await first.probing[Symbol.asyncDispose]()
    await second.probing[Symbol.asyncDispose]()
    expect(second.told).toEqual([])
  })

  test('does not wait for a service that hangs, and stops at once', async () => {
    const asked = Promise.withResolvers<void>()
    const hanging: PlanProber = {
      probePlan: (signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error)) // ours
          asked.resolve()
        }),
    }
    const { told, probing } = await start(hanging)
    await asked.promise
    await probing[Symbol.asyncDispose]()
    expect(told).toEqual([])
  })
})

describe('a leg that left yesterday', () => {
  test('is asked for by its date where the plan has past flights', async () => {
    await using it = await underPlan(LONG_AFTER, null)
    const result = await it.provider.getStatus(COAST_REFERENCE)
    expect(result.ok && result.value.map(({ scheduledOut }) => scheduledOut)).toEqual([
      COAST_REFERENCE.scheduledOut,
    ])
    expect(it.taken).toHaveLength(1)
  })

  test('is found among today’s, by its own date, where the plan has none', async () => {
    const today = coastLeg('2013-02-09T15:00:00Z')
    await using it = await underPlan(DAY_AFTER, 'planWithoutPast', [COAST_LEG, today])
    const result = await it.provider.getStatus(COAST_REFERENCE)
    expect(result).toMatchObject({ ok: true })
    const outs = result.ok ? result.value.map(({ scheduledOut }) => scheduledOut) : []
    expect(outs).toContain(COAST_REFERENCE.scheduledOut)
  })

  test('and is not among today’s any more is not said to be missing', async () => {
    const today = coastLeg('2013-02-10T02:00:00Z')
    await using it = await underPlan(LONG_AFTER, 'planWithoutPast', [COAST_LEG, today])
    expect(await it.provider.getStatus(COAST_REFERENCE)).toMatchObject({
      ok: false,
      kind: 'NOT_FOUND',
    })
  })

  test('two days ago is not asked for at all, and the message says why', async () => {
    const old = coastLeg('2013-02-07T15:00:00Z')
    const reference: LegReference = referenceOf(old, 'B635')
    await using it = await underPlan(DAY_AFTER, 'planWithoutPast', [old])
    const result = await it.provider.getStatus(reference)
    expect(result).toMatchObject({ ok: false, kind: 'NOT_FOUND', isRetryable: false })
    expect(result.ok ? '' : result.message).toMatch(/plan includes no flights of 2013-02-07/)
    expect(it.taken).toEqual([])
  })
})

describe('a leg a month ahead', () => {
  test('is looked for on the board where the plan has it', async () => {
    await using it = await underPlan(MONTH_BEFORE, null)
    const result = await it.provider.findScheduled(COAST_REFERENCE.identity)
    expect(result.ok && result.value).toHaveLength(1)
    expect(it.taken).toHaveLength(1)
  })

  test('costs no call where it does not, and the message says why', async () => {
    await using it = await underPlan(MONTH_BEFORE, 'planWithoutFuture')
    const result = await it.provider.findScheduled(COAST_REFERENCE.identity)
    expect(result).toMatchObject({ ok: false, kind: 'NOT_FOUND', isRetryable: false })
    expect(result.ok ? '' : result.message).toMatch(/plan has no timetable .*function_access/)
    expect(it.taken).toEqual([])
  })
})

describe('a plan without flights', () => {
  /** A health check of the source. */
  async function checked({ prober, planStore }: Awaited<ReturnType<typeof underPlan>>) {
    const probe = {
      provider: KEY.provider,
      probe: async () => ({ kind: 'answered', durationMs: 1 }) as const,
    }
    const watched = { probe, keyId: KEY.keyId, dayBudget: null, monthBudget: null, prober }
    const healthStore = createProviderHealthStore(database.db)
    const allowanceStore = createAllowanceStore(database.db)
    await checkProviders({ providers: [watched], planStore, healthStore, allowanceStore })
    return (await healthStore.list())[0]
  }

  test('makes the source down, which says why, and costs no call per leg', async () => {
    await using it = await underPlan(HOUR_AFTER, 'planWithoutFlights')
    expect(await checked(it)).toMatchObject({
      ...{ state: 'DOWN', reason: 'PLAN_REFUSED', keyId: KEY.keyId },
      plan: { present: { verdict: 'refused', reason: expect.stringMatching(/does not support/) } },
    })
    const result = await it.provider.getStatus(COAST_REFERENCE)
    expect(result).toMatchObject({ ok: false, kind: 'AUTH', isRetryable: false })
    expect(it.taken).toEqual([])
  })

  test('comes up again with the plan', async () => {
    await using it = await underPlan(HOUR_AFTER, 'planWithoutFlights')
    it.setPlan(null)
    await it.planStore.makeDue()
    expect(await checked(it)).toMatchObject({
      ...{ state: 'UP', reason: 'ANSWERS' },
      plan: { present: { verdict: 'allowed', reason: null } },
    })
  })

  test('is no reason where only past flights are missing', async () => {
    await using it = await underPlan(HOUR_AFTER, 'planWithoutPast')
    expect(await checked(it)).toMatchObject({ state: 'UP', plan: { past: { verdict: 'refused' } } })
    expect(await it.provider.getStatus(COAST_REFERENCE)).toMatchObject({ ok: true })
  })
})

describe('a held plan', () => {
  test('is read once a minute, and outlives the database', async () => {
    const time = { nowMs: 0 }
    const planStore = createPlanStore(database.db)
    let reads = 0
    let isAway = false
    const held = createHeldPlan({
      ...KEY,
      store: {
        find: async (key) => {
          reads += 1
          if (isAway) throw new Error('away')
          return planStore.find(key)
        },
      },
      monotonicMs: () => time.nowMs,
    })
    await using it = await underPlan(HOUR_AFTER, 'planWithoutPast')
    await Promise.all([held.read(), held.read()])
    time.nowMs = 59_999
    expect(verdictsOf(await held.read())).toEqual(['allowed', 'refused', 'allowed'])
    expect(reads).toBe(1)
    it.setPlan(null)
    await it.planStore.makeDue()
    await probePlan(it, KEY)
    time.nowMs = 60_000
    expect(verdictsOf(await held.read())).toEqual(['allowed', 'allowed', 'allowed'])
    isAway = true
    time.nowMs = 120_000
    expect(verdictsOf(await held.read())).toEqual(['allowed', 'allowed', 'allowed'])
    expect(reads).toBe(3)
  })
})
