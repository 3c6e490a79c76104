/** Observations that no decision rests on go; evidence stays, whoever asks, and decisions replay as before. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createAgedRows } from '../../db/stores/aged-rows.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createReplaySource } from '../../db/stores/replay-source.ts'
import type { Database } from '../../db/client.ts'
import { addMs, DAY_MS, HOUR_MS, type Instant } from '../../domain/time.ts'
import { cleanUp } from '../../operations/clean-up.ts'
import { replayEvaluations } from '../../operations/replay-evaluations.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { B6_35, BOUND_AT, manyLegs, rowOf } from '../support/builders.ts'
import { unguarded } from '../support/unguarded.ts'
import { after, arrived, book, type Book } from '../support/watched-book.ts'

/** What looks for corrections find after the decision: one more observation of every leg. */
async function lookAgain(it: Book): Promise<void> {
  it.clock.pass(HOUR_MS)
  const now = await it.clock.now()
  await sql`
    insert into flight_observation (leg_id, provider, http_status, payload_sha256, norm_sha256, norm,
      first_seen_at, last_seen_at)
    select distinct on (leg_id) leg_id, provider, http_status, payload_sha256, payload_sha256, norm,
      ${now}::timestamptz, ${now}::timestamptz
    from flight_observation order by leg_id, id desc`.execute(it.db)
  await sql`update flight_leg set last_polled_at = ${now}::timestamptz`.execute(it.db)
}

/** A leg decided, then looked at twice more: two observations that no decision knows. */
async function decidedBook(): Promise<Book & { readonly before: Instant }> {
  const it = await book([rowOf(B6_35, 'P1')])
  await it.settle(arrived(90), after(90))
  await it.decide()
  await lookAgain(it)
  await lookAgain(it)
  await sql`update flight_leg set correction_look_at = null`.execute(it.db)
  return { ...it, before: addMs(await it.clock.now(), DAY_MS) }
}

const aged = ({ db }: { readonly db: Database }) => createAgedRows(db).observations

async function ids({ db }: { readonly db: Database }): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    select id from flight_observation order by id`.execute(db)
  return rows.map(({ id }) => id)
}

async function named({ db }: { readonly db: Database }): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    select distinct unnest(observation_ids) as id from evaluation order by 1`.execute(db)
  return rows.map(({ id }) => id)
}

/** A statement of somebody who knows the word that retention says. */
function disguised(db: Database, statement: string): Promise<unknown> {
  return db.transaction().execute(async (trx) => {
    await sql`set local groundstop.retention = 'on'`.execute(trx)
    return sql.raw(statement).execute(trx)
  })
}

describe('observations of a settled leg', () => {
  test('that came after its decisions go, those a decision names stay, and it replays', async () => {
    await using it = await decidedBook()
    const evidence = await named(it)
    const all = await ids(it)
    expect(all.length).toBe(evidence.length + 2)
    expect(await aged(it).count(it.before)).toMatchObject({ items: 2 })
    expect(await ids(it)).toEqual(all)
    expect(await aged(it).removeBatch(it.before, 1_000)).toMatchObject({ items: 2, hasMore: false })
    expect(await ids(it)).toEqual(evidence)
    const deps = { replaySource: createReplaySource(it.db) }
    const replayed = await replayEvaluations(deps, { after: null }, { maxPages: 10 })
    expect(replayed).toMatchObject({ evaluations: 1, breaks: [] })
  })

  test('stay when they came before the last one that a decision names', async () => {
    await using it = await decidedBook()
    const all = await ids(it)
    await unguarded(it.db, (trx) =>
      sql`update evaluation set observation_ids = array[${all.at(-1)}::bigint]`.execute(trx),
    )
    await aged(it).removeBatch(it.before, 1_000)
    expect(await ids(it)).toEqual(all)
  })

  test('stay until the leg was settled and last asked about before the moment', async () => {
    await using it = await decidedBook()
    const asked = await it.clock.now()
    expect(await aged(it).removeBatch(asked, 1_000)).toMatchObject({ items: 0 })
    const justAfter = addMs(asked, 1)
    expect(await aged(it).removeBatch(justAfter, 1_000)).toMatchObject({ items: 2 })
  })

  test.each([
    ['a correction is looked for', 'update flight_leg set correction_look_at = now()'],
    ['a policy is undecided', 'update flight_leg set undecided_policies = 1'],
    [
      'a case about the leg is open',
      `insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
       select gen_random_uuid(), 'leg', id, 'TEST', now() from flight_leg`,
    ],
    [
      'a case about its policy is open',
      `insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
       select gen_random_uuid(), 'policy', id, 'TEST', now() from policy`,
    ],
  ])('stay while %s, and no other statement may delete them either', async (_why, change) => {
    await using it = await decidedBook()
    await sql.raw(change).execute(it.db)
    const all = await ids(it)
    expect(await aged(it).removeBatch(it.before, 1_000)).toMatchObject({ items: 0 })
    const free = `delete from flight_observation where id = ${all.at(-1)}`
    await expect(disguised(it.db, free)).rejects.toThrow('delete refused')
    expect(await ids(it)).toEqual(all)
  })

  test('named by an evaluation of another leg are evidence too', async () => {
    await using it = await decidedBook()
    const last = (await ids(it)).at(-1)
    await sql`
      insert into flight_leg (id, leg_key, carrier, flight_number, origin, destination,
        origin_local_date, origin_zone, destination_zone, provider_ident, scheduled_out, scheduled_in)
      values (groundstop_id('other'), 'other', 'B6', '1', 'JFK', 'PBI', '2013-03-09', 'America/New_York',
        'America/New_York', 'JBU1', '2013-03-09T15:00Z', '2013-03-09T18:00Z')`.execute(it.db)
    await sql`
      insert into evaluation (id, leg_id, product_version_id, insured_scheduled_in, tzdata_version,
        facts, observation_ids, outcome, delay_min, bps, reasons, evaluated_at)
      select groundstop_id('other'), groundstop_id('other'), product_version_id, insured_scheduled_in,
        tzdata_version, facts, array[${last}::bigint], outcome, delay_min, bps, reasons, evaluated_at
      from evaluation`.execute(it.db)
    expect(await aged(it).removeBatch(it.before, 1_000)).toMatchObject({ items: 1 })
    expect(await ids(it)).toContain(last)
  })
})

describe('the schema', () => {
  test('refuses a plain delete of what may go, and a disguised one of evidence', async () => {
    await using it = await decidedBook()
    const [free, evidence] = [(await ids(it)).at(-1), (await named(it))[0]]
    const plain = sql.raw(`delete from flight_observation where id = ${free}`).execute(it.db)
    await expect(plain).rejects.toThrow('flight_observation is append-only: delete refused')
    const worse = disguised(it.db, `delete from flight_observation where id = ${evidence}`)
    await expect(worse).rejects.toThrow('flight_observation is append-only: delete refused')
  })

  test('is still guarded after retention, as the verification of the book finds', async () => {
    await using it = await decidedBook()
    await aged(it).removeBatch(it.before, 1_000)
    const broken = async () => (await verifyBooks({ ledgerStore: createLedgerStore(it.db) })).breaks
    expect(await broken()).toEqual([])
    await sql`alter table flight_observation disable trigger no_delete`.execute(it.db)
    expect(await broken()).toMatchObject([{ subject: 'table:flight_observation' }])
  })

  test('binds nothing to a leg that lost observations, and does to one that lost none', async () => {
    await using it = await decidedBook()
    await aged(it).removeBatch(it.before, 1_000)
    await expect(it.bind([LATE_ROW])).rejects.toThrow('its observations are gone')
    await using whole = await book([rowOf(B6_35, 'P1')])
    await whole.settle(arrived(90), after(90))
    await whole.decide()
    await sql`update flight_leg set correction_look_at = null`.execute(whole.db)
    const before = addMs(await whole.clock.now(), DAY_MS)
    expect(await aged(whole).removeBatch(before, 1_000)).toMatchObject({ items: 0 })
    expect(await whole.bind([LATE_ROW])).toMatchObject({ rejected: [] })
  })
})

test('broken off between batches and begun again it ends with the evidence alone', async () => {
  const legs = manyLegs(5)
  await using it = await book(
    legs.map((leg, i) => rowOf(leg, `P${i}`)),
    legs,
  )
  await it.settle(arrived(90), 3 * HOUR_MS)
  await it.decide()
  await lookAgain(it)
  await sql`update flight_leg set correction_look_at = null`.execute(it.db)
  const none = { count: async () => NOTHING, removeBatch: async () => NOTHING }
  const deps = { aged: { ...createAgedRows(it.db), files: none, logs: none } }
  const before = addMs(await it.clock.now(), DAY_MS)
  const cut = { class: 'observations', before, batchSize: 20 } as const
  const stop = new AbortController()
  const broken = cleanUp(deps, cut, {
    maxBatches: 20,
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('killed')),
  })
  await expect(broken).rejects.toThrow('killed')
  expect(await ids(it)).not.toEqual(await named(it))
  expect(await cleanUp(deps, cut, { maxBatches: 20 })).toMatchObject({ isComplete: true, items: 3 })
  expect(await ids(it)).toEqual(await named(it))
})

/** Bound elsewhere in time, and told of only now. */
const LATE_ROW = rowOf(B6_35, 'P2', { bound_at: BOUND_AT })

const NOTHING = { items: 0, bytes: 0 }
