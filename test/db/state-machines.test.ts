/** The state machines of the domain and of the schema are the same, pair by pair. */
import { sql, type RawBuilder } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Database } from '../../db/client.ts'
import { ESCROW_TRANSITIONS } from '../../domain/escrow.ts'
import { ATTEMPT_TRANSITIONS, PAYOUT_TRANSITIONS } from '../../domain/payout.ts'
import { TASK_TRANSITIONS } from '../../domain/task.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'

let database: TestDatabase
let payoutId = ''

beforeAll(async () => {
  database = await createTestDatabase()
  payoutId = (await makePayoutBook(database.db, { size: 1 }))[0] ?? ''
  await sql`
    insert into payout_attempt (payout_id, n, idempotency_key, request_sha256, provider, started_at)
    values (${payoutId}::uuid, 1, 'po_1', 'x', 'stripe', now())`.execute(database.db)
  await sql`
    insert into task (id, owner, job, input, priority, timing, tolerance_min, due_at, timed_at,
      look_at, reason)
    values (gen_random_uuid(), 'ana', 'maintenance', '{}', 'LOW', '{"kind": "interval"}', 5, now(),
      now(), now(), 'a drill')`.execute(database.db)
})
afterAll(() => database[Symbol.asyncDispose]())

type Machine = {
  readonly table: string
  readonly transitions: Readonly<Record<string, readonly string[]>>
  /** Brings the one row to a state, with all that the state demands of its other columns. */
  readonly set: (state: string) => RawBuilder<unknown>
}

const MACHINES: readonly Machine[] = [
  {
    table: 'payout',
    transitions: PAYOUT_TRANSITIONS,
    set: (
      state,
    ) => sql`update payout set state = ${state}, approved_by = 'rule', transfer_id = 'tr_1',
      paid_at = case when ${state}::text = 'PAID' then now() end`,
  },
  {
    table: 'payout_attempt',
    transitions: ATTEMPT_TRANSITIONS,
    set: (state) => sql`update payout_attempt set outcome = ${state}, provider_ref = 'tr_1',
      finished_at = case when ${state}::text <> 'OPEN' then now() end`,
  },
  {
    table: 'task',
    transitions: TASK_TRANSITIONS,
    set: (state) => sql`update task set state = ${state}`,
  },
  {
    table: 'escrow_reservation',
    transitions: ESCROW_TRANSITIONS,
    set: (state) => sql`update escrow_reservation set state = ${state},
      fulfilled_minor = case ${state}::text when 'FULFILLED' then 1 else 0 end,
      released_minor = case ${state}::text when 'FULFILLED' then reserved_minor - 1
        when 'RELEASED' then reserved_minor else 0 end`,
  },
]

class Undone extends Error {}

/** The error of going from one state to the other, null when the move is made; nothing stays. */
async function move(machine: Machine, from: string, to: string): Promise<string | null> {
  let refusal: string | null = null
  const tried = database.db.transaction().execute(async (trx: Database) => {
    await sql`set local session_replication_role = replica`.execute(trx)
    await machine.set(from).execute(trx)
    await sql`set local session_replication_role = origin`.execute(trx)
    try {
      await machine.set(to).execute(trx)
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error)
    }
    throw new Undone()
  })
  await expect(tried).rejects.toThrow(Undone)
  return refusal
}

const PAIRS = MACHINES.flatMap((machine) => {
  const states = Object.keys(machine.transitions)
  return states.flatMap((from) => states.map((to) => ({ machine, from, to })))
})

describe('a row', () => {
  test.each(PAIRS.map((pair) => [pair.machine.table, pair.from, pair.to, pair] as const))(
    'of %s goes from %s to %s as the domain says',
    async (table, from, to, { machine }) => {
      const isLegal = from === to || machine.transitions[from]?.includes(to) === true
      expect(await move(machine, from, to)).toBe(
        isLegal ? null : `${table} cannot go from ${from} to ${to}`,
      )
    },
  )

  test('of each machine was tried in every pair of states', () => {
    expect(PAIRS).toHaveLength(8 * 8 + 5 * 5 + 6 * 6 + 3 * 3)
  })
})

const STARTS: readonly (readonly [string, string, RawBuilder<unknown>])[] = [
  [
    'payout',
    'APPROVED',
    sql`insert into payout (id, policy_id, revision, evaluation_id, amount_minor, currency, payee_ref,
        state, approved_by, decision_ref)
      select gen_random_uuid(), policy_id, 1, evaluation_id, 1, currency, payee_ref, 'APPROVED', 'rule',
        'review:1'
      from payout`,
  ],
  [
    'payout_attempt',
    'UNKNOWN',
    sql`insert into payout_attempt (payout_id, n, idempotency_key, request_sha256, provider, started_at,
        outcome, finished_at)
      select id, 2, 'po_2', 'x', 'stripe', now(), 'UNKNOWN', now() from payout`,
  ],
  [
    'task',
    'DONE',
    sql`insert into task (id, owner, job, input, priority, timing, tolerance_min, due_at, timed_at,
        look_at, reason, state)
      select gen_random_uuid(), owner, job, input, priority, timing, tolerance_min, due_at, timed_at,
        look_at, reason, 'DONE'
      from task`,
  ],
  [
    'escrow_reservation',
    'RELEASED',
    sql`do $$ begin
      delete from escrow_reservation;
      insert into escrow_reservation (policy_id, currency, reserved_minor, released_minor, state)
      select id, currency, 1, 1, 'RELEASED' from policy;
    end $$`,
  ],
]

test.each(STARTS)('a %s does not begin as %s', async (table, state, insert) => {
  await expect(insert.execute(database.db)).rejects.toThrow(
    `${table} cannot go from nothing to ${state}`,
  )
})
