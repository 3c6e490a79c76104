/** The state machines of policies, review cases and legs are the same in the domain and in the schema. */
import { sql, type RawBuilder } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Database } from '../../db/client.ts'
import { POLICY_TRANSITIONS } from '../../domain/policy.ts'
import { REVIEW_TRANSITIONS } from '../../domain/review-state.ts'
import { B6_35, rowOf } from '../support/builders.ts'
import { after, arrived, book, type Book } from '../support/watched-book.ts'

let it: Book

beforeAll(async () => {
  it = await book([rowOf(B6_35, 'P1')])
  await it.settle(arrived(20), after(20))
  await it.decide()
  await sql`
    insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
    values (groundstop_id('case'), 'leg', groundstop_id('leg'), 'APPEAL', now())`.execute(it.db)
  // Without an appeal that stands no policy is given back PAID or CLOSED: see appeals.test.ts.
  await sql`
    insert into review_case (id, subject_kind, subject_id, reason_code, opened_at, state)
    select groundstop_id('appeal' || n), 'policy', id, 'APPEAL', now(), 'RESOLVED'
    from policy, generate_series(1, 2) as n`.execute(it.db)
  await sql`
    insert into appeal (id, policy_id, n, case_id, reason, filed_by, filed_at, state_before)
    select gen_random_uuid(), id, 1, groundstop_id('appeal1'), 'late', 'user:ana', now(), 'PAID'
    from policy`.execute(it.db)
  const stands = sql`
    update appeal set result = 'STANDS', grounds = 'right', decided_at = now()`
  await stands.execute(it.db)
  await sql`
    insert into appeal (id, policy_id, n, case_id, reason, filed_by, filed_at, state_before)
    select gen_random_uuid(), id, 2, groundstop_id('appeal2'), 'late', 'user:ana', now(), 'CLOSED'
    from policy`.execute(it.db)
  await stands.execute(it.db)
})
afterAll(() => it[Symbol.asyncDispose]())

class Undone extends Error {}

/** Brings the row to a state without triggers, then makes the move with them; nothing stays. */
async function refusalOf(
  place: RawBuilder<unknown>,
  move: RawBuilder<unknown>,
): Promise<string | null> {
  let refusal: string | null = null
  const tried = it.db.transaction().execute(async (trx: Database) => {
    await sql`set local session_replication_role = replica`.execute(trx)
    await place.execute(trx)
    await sql`set local session_replication_role = origin`.execute(trx)
    await move.execute(trx).catch((error: unknown) => {
      refusal = (error as Error).message
    })
    throw new Undone('nothing stays')
  })
  await expect(tried).rejects.toThrow(/nothing stays|current transaction is aborted/)
  return refusal
}

type Machine = {
  readonly table: string
  readonly transitions: Readonly<Record<string, readonly string[]>>
  readonly set: (state: string) => RawBuilder<unknown>
}

const MACHINES: readonly Machine[] = [
  {
    table: 'policy',
    transitions: POLICY_TRANSITIONS,
    set: (state) => sql`update policy set state = ${state}`,
  },
  {
    table: 'review_case',
    transitions: REVIEW_TRANSITIONS,
    set: (state) => sql`update review_case set state = ${state}, assignee = 'user:ana',
      claimed_at = now() where id = groundstop_id('case')`,
  },
]

for (const { table, transitions, set } of MACHINES) {
  const states = Object.keys(transitions)
  const pairs = states.flatMap((from) => states.map((to) => [from, to] as const))
  describe(`a ${table}`, () => {
    test.each(pairs)('goes from %s to %s only if the domain says so', async (from, to) => {
      const isLegal = from === to || (transitions[from] ?? []).includes(to)
      const refusal = await refusalOf(set(from), set(to))
      expect(refusal).toBe(isLegal ? null : `${table} cannot go from ${from} to ${to}`)
    })
  })
}

describe('a settled leg', () => {
  const settled = sql`update flight_leg set phase = 'SETTLED', settled_at = now()`
  const refused = 'flight_leg cannot go from SETTLED to ARRIVED'

  test('does not leave SETTLED by itself', async () => {
    expect(await refusalOf(settled, sql`update flight_leg set phase = 'ARRIVED'`)).toBe(refused)
  })

  test('leaves it with a new revision', async () => {
    const revised = sql`update flight_leg set phase = 'ARRIVED', settled_revision = 1`
    expect(await refusalOf(settled, revised)).toBeNull()
  })

  test('leaves it when a policy is bound on it anew, or while one is undecided', async () => {
    const bound = sql`update flight_leg set phase = 'ARRIVED', settled_at = null`
    expect(await refusalOf(settled, bound)).toBeNull()
    const open = sql`update flight_leg set phase = 'SETTLED', settled_at = null`
    expect(await refusalOf(open, sql`update flight_leg set phase = 'ARRIVED'`)).toBeNull()
  })
})
