/** Cases that end by themselves, late data against reviewers, idle claims, and runs under their cap. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createPayoutStore } from '../../db/stores/payout-store.ts'
import { createReviewDecisions } from '../../db/stores/review-decision-store.ts'
import { createReviewStore } from '../../db/stores/review-store.ts'
import { createReviewTending } from '../../db/stores/review-tending-store.ts'
import { legKey } from '../../domain/leg.ts'
import { addMs, DAY_MS, HOUR_MS } from '../../domain/time.ts'
import { decideReview, moveReview } from '../../operations/decide-review.ts'
import { OPEN_RUNS_AT_MOST, sweepReviews } from '../../operations/sweep-reviews.ts'
import { tendReview } from '../../operations/tend-review.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { arrivedRecord, B6_35, failure, identityOf, rowOf } from '../support/builders.ts'
import { createTestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock } from '../support/payment-rig.ts'
import { book, type Book } from '../support/watched-book.ts'

const KEY = legKey(identityOf(B6_35))
const ANA = { by: 'user:ana', reason: 'looked' }

/** The leg is unknown when cover ends: one case. */
async function reviewedBook(rows = [rowOf(B6_35, 'P1')]) {
  const it = await book(rows)
  it.flightData.shown.set(KEY, failure('UNAVAILABLE'))
  it.clock.set(addMs(B6_35.scheduledIn, DAY_MS))
  await it.poll()
  await it.decide()
  const { rows: cases } = await sql<{ id: string }>`select id from review_case`.execute(it.db)
  const caseId = cases[0]?.id ?? ''
  const deps = {
    ...it,
    legStore: createLegStore(it.db),
    payoutStore: createPayoutStore(it.db),
    payoutRuns: { carryOn: () => Promise.reject(new Error('no payout here')) },
    reviewDecisions: createReviewDecisions(it.db),
    reviewTending: createReviewTending(it.db),
    clockSpeed: async () => 1,
  }
  return { ...it, caseId, deps, tend: () => tendReview(deps, { caseId }) }
}

async function standing({ db }: Pick<Book, 'db'>) {
  const { rows } = await sql<Record<string, unknown>>`
    select r.state, r.resolution, r.assignee, (
      select json_agg(distinct p.state) from policy p) as policies
    from review_case r order by r.created_at limit 1`.execute(db)
  return rows[0]
}

async function expectSoundBook({ db }: Pick<Book, 'db'>) {
  expect(await verifyBooks({ ledgerStore: createLedgerStore(db) })).toEqual({ breaks: [] })
}

describe('late data', () => {
  test('pays when it is confirmed, and closes the case', async () => {
    await using it = await reviewedBook()
    it.flightData.shown.set(KEY, [arrivedRecord(B6_35, 130)])
    it.clock.pass(HOUR_MS)
    expect(await it.tend()).toMatchObject({ isOpen: true, policiesPaid: 0 })
    it.clock.pass(HOUR_MS)
    expect(await it.tend()).toMatchObject({ isOpen: false, policiesPaid: 1 })
    expect(await standing(it)).toMatchObject({
      state: 'RESOLVED',
      resolution: 'DECIDED_BY_DATA',
      policies: ['TRIGGERED'],
    })
    await expectSoundBook(it)
  })

  test('expires what no tier pays', async () => {
    await using it = await reviewedBook()
    it.flightData.shown.set(KEY, [arrivedRecord(B6_35, 10)])
    for (let look = 0; look < 2; look += 1) {
      it.clock.pass(2 * HOUR_MS)
      await it.tend()
    }
    expect(await standing(it)).toMatchObject({ state: 'RESOLVED', policies: ['EXPIRED'] })
    await expectSoundBook(it)
  })

  test('is not asked for before it is time', async () => {
    await using it = await reviewedBook()
    const { status } = it.flightData.asked
    await it.tend()
    expect(it.flightData.asked.status).toBe(status)
    it.clock.pass(30 * 60_000)
    await it.tend()
    expect(it.flightData.asked.status).toBe(status + 1)
  })

  test('that still says nothing leaves the case to people', async () => {
    await using it = await reviewedBook()
    it.clock.pass(HOUR_MS)
    expect(await it.tend()).toMatchObject({ isOpen: true, state: 'OPEN' })
    expect(await standing(it)).toMatchObject({ policies: ['IN_REVIEW'] })
  })

  test('and a reviewer at once decide once, whoever is first', async () => {
    await using it = await reviewedBook([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')])
    it.flightData.shown.set(KEY, [arrivedRecord(B6_35, 130)])
    it.clock.pass(HOUR_MS)
    await it.tend()
    it.clock.pass(2 * HOUR_MS)
    const { caseId, deps } = it
    const decision = { outcome: 'deny' } as const
    await Promise.allSettled([
      it.tend(),
      decideReview(deps, { ...ANA, caseId, decision }),
      it.tend(),
    ])
    const { state, resolution, policies } = (await standing(it)) ?? {}
    expect(state).toBe('RESOLVED')
    expect(policies).toEqual([resolution === 'DENIED' ? 'EXPIRED' : 'TRIGGERED'])
    await expectSoundBook(it)
  })
})

describe('a case that nobody moves', () => {
  test('loses its idle claim, then is handed up, each with an audit event', async () => {
    await using it = await reviewedBook()
    await moveReview(it.deps, { ...ANA, caseId: it.caseId, action: 'claim' })
    it.clock.pass(4 * HOUR_MS - 1)
    expect(await it.tend()).toMatchObject({ isReleased: false, state: 'CLAIMED' })
    it.clock.pass(1)
    expect(await it.tend()).toMatchObject({ isReleased: true, state: 'OPEN', assignee: null })
    it.clock.pass(20 * HOUR_MS)
    expect(await it.tend()).toMatchObject({ isEscalated: true, state: 'ESCALATED' })
    expect(await it.tend()).toMatchObject({ isEscalated: false, isReminded: false })
    const { rows } = await sql`
      select actor, action from audit_event where subject = ${`review:${it.caseId}`}
      order by seq`.execute(it.db)
    expect(rows).toEqual([
      { actor: 'user:ana', action: 'review.claim' },
      { actor: 'rule:review-sla', action: 'review.release' },
      { actor: 'rule:review-sla', action: 'review.escalate' },
    ])
  })

  test('is left alone when a person moved it since it was read', async () => {
    await using it = await reviewedBook()
    const { reviewTending } = it.deps
    const read = await reviewTending.read(it.caseId)
    if (read === null) throw new Error('no case')
    await moveReview(it.deps, { ...ANA, caseId: it.caseId, action: 'claim' })
    const plan = {
      isReleased: false,
      isEscalated: true,
      isReminded: false,
      isLookDue: false,
      nextAt: read.openedAt,
    }
    expect(await reviewTending.carryOut(read, plan, await it.clock.now())).toBe(false)
    expect(await standing(it)).toMatchObject({ state: 'CLAIMED' })
  })
})

/** Runs that are only noted. */
function notedRuns() {
  const started: string[] = []
  const woken: string[] = []
  return {
    started,
    woken,
    reviewRuns: {
      start: async (caseId: string) => void started.push(caseId),
      wake: async (caseId: string) => void woken.push(caseId),
    },
  }
}

describe('a sweep', () => {
  test('closes the case of a payout that settled by itself, and not before', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const clock = new HandClock()
    const stores = createPayoutStores(db)
    const [payoutId = ''] = await makePayoutBook(db, { size: 1 })
    const at = await clock.now()
    await stores.payoutStore.approve(
      { payoutIds: [payoutId] },
      { by: 'rule:auto', isByPerson: false, at, reason: null, requestId: 'r' },
    )
    await stores.payoutStore.openAttempts({ payoutIds: [payoutId] }, { provider: 'stripe', at })
    const newCase = { reasonCode: 'PAYOUT_UNSETTLED', details: {}, openedAt: at }
    await stores.reviewStore.open({ subjectKind: 'payout', subjectId: payoutId, ...newCase })
    const { reviewRuns, woken } = notedRuns()
    const deps = { reviewTending: createReviewTending(db), reviewRuns, clock }
    expect(await sweepReviews(deps)).toMatchObject({ closed: 0, started: 1, open: 1 })
    await stores.payoutStore.recordAccepted([{ payoutId, n: 1, transferId: 'tr_1' }], at)
    expect(await sweepReviews(deps)).toMatchObject({ closed: 1, started: 0, ended: 1, open: 0 })
    expect(await standing({ db })).toMatchObject({ resolution: 'PAYOUT_SETTLED' })
    expect(woken).toHaveLength(1)
    expect(await sweepReviews(deps)).toMatchObject({ closed: 0, started: 0, ended: 0 })
    await expectSoundBook({ db })
  })

  test('closes the case of a leg for which no policy waits any more', async () => {
    await using it = await reviewedBook()
    const { reviewRuns } = notedRuns()
    const deps = { ...it.deps, reviewRuns }
    expect(await sweepReviews(deps)).toMatchObject({ closed: 0 })
    await sql`update policy set state = 'EXPIRED', outcome = 'NO_PAY', bps = 0, amount_minor = 0,
      decided_at = now()`.execute(it.db)
    expect(await sweepReviews(deps)).toMatchObject({ closed: 1 })
    expect(await standing(it)).toMatchObject({ resolution: 'DECIDED_BY_DATA' })
  })

  test('leaves a disputed tier to people: it was paid at once, and the difference is open', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const clock = new HandClock()
    await sql`
      insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
      values (groundstop_id('c'), 'leg', groundstop_id('l'), 'TIER_DISPUTED',
        '{"evaluationId": "e", "disputedBps": 6000}', ${await clock.now()})`.execute(db)
    const deps = { reviewTending: createReviewTending(db), ...notedRuns(), clock }
    expect(await sweepReviews(deps)).toMatchObject({ closed: 0, started: 1 })
  })

  test('closes the case of a ceiling when its day is over', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const clock = new HandClock()
    await sql`
      insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
      values (groundstop_id('c'), 'control', groundstop_id('d'), 'DAILY_CEILING',
        '{"day": "2013-02-08", "currency": "USD"}', ${await clock.now()})`.execute(db)
    const deps = { reviewTending: createReviewTending(db), ...notedRuns(), clock }
    clock.advance(4 * HOUR_MS - 1)
    expect(await sweepReviews(deps)).toMatchObject({ closed: 0 })
    clock.advance(1)
    expect(await sweepReviews(deps)).toMatchObject({ closed: 1 })
  })

  test('opens no more runs than allowed, the oldest cases first, and says how many wait', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const clock = new HandClock()
    await sql`
      insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
      select groundstop_id('case' || i), 'leg', groundstop_id('leg' || i), 'NO_FINAL_DATA',
        '2013-02-08'::timestamptz + i * interval '1 second'
      from generate_series(1, 5000) i`.execute(db)
    const { reviewRuns, started } = notedRuns()
    const deps = { reviewTending: createReviewTending(db), reviewRuns, clock }
    expect(await sweepReviews(deps)).toEqual({
      closed: 0,
      started: OPEN_RUNS_AT_MOST,
      ended: 0,
      open: OPEN_RUNS_AT_MOST,
      waiting: 5_000 - OPEN_RUNS_AT_MOST,
    })
    const oldest = await sql<{ id: string }>`select groundstop_id('case1') as id`.execute(db)
    expect(started[0]).toBe(oldest.rows[0]?.id)
    expect(await sweepReviews(deps)).toMatchObject({ started: 0 })
    await sql`update review_case set state = 'RESOLVED' where id = groundstop_id('case1')`.execute(
      db,
    )
    expect(await sweepReviews(deps)).toMatchObject({ started: 1, ended: 1, waiting: 4_899 })
  })

  test('starts the run of a case again that was silent for half a day', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const clock = new HandClock()
    const openedAt = await clock.now()
    await createReviewStore(db).open({
      subjectKind: 'transfer',
      subjectId: '5f0c6a52-2f0e-5d1c-8a37-6f1f3f0e9c01',
      reasonCode: 'MISSING_IN_LEDGER',
      details: {},
      openedAt,
    })
    const { reviewRuns, started } = notedRuns()
    const deps = { reviewTending: createReviewTending(db), reviewRuns, clock }
    await sweepReviews(deps)
    await sweepReviews(deps)
    expect(started).toHaveLength(1)
    await sql`update review_case set orchestrated_at = now() - interval '13 hours'`.execute(db)
    await sweepReviews(deps)
    expect(started).toHaveLength(2)
  })
})
