/** What is stale of providers' processes and keys, on both sides of each age, and what is open. */
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { createAllowanceStore } from '../../db/stores/allowance-store.ts'
import { createProviderHealthStore } from '../../db/stores/provider-health-store.ts'
import { createProviderInstances } from '../../db/stores/provider-instances.ts'
import { cleanUpInstances } from '../../operations/clean-up-instances.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let own: TestDatabase

beforeAll(async () => {
  own = await createTestDatabase()
})
afterAll(() => own[Symbol.asyncDispose]())
beforeEach(async () => {
  await sql`truncate provider_process, key_holder, provider_allowance, provider_plan,
    provider_health`.execute(own.db)
})

const clean = (batchSize?: number) =>
  cleanUpInstances(
    { instances: createProviderInstances(own.db) },
    batchSize === undefined ? {} : { batchSize },
  )

const NOTHING = {
  'provider-processes': 0,
  'key-holders': 0,
  allowances: 0,
  plans: 0,
  'provider-states': 0,
}

const report = (reporter: string, openConnections: number) =>
  createProviderHealthStore(own.db).report(reporter, [
    {
      provider: 'aeroapi',
      breaker: 'closed',
      openConnections,
      calls: 0,
      failures: 0,
      hasAnswer: false,
    },
  ])

test('forgets a process that has been silent for 20 minutes, and keeps one of 19', async () => {
  await report('worker:gone', 4)
  await sql`update provider_process set updated_at = now() - interval '20 minutes'`.execute(own.db)
  await report('worker:quiet', 4)
  await sql`update provider_process set updated_at = now() - interval '19 minutes'
    where reporter = 'worker:quiet'`.execute(own.db)
  await sql`insert into key_holder (process_id, ring, key_ids, seen_at) values
    ('gone', 'payload', '{a}', now() - interval '20 minutes'),
    ('quiet', 'payload', '{a}', now() - interval '19 minutes')`.execute(own.db)
  const { removed } = await clean()
  expect(removed).toEqual({ ...NOTHING, 'provider-processes': 1, 'key-holders': 1 })
  const { rows } = await sql<{ who: string }>`
    select reporter as who from provider_process union all select process_id from key_holder
    order by who`.execute(own.db)
  expect(rows.map(({ who }) => who)).toEqual(['quiet', 'worker:quiet'])
})

test('says what the live processes hold, by their last report, and not what ended ones held', async () => {
  await report('worker:1', 9)
  await report('worker:1', 4)
  await report('api:1', 1)
  await report('worker:gone', 7)
  await sql`update provider_process set updated_at = now() - interval '3 minutes'
    where reporter = 'worker:gone'`.execute(own.db)
  expect((await clean()).open).toEqual([{ provider: 'aeroapi', processes: 2, connections: 5 }])
})

const KEY = '0123456789abcdef'

async function allowance(month: string, day: string, touched = '61 minutes'): Promise<void> {
  await sql`insert into provider_allowance (provider, key_id, month, day, day_units, month_units,
      full_at, updated_at)
    values ('aeroapi', ${KEY}, (date_trunc('month', now() at time zone 'UTC') ${sql.raw(month)})::date,
      ((now() at time zone 'UTC')::date ${sql.raw(day)})::date, 7, 7, now() - interval '1 minute',
      now() - ${sql.lit(touched)}::interval)`.execute(own.db)
}

test('forgets the account of a key that was not used this month: it counts as none', async () => {
  await allowance(`- interval '1 month'`, '- 40')
  expect((await clean()).removed).toEqual({ ...NOTHING, allowances: 1 })
})

test.each([
  ['was used this month', '', '- 1', '61 minutes'],
  ['was used today', `- interval '1 month'`, '', '61 minutes'],
  ['was touched within the hour', `- interval '1 month'`, '- 40', '59 minutes'],
])('keeps the account of a key that %s', async (_why, month, day, touched) => {
  await allowance(month, day, touched)
  expect((await clean()).removed).toEqual(NOTHING)
})

test('a key that comes back after its account went may call at once, and is counted', async () => {
  await allowance(`- interval '1 month'`, '- 40')
  await clean()
  const store = createAllowanceStore(own.db)
  const terms = { ratePerS: 5, dayBudget: 10, monthBudget: null, reservePercent: 0 }
  const lease = await store.lease({
    provider: 'aeroapi',
    keyId: KEY,
    purpose: 'ROUTINE',
    calls: 2,
    givenBack: 0,
    terms,
  })
  expect(lease).toMatchObject({ calls: 2, spent: null })
  expect(await store.list()).toMatchObject([{ dayUnits: 2, monthUnits: 2 }])
})

test('forgets a plan that nobody asked about for 30 days, and keeps one of 29', async () => {
  await sql`insert into provider_plan (provider, key_id, updated_at) values
    ('gone', ${KEY}, now() - interval '30 days'),
    ('kept', ${KEY}, now() - interval '29 days')`.execute(own.db)
  expect((await clean()).removed).toEqual({ ...NOTHING, plans: 1 })
  const { rows } = await sql`select provider from provider_plan`.execute(own.db)
  expect(rows).toEqual([{ provider: 'kept' }])
})

async function judged(provider: string, ago: string): Promise<void> {
  await sql`insert into provider_health (provider, state, reason, since, checked_at, calls, failures,
      processes, open_breakers, day_units, month_units)
    values (${provider}, 'UP', 'ANSWERS', now(), now() - ${sql.lit(ago)}::interval, 0, 0, 0, 0, 0, 0)
  `.execute(own.db)
}

test('forgets the state of a provider that was not judged for a day while another was', async () => {
  await judged('removed', '1 day')
  await judged('kept', '23 hours')
  await judged('aeroapi', '1 minute')
  expect((await clean()).removed).toEqual({ ...NOTHING, 'provider-states': 1 })
  const { rows } = await sql<{ provider: string }>`
    select provider from provider_health order by provider`.execute(own.db)
  expect(rows.map(({ provider }) => provider)).toEqual(['aeroapi', 'kept'])
})

test('keeps all states when none was judged: the installation stood still', async () => {
  await judged('aeroapi', '3 days')
  expect((await clean()).removed).toEqual(NOTHING)
})

test('goes on batch by batch until all is gone', async () => {
  for (let i = 0; i < 5; i += 1) await report(`worker:${i}`, 0)
  await sql`update provider_process set updated_at = now() - interval '1 hour'`.execute(own.db)
  const { removed, isComplete } = await clean(2)
  expect({ removed, isComplete }).toEqual({
    removed: { ...NOTHING, 'provider-processes': 5 },
    isComplete: true,
  })
})

test('leaves out what a process writes at this moment, and does not wait for it', async () => {
  await report('worker:back', 1)
  await sql`update provider_process set updated_at = now() - interval '1 hour'`.execute(own.db)
  await own.db.transaction().execute(async (trx) => {
    await createProviderHealthStore(trx).report('worker:back', [
      {
        provider: 'aeroapi',
        breaker: 'closed',
        openConnections: 1,
        calls: 0,
        failures: 0,
        hasAnswer: false,
      },
    ])
    expect((await clean()).removed).toEqual(NOTHING)
  })
  expect((await clean()).open).toEqual([{ provider: 'aeroapi', processes: 1, connections: 1 }])
})
