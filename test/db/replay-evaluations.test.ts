/** Decisions made again from stored observations; breaks of the book as cases that close when mended. */
import { sql, type RawBuilder } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createBookBreakCases } from '../../db/stores/book-break-cases.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createPolicyEvaluationReads } from '../../db/stores/policy-evaluations.ts'
import { createReplaySource } from '../../db/stores/replay-source.ts'
import type { Database } from '../../db/client.ts'
import { legKey } from '../../domain/leg.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import { replayEvaluations } from '../../operations/replay-evaluations.ts'
import { tellBookBreaks } from '../../operations/tell-book-breaks.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import {
  arrivedRecord,
  B6_35,
  failure,
  fakeFlightData,
  identityOf,
  manyLegs,
  recordOf,
  rowOf,
} from '../support/builders.ts'
import { earlyBook, retimed, timetable } from '../support/early-book.ts'
import { after, arrived, book, type Book } from '../support/watched-book.ts'

const KEY = legKey(identityOf(B6_35))

function replay({ db }: Pick<Book, 'db'>, maxPages = 100) {
  const deps = { replaySource: createReplaySource(db) }
  return replayEvaluations(deps, { after: null }, { maxPages })
}

/** Does what no statement of the product could. */
async function plant(db: Database, defect: RawBuilder<unknown>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`set local session_replication_role = replica`.execute(trx)
    await defect.execute(trx)
  })
}

/** A leg with a history: retimed, cancelled, reinstated, corrected, and one look after the decision. */
async function eventfulBook(): Promise<Book> {
  const it = await book([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2', { product: 'FD180' })])
  const looks = [
    [recordOf(B6_35)],
    [recordOf(B6_35, { estimatedOut: addMs(B6_35.scheduledOut, 40 * MINUTE_MS) })],
    [recordOf(B6_35, { cancelled: true })],
    [],
    [recordOf(B6_35, { actualOut: addMs(B6_35.scheduledOut, 60 * MINUTE_MS) })],
    [arrivedRecord(B6_35, 118)],
    [arrivedRecord(B6_35, 119)],
    [arrivedRecord(B6_35, 125)],
  ]
  it.clock.set(addMs(B6_35.scheduledOut, -HOUR_MS))
  for (const shown of looks) {
    it.flightData.shown.set(KEY, shown)
    it.clock.pass(45 * MINUTE_MS)
    await it.poll()
    await it.poll()
  }
  it.clock.pass(2 * HOUR_MS)
  await it.poll()
  await it.decide()
  return it
}

describe('replaying decisions', () => {
  test('reproduces them from an eventful run of answers', async () => {
    await using it = await eventfulBook()
    expect(await replay(it)).toEqual({
      legs: 1,
      evaluations: 2,
      ofOtherRules: 0,
      breaks: [],
      next: null,
    })
  })

  test('reads each answer by the timetable of its time, however often that was endorsed', async () => {
    await using it = await earlyBook([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2', { product: 'FD180' })])
    // Over midnight: by the last timetable the second record would be another flight, eight hours off.
    for (const [n, hours] of [14, 18, 22, 26].entries()) {
      it.show({ ...retimed(hours * 60), providerFlightId: `id-${n}` })
      await it.pollAt((n - 40) * HOUR_MS)
      await it.pollAt((n - 39.5) * HOUR_MS)
    }
    it.show(arrivedRecord({ ...B6_35, ...timetable(26 * 60) }, 130))
    it.clock.set(addMs(timetable(26 * 60).scheduledIn, 131 * MINUTE_MS))
    await it.poll()
    it.clock.pass(HOUR_MS)
    await it.poll()
    expect(await it.decide()).toMatchObject({ policiesPaid: 1, policiesNotPaid: 1 })
    const { rows } =
      await sql`select distinct e.facts -> 'providerIds' as ids from evaluation e`.execute(it.db)
    expect(rows).toMatchObject([{ ids: expect.arrayContaining(['id-0', 'id-1', 'id-2', 'id-3']) }])
    expect(await replay(it)).toMatchObject({ evaluations: 2, breaks: [] })
    await plant(it.db, sql`delete from endorsement`)
    const { breaks } = await replay(it)
    expect(breaks.map(({ invariant }) => invariant)).toEqual(['I10', 'I10'])
  })

  test('knows only what a decision knew: later answers change nothing', async () => {
    // FD180 is decided an hour before FD120, whose edge waits longer; answers come in between.
    await using it = await book([
      rowOf(B6_35, 'P1', { product: 'FD180' }),
      rowOf(B6_35, 'P2', { product: 'FD120' }),
    ])
    await it.settle(arrived(120), after(120), 15 * MINUTE_MS)
    await it.decide()
    it.clock.pass(45 * MINUTE_MS)
    await it.poll()
    await it.decide()
    expect(await replay(it)).toMatchObject({ evaluations: 2, breaks: [] })
  })

  test.each([
    ['agree', 91, 1],
    ['dispute the tier', 125, 1],
    ['contradict each other', 20, 0],
  ])('reproduces what two sources decided that %s', async (_what, secondMin, evaluations) => {
    await using it = await book([rowOf(B6_35, 'P1')])
    const secondFlightData = { ...fakeFlightData([B6_35]), id: 'second' }
    const deps = { ...it, legStore: createLegStore(it.db), secondFlightData }
    const tick = { legIds: it.legIds, claimedBy: 'tick' }
    it.flightData.shown.set(KEY, [arrivedRecord(B6_35, 90)])
    const said = {
      providerFlightId: null,
      arrivalQuality: 'UNKNOWN',
      timeReading: 'LOCAL',
    } as const
    secondFlightData.shown.set(KEY, [{ ...arrivedRecord(B6_35, secondMin), ...said }])
    it.clock.set(addMs(B6_35.scheduledIn, 126 * MINUTE_MS))
    for (let look = 0; look < 3; look += 1) {
      await pollLegShard(deps, tick, { concurrency: 1 })
      await it.decide()
      it.clock.pass(20 * MINUTE_MS)
    }
    expect(await replay(it)).toMatchObject({ evaluations, breaks: [] })
  })

  test('reproduces a review without any answer', async () => {
    await using it = await book([rowOf(B6_35, 'P1')])
    it.flightData.shown.set(KEY, failure('UNAVAILABLE'))
    it.clock.set(addMs(B6_35.scheduledIn, DAY_MS))
    await it.poll()
    await it.decide()
    expect(await replay(it)).toMatchObject({ evaluations: 1, breaks: [] })
  })

  test.each<readonly [string, RawBuilder<unknown>]>([
    [
      'an observation that was changed',
      sql`update flight_observation set norm = jsonb_set(norm, '{0,actualIn}',
        to_jsonb('2013-03-09T17:10:00.000Z'::text)) where norm #>> '{0,actualIn}' is not null`,
    ],
    [
      'an observation that was removed',
      sql`delete from flight_observation where id = (
        select max(id) from flight_observation)`,
    ],
    [
      'an outcome that the rules do not give',
      sql`update evaluation set outcome = 'NO_PAY', bps = 0
        where outcome = 'PAY'`,
    ],
    ['a delay that was written by hand', sql`update evaluation set delay_min = delay_min + 1`],
    [
      'rules that were changed afterwards',
      sql`update product_version
        set rules = jsonb_set(rules, '{tiers,1,bps}', '1')
        where code = 'FD45'`,
    ],
  ])('finds %s', async (_what, defect) => {
    await using it = await eventfulBook()
    await plant(it.db, defect)
    const { breaks } = await replay(it)
    expect(breaks[0]).toMatchObject({ invariant: 'I10' })
  })

  test('leaves those of another state of the rules alone, and says how many', async () => {
    await using it = await eventfulBook()
    const wrong = sql`update evaluation set delay_min = delay_min + 1`
    await plant(it.db, sql`${wrong}, decision_revision = decision_revision - 1 where bps > 0`)
    expect(await replay(it)).toMatchObject({ evaluations: 1, ofOtherRules: 1, breaks: [] })
    await plant(it.db, sql`update evaluation set decision_revision = null`)
    expect(await replay(it)).toMatchObject({ evaluations: 0, ofOtherRules: 2, breaks: [] })
  })

  test('goes on page by page to the last leg', async () => {
    const legs = manyLegs(201)
    await using it = await book(
      legs.map((leg, n) => rowOf(leg, `P${n}`)),
      legs,
    )
    await it.settle(arrived(90), after(90))
    await it.decide()
    const first = await replay(it, 1)
    expect(first).toMatchObject({ legs: 200, breaks: [] })
    const deps = { replaySource: createReplaySource(it.db) }
    const last = await replayEvaluations(deps, { after: first.next }, { maxPages: 1 })
    expect(last).toMatchObject({ legs: 1, evaluations: 1, next: null })
  })
})

describe('breaks of watched legs and guards', () => {
  async function breaksOf(it: Book, isTimed = false) {
    const deps = { ledgerStore: createLedgerStore(it.db), ...(isTimed ? { clock: it.clock } : {}) }
    return (await verifyBooks(deps)).breaks
  }

  test('are none in a book that is watched', async () => {
    await using it = await book([rowOf(B6_35, 'P1')])
    await it.poll()
    expect(await breaksOf(it, true)).toEqual([])
  })

  test('are a leg without a next poll, and one that counts wrongly', async () => {
    await using it = await book([rowOf(B6_35, 'P1')])
    await sql`update flight_leg set next_poll_at = null, undecided_policies = 2`.execute(it.db)
    const breaks = await breaksOf(it)
    expect(breaks.map(({ invariant }) => invariant)).toEqual(['I7', 'I7'])
  })

  test('are a leg that nobody answers for and no incident tells of', async () => {
    await using it = await book([rowOf(B6_35, 'P1')])
    await it.poll()
    it.clock.pass(20 * HOUR_MS)
    expect(await breaksOf(it, true)).toMatchObject([{ invariant: 'I7' }])
    await sql`insert into coverage_incident (leg_id, poll_phase, gap_s, max_gap_s, opened_at)
      select id, poll_phase, 1, 1, now() from flight_leg`.execute(it.db)
    expect(await breaksOf(it, true)).toEqual([])
  })

  test.each(['disable', 'drop'])('are a guard that somebody let sleep: %s', async (how) => {
    await using it = await book([rowOf(B6_35, 'P1')])
    const table = how === 'drop' ? sql`drop trigger no_change on evaluation` : null
    await (table ?? sql`alter table evaluation disable trigger no_change`).execute(it.db)
    expect(await breaksOf(it)).toMatchObject([{ invariant: 'I8', subject: 'table:evaluation' }])
  })
})

describe('telling people of breaks', () => {
  async function casesOf({ db }: Book) {
    const { rows } = await sql`
      select subject_kind as kind, details ->> 'invariant' as invariant, state, resolution
      from review_case where reason_code = 'BOOK_BREAK' order by 1, 2`.execute(db)
    return rows
  }

  test('opens one case a subject, once, and closes it when the break is mended', async () => {
    await using it = await book([rowOf(B6_35, 'P1')])
    const deps = { bookBreakCases: createBookBreakCases(it.db), clock: it.clock }
    await sql`update flight_leg set undecided_policies = 2`.execute(it.db)
    const { breaks } = await verifyBooks({ ledgerStore: createLedgerStore(it.db) })
    const found = { breaks: [...breaks, ...breaks], checked: ['I1', 'I7'] }
    expect(await tellBookBreaks(deps, found)).toEqual({ casesOpened: 1, casesClosed: 0 })
    expect(await tellBookBreaks(deps, found)).toEqual({ casesOpened: 0, casesClosed: 0 })
    expect(await casesOf(it)).toMatchObject([{ kind: 'leg', invariant: 'I7', state: 'OPEN' }])
    const unchecked = { breaks: [], checked: ['I1'] }
    expect(await tellBookBreaks(deps, unchecked)).toMatchObject({ casesClosed: 0 })
    const mended = { breaks: [], checked: ['I7'] }
    expect(await tellBookBreaks(deps, mended)).toMatchObject({ casesClosed: 1 })
    expect(await casesOf(it)).toMatchObject([{ state: 'RESOLVED', resolution: 'REASON_GONE' }])
    expect(await tellBookBreaks(deps, found)).toMatchObject({ casesOpened: 1 })
  })

  test('names what is neither a policy, a payout nor a leg by itself', async () => {
    await using it = await book([rowOf(B6_35, 'P1')])
    const deps = { bookBreakCases: createBookBreakCases(it.db), clock: it.clock }
    const breaks = [{ invariant: 'I3', subject: 'account:pool:main:available', detail: 'drifted' }]
    expect(await tellBookBreaks(deps, { breaks, checked: [] })).toMatchObject({ casesOpened: 1 })
    expect(await casesOf(it)).toMatchObject([{ kind: 'control', invariant: 'I3' }])
  })
})

test('evaluations of a policy are shown with the facts and all observations that they rest on', async () => {
  await using it = await eventfulBook()
  const reads = createPolicyEvaluationReads(it.db)
  const shown = await reads.read('P1')
  const { rows } = await sql<{ ids: number[] }>`
    select e.observation_ids as ids from evaluation e join policy p on p.evaluation_id = e.id
    where p.policy_number = 'P1'`.execute(it.db)
  expect(shown).toMatchObject({
    policyNumber: 'P1',
    evaluations: [
      {
        isDecisive: true,
        product: { code: 'FD45' },
        payoutIds: [expect.any(String)],
        facts: { version: 1, arrival: { value: expect.any(String) } },
        observations: rows[0]?.ids.map((observationId) => ({ observationId, provider: 'fake' })),
      },
    ],
  })
  // The other policy of the leg has another product, and rests on an evaluation of its own.
  const other = await reads.read('P2')
  expect(other?.evaluations).toMatchObject([{ isDecisive: true, product: { code: 'FD180' } }])
  expect(await reads.read('P9')).toBeNull()
})
