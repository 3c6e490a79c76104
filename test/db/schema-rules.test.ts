import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createDecisionStore } from '../../db/stores/decision-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { addMs, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { decideLegs } from '../../operations/decide-legs.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import {
  arrivedRecord,
  B6_35,
  bindRows,
  BOUND_AT,
  fakeFlightData,
  manualClock,
  rowOf,
} from '../support/builders.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
  const { db } = database
  const clock = manualClock(BOUND_AT)
  const flightData = fakeFlightData([B6_35])
  await bindRows(db, flightData, clock, [rowOf(B6_35, 'P1')])
  flightData.shown.set('B6|35|JFK|PBI|2013-03-09', [arrivedRecord(B6_35, 90)])
  const { rows } = await sql<{ id: string }>`select id from flight_leg`.execute(db)
  const legIds = rows.map((row) => row.id)
  const legStore = createLegStore(db)
  for (const sinceMs of [91 * MINUTE_MS, 3 * HOUR_MS]) {
    clock.set(addMs(B6_35.scheduledIn, sinceMs))
    await pollLegShard(
      { legStore, flightData, clock },
      { legIds, claimedBy: 't' },
      { concurrency: 1 },
    )
  }
  await decideLegs({ decisionStore: createDecisionStore(db), clock }, { legIds })
  await sql`
    insert into audit_event (at, actor, action, subject) values (now(), 'test', 'test', 'test')`.execute(
    db,
  )
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
})

const APPEND_ONLY = [
  'flight_observation',
  'evaluation',
  'ledger_transaction',
  'ledger_posting',
  'audit_event',
  'product_version',
]

test.each(APPEND_ONLY)('a row of %s is neither deleted nor truncated', async (table) => {
  const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(
    database.db,
  )
  expect(rows[0]?.n).toBeGreaterThan(0)
  await expect(sql`delete from ${sql.table(table)}`.execute(database.db)).rejects.toThrow(
    `${table} is append-only: delete refused`,
  )
  await expect(sql`truncate ${sql.table(table)} cascade`.execute(database.db)).rejects.toThrow(
    'is append-only: truncate refused',
  )
})

const FROZEN: readonly (readonly [string, string])[] = [
  ['evaluation', "outcome = 'NO_PAY'"],
  ['ledger_transaction', "kind = 'bind'"],
  ['ledger_posting', 'amount_minor = 1'],
  ['audit_event', "actor = 'somebody'"],
  ['product_version', "rules = '{}'"],
  ['policy', 'sum_insured_minor = 1'],
  ['policy', 'bound_at = now()'],
  ['policy', 'insured_scheduled_in = now()'],
  ['policy', "insured_scheduled_out = insured_scheduled_out - interval '1 minute'"],
  ['escrow_reservation', 'reserved_minor = 1'],
  ['payout', 'amount_minor = 1'],
]

test.each(FROZEN)('%s: %s is refused', async (table, change) => {
  await expect(
    sql`update ${sql.table(table)} set ${sql.raw(change)}`.execute(database.db),
  ).rejects.toThrow('is append-only: update refused')
})

test('an observation changes in nothing but its seen-counters, and these only grow', async () => {
  const { db } = database
  await sql`update flight_observation set seen_count = seen_count + 1, last_seen_at = now()`.execute(
    db,
  )
  const refused = 'only its seen-counters may grow'
  const changes = ['seen_count = 1', "last_seen_at = '2013-01-01'", "norm = '[]'", "flags = '{X}'"]
  for (const change of changes) {
    const update = sql`update flight_observation set ${sql.raw(change)}`
    await expect(update.execute(db)).rejects.toThrow(refused)
  }
})

test('a second payout of the same revision is impossible', async () => {
  const again = sql`
    insert into payout (id, policy_id, revision, evaluation_id, amount_minor, currency, payee_ref)
    select gen_random_uuid(), policy_id, revision, evaluation_id, 1, currency, payee_ref from payout`
  await expect(again.execute(database.db)).rejects.toThrow('payout_policy_id_revision_key')
})

test('a second open attempt of a payout is impossible, one after a closed attempt is not', async () => {
  const { db } = database
  const open = (n: number) =>
    sql`
      insert into payout_attempt (payout_id, n, idempotency_key, request_sha256, provider, started_at)
      select id, ${n}::integer, 'po_' || ${n}::integer, 'x', 'stripe', now() from payout`.execute(
      db,
    )
  await open(1)
  await expect(open(2)).rejects.toThrow('payout_attempt_one_open')
  await sql`update payout_attempt set outcome = 'DEFINITE_FAIL', finished_at = now()`.execute(db)
  await open(2)
})

const IMPOSSIBLE: readonly (readonly [string, string, string])[] = [
  [
    'a payout of nothing',
    'amount_minor',
    `insert into payout (id, policy_id, revision, evaluation_id,
    amount_minor, currency, payee_ref) select gen_random_uuid(), policy_id, 7, evaluation_id, 0,
    currency, payee_ref from payout`,
  ],
  [
    'a paid payout without a transfer',
    'check',
    `update payout set state = 'PAID', paid_at = now(),
    approved_by = 'rule'`,
  ],
  [
    'a posting to its own source',
    'check',
    `insert into ledger_posting (transaction_id, source,
    destination, amount_minor, currency) select id, 'a', 'a', 1, 'USD' from ledger_transaction`,
  ],
  [
    'a posting of a negative amount',
    'check',
    `insert into ledger_posting (transaction_id, source,
    destination, amount_minor, currency) select id, 'a', 'b', -1, 'USD' from ledger_transaction`,
  ],
  ['a pool below zero', 'check', 'update pool_balance set balance_minor = -1'],
  [
    'an event posted twice',
    'ledger_transaction_ref_key',
    `insert into ledger_transaction (id, ref,
    kind, effective_at) select gen_random_uuid(), ref, kind, effective_at from ledger_transaction`,
  ],
  ['a decision without an amount', 'check', 'update policy set amount_minor = null'],
  ['a no-pay with an amount', 'check', `update policy set outcome = 'NO_PAY'`],
  ['more paid than insured', 'check', 'update policy set amount_minor = sum_insured_minor + 1'],
  [
    'escrow released beyond its reserve',
    'check',
    `update escrow_reservation
    set released_minor = released_minor + 1`,
  ],
  [
    'a second policy of a number',
    'policy_policy_number_key',
    `insert into policy select
    (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid()))).* from policy p`,
  ],
  ['fewer than no undecided policies', 'check', 'update flight_leg set undecided_policies = -1'],
  ['an unknown state', 'check', `update policy set state = 'LOST'`],
  [
    'a paying evaluation of nothing',
    'check',
    `insert into evaluation select
    (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'bps', 0))).*
    from evaluation e`,
  ],
]

test.each(IMPOSSIBLE)('%s is impossible', async (_, constraint, statement) => {
  const run = database.db.transaction().execute((trx) => sql.raw(statement).execute(trx))
  await expect(run).rejects.toThrow(constraint)
})

test('ids of names are the same on every server', async () => {
  const { rows } = await sql`select groundstop_id('policy|P1') as id`.execute(database.db)
  expect(rows).toEqual([{ id: expect.stringMatching(/^[0-9a-f-]{14}5/) }])
  const again = await sql`select id from policy where policy_number = 'P1'`.execute(database.db)
  expect(again.rows).toEqual(rows)
})
