import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createPolicyStore } from '../../db/stores/policy-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import { addMs, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { importPolicies } from '../../operations/import-policies.ts'
import {
  B6_35,
  bindRows,
  BOUND_AT,
  CAPACITY_MINOR,
  failure,
  fakeFlightData,
  manualClock,
  manyLegs,
  placed,
  rowOf,
} from '../support/builders.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
})

/** A database of its own, for tests that look at sums. */
async function book(capacityMinor = CAPACITY_MINOR) {
  const own = await createTestDatabase()
  const clock = manualClock(BOUND_AT)
  const flightData = fakeFlightData([B6_35])
  return {
    db: own.db,
    clock,
    flightData,
    bind: (...rows: Record<string, unknown>[]) =>
      bindRows(own.db, flightData, clock, rows, capacityMinor),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

async function state(db: TestDatabase['db']) {
  const { rows } = await sql`
    select
      (select json_agg(p order by p.policy_number) from policy p) as policies,
      (select json_agg(l order by l.leg_key) from flight_leg l) as legs,
      (select json_agg(e order by e.policy_id) from escrow_reservation e) as escrow,
      (select json_agg(t order by t.ref) from ledger_transaction t) as transactions,
      (select json_agg(g order by g.id) from ledger_posting g) as postings,
      (select json_agg(b) from pool_balance b) as pool`.execute(db)
  return rows[0]
}

test('a bound policy has its frozen schedule, escrow, ledger and a leg to watch', async () => {
  await using it = await book()
  expect(await it.bind(rowOf(B6_35, 'P1', { premium: '9.99' }))).toEqual({
    imported: 1,
    unchanged: 0,
    rejected: [],
  })
  const { rows } = await sql`
    select p.policy_number, p.state, p.insured_scheduled_out, p.insured_scheduled_in, p.bound_at,
      p.cover_end, p.sum_insured_minor, p.premium_minor, p.currency, l.leg_key,
      l.undecided_policies, l.next_poll_at is not null as is_planned, l.poll_phase,
      e.reserved_minor, e.state as escrow
    from policy p
    join flight_leg l on l.id = p.leg_id
    join escrow_reservation e on e.policy_id = p.id`.execute(it.db)
  expect(rows).toEqual([
    {
      policy_number: 'P1',
      state: 'BOUND',
      insured_scheduled_out: B6_35.scheduledOut,
      insured_scheduled_in: B6_35.scheduledIn,
      bound_at: BOUND_AT,
      cover_end: addMs(B6_35.scheduledIn, 24 * HOUR_MS),
      sum_insured_minor: 25_000,
      premium_minor: 999,
      currency: 'USD',
      leg_key: 'B6|35|JFK|PBI|2013-03-09',
      undecided_policies: 1,
      is_planned: true,
      poll_phase: 'PRE_DEPARTURE',
      reserved_minor: 25_000,
      escrow: 'RESERVED',
    },
  ])
  const ledger = await sql`
    select t.kind, g.source, left(g.destination, 7) as destination, g.amount_minor, g.currency
    from ledger_posting g join ledger_transaction t on t.id = g.transaction_id
    order by g.id`.execute(it.db)
  expect(ledger.rows).toEqual([
    {
      kind: 'capital',
      source: 'equity:capital',
      destination: 'pool:ma',
      amount_minor: CAPACITY_MINOR,
      currency: 'USD',
    },
    {
      kind: 'bind',
      source: 'pool:main:available',
      destination: 'escrow:',
      amount_minor: 25_000,
      currency: 'USD',
    },
    {
      kind: 'bind',
      source: 'receivable:channel:direct',
      destination: 'premium',
      amount_minor: 999,
      currency: 'USD',
    },
  ])
})

test('importing again changes nothing and asks the provider nothing', async () => {
  await using it = await book()
  const rows = [rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2', { product: 'FD120' })]
  await it.bind(...rows)
  const before = await state(it.db)
  const asked = it.flightData.asked.scheduled
  it.clock.pass(HOUR_MS)
  expect(await it.bind(...rows)).toEqual({ imported: 0, unchanged: 2, rejected: [] })
  expect(await state(it.db)).toEqual(before)
  expect(it.flightData.asked.scheduled).toBe(asked)
})

test('two imports of the same rows at once bind each policy once', async () => {
  await using it = await book()
  const rows = Array.from({ length: 200 }, (_, n) => rowOf(B6_35, `P${n}`))
  const results = await Promise.all([it.bind(...rows), it.bind(...rows.toReversed())])
  expect(results.map((result) => result.rejected)).toEqual([[], []])
  expect(results.reduce((sum, result) => sum + result.imported, 0)).toBe(200)
  expect(results.reduce((sum, result) => sum + result.unchanged, 0)).toBe(200)
  const { rows: sums } = await sql`
    select count(*) as policies, (select undecided_policies from flight_leg) as undecided,
      (select sum(reserved_minor) from escrow_reservation) as reserved,
      (select balance_minor from pool_balance) as pool,
      (select count(*) from ledger_transaction) as transactions
    from policy`.execute(it.db)
  expect(sums).toEqual([
    {
      policies: 200,
      undecided: 200,
      reserved: '5000000',
      pool: String(CAPACITY_MINOR - 5_000_000),
      transactions: 201,
    },
  ])
})

test('the same number with other content is rejected and names what differs', async () => {
  await using it = await book()
  await it.bind(rowOf(B6_35, 'P1'))
  const before = await state(it.db)
  const other = rowOf(B6_35, 'P1', { sum_insured: '300', payee_ref: 'acct_other' })
  expect(await it.bind(other)).toEqual({
    imported: 0,
    unchanged: 0,
    rejected: [
      {
        line: 2,
        policyNumber: 'P1',
        field: 'sum_insured',
        reason: 'already bound with other content: sum_insured, payee_ref',
      },
    ],
  })
  expect(await state(it.db)).toEqual(before)
})

test('a number repeated within a file is unchanged when equal and rejected when not', async () => {
  await using it = await book()
  const result = await it.bind(
    rowOf(B6_35, 'P1'),
    rowOf(B6_35, 'P1'),
    rowOf(B6_35, 'P1', { currency: 'EUR' }),
    rowOf(B6_35, 'P2', { destination: 'BOS' }),
    rowOf(B6_35, 'P2', { destination: 'BOS' }),
  )
  expect(result).toMatchObject({
    imported: 1,
    unchanged: 1,
    rejected: [
      { line: 4, field: 'currency' },
      { line: 5, field: 'flight_number' },
      { line: 6, field: 'policy_number', reason: 'repeats line 5, which was rejected' },
    ],
  })
})

test('good rows go in, bad rows are told with line and reason', async () => {
  const clock = manualClock(BOUND_AT)
  const [known, second] = [B6_35, { ...B6_35, scheduledOut: addMs(B6_35.scheduledOut, HOUR_MS) }]
  const twice = { ...B6_35, flightNumber: '36' }
  const flightData = fakeFlightData([known, twice])
  flightData.timetable.set('B6|36|JFK|PBI|2013-03-09', [twice, { ...second, flightNumber: '36' }])
  const result = await bindRows(database.db, flightData, clock, [
    rowOf(known, 'GOOD-1'),
    rowOf(known, 'BAD-1', { currency: 'US' }),
    rowOf(known, 'BAD-2', { product: 'FD999' }),
    rowOf(known, 'BAD-3', { flight_number: '77' }),
    rowOf(twice, 'BAD-4'),
    rowOf(known, 'GOOD-2'),
    rowOf(known, 'BAD-5', { sum_insured: '0.01' }),
    { policy_number: 'BAD-6' },
  ])
  expect(result.imported).toBe(2)
  expect(result.rejected.map(({ line, field }) => [line, field])).toEqual([
    [3, 'currency'],
    [4, 'product'],
    [5, 'flight_number'],
    [6, 'flight_number'],
    [8, 'sum_insured'],
    [9, 'currency'],
  ])
  expect(result.rejected[2]?.reason).toContain('no such leg at the provider')
  expect(result.rejected[3]?.reason).toContain('ambiguous')
})

test('a sum whose smallest payout rounds to nothing is refused, one that rounds to a cent is not', async () => {
  const clock = manualClock(BOUND_AT)
  const flightData = fakeFlightData([B6_35])
  // FD45 pays 30 % at least: 1 cent gives 0.3, 2 cents give 0.6 cents.
  const rows = [
    rowOf(B6_35, 'TINY-1', { sum_insured: '0.01' }),
    rowOf(B6_35, 'TINY-2', { sum_insured: '0.02' }),
  ]
  const result = await bindRows(database.db, flightData, clock, rows)
  expect(result.rejected).toMatchObject([{ policyNumber: 'TINY-1', field: 'sum_insured' }])
  expect(result.imported).toBe(1)
})

test('cover is bound until the minute of departure, not at it', async () => {
  const flightData = fakeFlightData([B6_35])
  const early = manualClock(addMs(B6_35.scheduledOut, -MINUTE_MS))
  expect(await bindRows(database.db, flightData, early, [rowOf(B6_35, 'EDGE-1')])).toMatchObject({
    imported: 1,
  })
  const late = manualClock(B6_35.scheduledOut)
  const result = await bindRows(database.db, flightData, late, [rowOf(B6_35, 'EDGE-2')])
  expect(result.rejected).toMatchObject([{ field: 'departure_date' }])
})

test('a policy bound elsewhere before departure is taken over after it, one bound later is not', async () => {
  const flightData = fakeFlightData([B6_35])
  const clock = manualClock(addMs(B6_35.scheduledIn, HOUR_MS))
  const bound = (number: string, at: string) => rowOf(B6_35, number, { bound_at: at })
  const result = await bindRows(database.db, flightData, clock, [
    bound('OLD-1', addMs(B6_35.scheduledOut, -1)),
    bound('OLD-2', B6_35.scheduledOut),
    bound('OLD-3', addMs(B6_35.scheduledIn, 2 * HOUR_MS)),
  ])
  expect(result.imported).toBe(1)
  expect(result.rejected).toMatchObject([
    { policyNumber: 'OLD-2', field: 'bound_at' },
    { policyNumber: 'OLD-3', field: 'bound_at', reason: expect.stringContaining('in the future') },
  ])
})

test('a code share is bound to the operating leg and keeps the flight as sold', async () => {
  await using it = await book()
  it.flightData.timetable.set('QF|3101|JFK|PBI|2013-03-09', [
    { ...B6_35, marketingIdent: 'QF3101' },
  ])
  const row = rowOf(B6_35, 'P1', { carrier: 'QF', flight_number: '3101' })
  expect(await it.bind(row)).toMatchObject({ imported: 1 })
  const { rows } = await sql`
    select leg_key, marketing_ident from policy join flight_leg l on l.id = leg_id`.execute(it.db)
  expect(rows).toEqual([{ leg_key: 'B6|35|JFK|PBI|2013-03-09', marketing_ident: 'QF3101' }])
  expect(await it.bind(row)).toMatchObject({ unchanged: 1 })
})

test('a leg of another local date is not taken for the one asked for', async () => {
  const flightData = fakeFlightData([B6_35])
  flightData.timetable.set('B6|35|JFK|PBI|2013-03-10', [B6_35])
  const row = rowOf(B6_35, 'DATE-1', { departure_date: '2013-03-10' })
  const result = await bindRows(database.db, flightData, manualClock(BOUND_AT), [row])
  expect(result.rejected).toMatchObject([{ reason: expect.stringContaining('no such leg') }])
})

test('a leg is looked up once, however many policies and pages it has', async () => {
  await using it = await book()
  const rows = Array.from({ length: 5_001 }, (_, n) => rowOf(B6_35, `P${n}`))
  expect(await it.bind(...rows)).toMatchObject({ imported: 5_001 })
  expect(it.flightData.asked.scheduled).toBe(1)
})

test('a provider that is away rejects the rows, and a later import takes them in', async () => {
  const flightData = fakeFlightData([B6_35])
  const away = { ...flightData, findScheduled: () => Promise.resolve(failure('UNAVAILABLE')) }
  const rows = [rowOf(B6_35, 'AWAY-1')]
  const result = await bindRows(database.db, away, manualClock(BOUND_AT), rows)
  expect(result.rejected).toMatchObject([
    { reason: expect.stringMatching(/^provider unavailable/) },
  ])
  expect(await bindRows(database.db, flightData, manualClock(BOUND_AT), rows)).toMatchObject({
    imported: 1,
  })
})

test('the pool covers a policy to the last cent and refuses the next, telling currencies apart', async () => {
  await using it = await book(50_000)
  const result = await it.bind(
    rowOf(B6_35, 'P1', { sum_insured: '300' }),
    rowOf(B6_35, 'P2', { sum_insured: '200.01' }),
    rowOf(B6_35, 'P3', { sum_insured: '200' }),
    rowOf(B6_35, 'P4', { sum_insured: '1' }),
    rowOf(B6_35, 'P5', { sum_insured: '500', currency: 'EUR' }),
  )
  expect(result.imported).toBe(3)
  expect(result.rejected).toMatchObject([
    { policyNumber: 'P2', field: 'sum_insured', reason: expect.stringContaining('USD pool') },
    { policyNumber: 'P4', field: 'sum_insured' },
  ])
  const { rows } = await sql`
    select currency, balance_minor from pool_balance order by currency`.execute(it.db)
  expect(rows).toEqual([
    { currency: 'EUR', balance_minor: '0' },
    { currency: 'USD', balance_minor: '0' },
  ])
})

test('the pool balance is what the ledger says', async () => {
  await using it = await book()
  await it.bind(rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2', { currency: 'JPY', sum_insured: '9000' }))
  const { rows } = await sql<{ kept: string; posted: string }>`
    select b.balance_minor as kept, (
      select sum(case when destination = b.account then amount_minor else -amount_minor end)
      from ledger_posting
      where currency = b.currency and b.account in (source, destination)) as posted
    from pool_balance b`.execute(it.db)
  expect(rows).toHaveLength(2)
  for (const { kept, posted } of rows) expect(posted).toBe(kept)
})

test('a policy for a settled leg has it polled again', async () => {
  await using it = await book()
  await it.bind(rowOf(B6_35, 'P1'))
  await sql`
    update flight_leg set undecided_policies = 0, next_poll_at = null, settled_at = now(),
      last_polled_at = now()`.execute(it.db)
  await it.bind(rowOf(B6_35, 'P2'))
  const { rows } = await sql`
    select undecided_policies, next_poll_at, watched_since, settled_at from flight_leg`.execute(
    it.db,
  )
  expect(rows).toEqual([
    { undecided_policies: 1, next_poll_at: BOUND_AT, watched_since: BOUND_AT, settled_at: null },
  ])
})

test('an aborted import keeps its finished pages and is completed by running it again', async () => {
  await using it = await book()
  const productStore = createProductStore(it.db)
  const policyStore = createPolicyStore(it.db)
  await it.bind()
  const rows = placed(Array.from({ length: 5_002 }, (_, n) => rowOf(B6_35, `P${n}`)))
  const stop = new AbortController()
  const { flightData, clock } = it
  const deps = { policyStore, productStore, flightData, clock, capacityMinor: CAPACITY_MINOR }
  const onProgress = () => stop.abort(new Error('stopped'))
  await expect(importPolicies(deps, rows, { signal: stop.signal, onProgress })).rejects.toThrow(
    'stopped',
  )
  expect(await importPolicies(deps, rows)).toEqual({ imported: 2, unchanged: 5_000, rejected: [] })
})

test('many legs go in at once', async () => {
  await using it = await book()
  const legs = manyLegs(300)
  const flightData = fakeFlightData(legs)
  const rows = legs.map((leg, n) => rowOf(leg, `P${n}`))
  expect(await bindRows(it.db, flightData, it.clock, rows)).toMatchObject({ imported: 300 })
  const { rows: counts } = await sql`
    select count(*) as legs, sum(undecided_policies) as undecided from flight_leg`.execute(it.db)
  expect(counts).toEqual([{ legs: 300, undecided: 300 }])
})
