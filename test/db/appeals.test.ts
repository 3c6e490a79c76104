/** Appeals against decisions: taken within the product's days, looked at by people, never an edit. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createAppealStore } from '../../db/stores/appeal-store.ts'
import { createReviewEvidence } from '../../db/stores/review-evidence.ts'
import { createReviewTending } from '../../db/stores/review-tending-store.ts'
import { noteLongReviews } from '../../db/stores/notification-outbox.ts'
import { explainReview } from '../../domain/explain-review.ts'
import { REVIEWS_TWO_PERSON_LIMIT } from '../../domain/ports/review-decisions.ts'
import { addMs, DAY_MS, HOUR_MS, parseInstant } from '../../domain/time.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { B6_35, rowOf } from '../support/builders.ts'
import {
  ANA,
  appeal,
  BEN,
  correctTo,
  decide,
  decidedBook,
  numberOf,
  expireAt,
  expiredBook,
  line,
  payAll,
} from '../support/appealed-book.ts'
import { createPayoutStores, startPaymentRig } from '../support/payment-rig.ts'
import { book, type Book } from '../support/watched-book.ts'

let rig: Awaited<ReturnType<typeof startPaymentRig>>
beforeAll(async () => {
  rig = await startPaymentRig()
})
afterAll(() => rig[Symbol.asyncDispose]())

async function expectSoundBook({ db }: Book): Promise<void> {
  expect(await verifyBooks(createPayoutStores(db))).toEqual({ breaks: [] })
}

async function cases({ db }: Book): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', reason_code, state, resolution) as line from review_case
    order by 1`.execute(db)
  return rows.map((row) => row.line)
}

async function audited({ db }: Book): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', action, actor, details ->> 'reason') as line from audit_event
    where subject like 'policy:%' order by seq`.execute(db)
  return rows.map((row) => row.line)
}

async function facts({ db }: Book): Promise<string[]> {
  const { rows } = await sql<{ kind: string }>`
    select kind from notification_fact where kind like 'APPEAL%' order by id`.execute(db)
  return rows.map(({ kind }) => kind)
}

async function paidBook(delayMin = 45): Promise<Book> {
  const it = await decidedBook(delayMin)
  await payAll(it, rig)
  return it
}

describe('an appeal of an expired policy', () => {
  test('that stands gives EXPIRED back, tells the grounds and moves no money', async () => {
    await using it = await expiredBook()
    expect(await appeal(it)).toMatchObject({ kind: 'filed', isNew: true, appeal: { n: 1 } })
    expect(await line(it)).toBe('IN_REVIEW RELEASED | OPEN')
    await expectSoundBook(it)
    expect(await decide(it, { outcome: 'deny' })).toMatchObject({ resolution: 'DENIED' })
    expect(await line(it)).toBe('EXPIRED RELEASED | STANDS carrier report seen')
    await expectSoundBook(it)
    expect(await facts(it)).toEqual(['APPEAL_RECEIVED', 'APPEAL_STANDS'])
    expect(await audited(it)).toEqual([
      'policy.appeal user:ana doors opened at 45',
      'policy.appeal-end user:ana carrier report seen',
    ])
  })

  test('that is upheld is paid from the pool, as the first payout', async () => {
    await using it = await expiredBook()
    await appeal(it)
    expect(await decide(it, { outcome: 'pay', delayMin: 45 })).toMatchObject({
      resolution: 'PAID',
      payoutsCreated: 1,
    })
    expect(await line(it)).toBe('TRIGGERED RELEASED 7500 | UPHELD 7500 carrier report seen')
    await expectSoundBook(it)
    await payAll(it, rig)
    expect(await line(it)).toBe('PAID RELEASED 7500 | UPHELD 7500 carrier report seen')
    await expectSoundBook(it)
  })
})

describe('an appeal of a denied policy before its cover ends', () => {
  test('keeps it from expiring, and is paid from its reservation', async () => {
    await using it = await decidedBook(44)
    await appeal(it)
    await expireAt(it, 3 * DAY_MS)
    expect(await line(it)).toBe('MONITORING RESERVED | OPEN')
    await decide(it, { outcome: 'pay', bps: 10_000 })
    expect(await line(it)).toBe('TRIGGERED FULFILLED 25000 | UPHELD 25000 carrier report seen')
    await expectSoundBook(it)
  })

  test('that stands lets it expire', async () => {
    await using it = await decidedBook(44)
    await appeal(it)
    await decide(it, { outcome: 'deny' })
    expect(await line(it)).toBe('MONITORING RESERVED | STANDS carrier report seen')
    await expireAt(it, DAY_MS)
    expect(await line(it)).toBe('EXPIRED RELEASED | STANDS carrier report seen')
    await expectSoundBook(it)
  })
})

describe('an appeal of a paid policy', () => {
  test('that stands gives PAID back', async () => {
    await using it = await paidBook()
    await appeal(it)
    await expectSoundBook(it)
    await decide(it, { outcome: 'deny' })
    expect(await line(it)).toBe('PAID FULFILLED 7500 | STANDS carrier report seen')
    await expectSoundBook(it)
  })

  test('is paid the difference, up to the whole sum insured and never twice', async () => {
    await using it = await paidBook()
    await appeal(it)
    await expect(decide(it, { outcome: 'pay', bps: 3_000 })).rejects.toMatchObject({
      code: 'OUTCOME_NOT_POSSIBLE',
    })
    const who = { ...ANA, requestId: 'r-1' }
    await decide(it, { outcome: 'pay', bps: 10_000 }, who)
    await decide(it, { outcome: 'pay', bps: 10_000 }, who)
    expect(await line(it)).toBe('TRIGGERED FULFILLED 7500 17500 | UPHELD 17500 carrier report seen')
    await payAll(it, rig)
    expect(await line(it)).toBe('PAID FULFILLED 7500 17500 | UPHELD 17500 carrier report seen')
    await expectSoundBook(it)
  })

  test('is not closed by a mere word', async () => {
    await using it = await paidBook()
    await appeal(it)
    await expect(decide(it, { outcome: 'acknowledge' })).rejects.toMatchObject({
      code: 'OUTCOME_NOT_POSSIBLE',
    })
  })

  test('leaves a payment that came back meanwhile to its own case', async () => {
    await using it = await paidBook()
    await appeal(it)
    await sql`
      update payout set state = 'RETURNED', paid_at = null, transfer_id = null`.execute(it.db)
    await expect(decide(it, { outcome: 'pay', bps: 10_000 })).rejects.toMatchObject({
      code: 'PAYOUTS_UNSETTLED',
    })
    await decide(it, { outcome: 'deny' })
    expect(await line(it)).toBe('IN_REVIEW FULFILLED 7500 | STANDS carrier report seen')
  })
})

describe('an appeal of a closed policy', () => {
  test('that stands gives CLOSED back', async () => {
    await using it = await expiredBook()
    await expireAt(it, 32 * DAY_MS)
    expect(await line(it)).toBe('CLOSED RELEASED')
    await appeal(it)
    await decide(it, { outcome: 'deny' })
    expect(await line(it)).toBe('CLOSED RELEASED | STANDS carrier report seen')
    await expectSoundBook(it)
  })

  test('keeps a policy from being closed while it is open', async () => {
    await using it = await paidBook()
    await appeal(it)
    await expireAt(it, 32 * DAY_MS)
    expect(await line(it)).toBe('IN_REVIEW FULFILLED 7500 | OPEN')
  })
})

describe('an appeal is refused', () => {
  async function refusal(it: Book): Promise<string> {
    const filed = await appeal(it)
    return filed.kind === 'refused' ? filed.refusal.code : filed.kind
  }

  test('while the policy is undecided, and where there is no policy', async () => {
    await using it = await book([rowOf(B6_35, 'P1')])
    expect(await refusal(it)).toBe('UNDECIDED')
    await sql`update policy set state = 'DECLINED'`.execute(it.db)
    expect(await refusal(it)).toBe('NO_COVER')
    const none = createAppealStore(it.db).list('other', await it.clock.now())
    expect(await none).toBeNull()
  })

  test('while a payout is under way', async () => {
    await using it = await decidedBook(45)
    expect(await refusal(it)).toBe('PAYOUT_OPEN')
    await payAll(it, rig)
    expect(await refusal(it)).toBe('filed')
  })

  test('while another one is open; when that is decided another is taken', async () => {
    await using it = await expiredBook()
    const both = await Promise.all([appeal(it), appeal(it)])
    expect(both.map(({ kind }) => kind).toSorted()).toEqual(['filed', 'refused'])
    expect(await refusal(it)).toBe('APPEAL_OPEN')
    await decide(it, { outcome: 'deny' })
    it.clock.pass(HOUR_MS)
    expect(await appeal(it)).toMatchObject({ kind: 'filed', appeal: { n: 2 } })
    await decide(it, { outcome: 'deny' }, BEN)
    expect(await line(it)).toBe(
      'EXPIRED RELEASED | STANDS carrier report seen | STANDS checked as well',
    )
    await expectSoundBook(it)
  })

  test('from the end of the last day on, and not a millisecond before', async () => {
    await using it = await expiredBook()
    const { rows } = await sql<{ day: string }>`
      select ((decided_at at time zone 'UTC')::date + 61)::text as day from policy`.execute(it.db)
    const until = parseInstant(`${rows[0]?.day}T00:00:00Z`)
    it.clock.set(until)
    expect(await refusal(it)).toBe('TOO_LATE')
    it.clock.set(addMs(until, -1))
    expect(await refusal(it)).toBe('filed')
    const listed = await createAppealStore(it.db).list(await numberOf(it), await it.clock.now())
    expect(listed).toMatchObject({ until, refusal: { code: 'APPEAL_OPEN' }, appeals: [{ n: 1 }] })
  })
})

test('a request that is repeated is one appeal, also after it was decided', async () => {
  await using it = await expiredBook()
  const requestId = 'POST appeals key-1'
  const first = await appeal(it, { requestId })
  const again = await appeal(it, { requestId })
  expect(again).toEqual({ ...first, isNew: false })
  await decide(it, { outcome: 'deny' })
  expect(await appeal(it, { requestId })).toMatchObject({ isNew: false, appeal: { n: 1 } })
  expect(await cases(it)).toEqual(['APPEAL RESOLVED DENIED'])
})

describe('above the limit of one person', () => {
  const limit = (it: Book, minor: number) =>
    createPayoutStores(it.db).settingStore.write(REVIEWS_TWO_PERSON_LIMIT, minor, 'user:test')

  test('the end needs a second one, and the first one’s grounds are told', async () => {
    await using it = await paidBook()
    await limit(it, 17_499)
    await appeal(it)
    expect(await decide(it, { outcome: 'deny' })).toMatchObject({ awaitsSecondPerson: true })
    expect(await line(it)).toBe('IN_REVIEW FULFILLED 7500 | OPEN')
    await expect(decide(it, { outcome: 'confirm' })).rejects.toMatchObject({
      code: 'SECOND_PERSON_NEEDED',
    })
    await decide(it, { outcome: 'confirm' }, BEN)
    expect(await line(it)).toBe('PAID FULFILLED 7500 | STANDS carrier report seen')
  })

  test('at it one is enough', async () => {
    await using it = await paidBook()
    await limit(it, 17_500)
    await appeal(it)
    expect(await decide(it, { outcome: 'pay', bps: 10_000 })).toMatchObject({ policiesPaid: 1 })
  })
})

describe('beside a correction', () => {
  test('that pays first, an appeal of a denial stands without undoing it', async () => {
    await using it = await expiredBook()
    await appeal(it)
    await correctTo(it, 130)
    expect(await cases(it)).toEqual(['APPEAL OPEN', 'CORRECTION_HIGHER OPEN'])
    await decide(it, { outcome: 'pay', delayMin: 130 }, ANA, 'CORRECTION_HIGHER')
    await expect(decide(it, { outcome: 'pay', bps: 10_000 })).rejects.toMatchObject({
      code: 'PAYOUTS_UNSETTLED',
    })
    await decide(it, { outcome: 'deny' })
    expect(await line(it)).toBe('TRIGGERED RELEASED 15000 | STANDS carrier report seen')
    await payAll(it, rig)
    expect(await line(it)).toBe('PAID RELEASED 15000 | STANDS carrier report seen')
    await expectSoundBook(it)
  })

  test('of two who pay at once, nobody gets the same money twice', async () => {
    await using it = await paidBook()
    await appeal(it)
    await correctTo(it, 130)
    const both = await Promise.allSettled([
      decide(it, { outcome: 'pay', delayMin: 130 }),
      decide(it, { outcome: 'pay', delayMin: 130 }, BEN, 'CORRECTION_HIGHER'),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(await line(it)).toMatch(/^TRIGGERED FULFILLED 7500 7500 \|/)
    await payAll(it, rig)
    await expectSoundBook(it)
  })

  test('that came after its end the policy waits again, for what is still missing', async () => {
    await using it = await paidBook()
    await appeal(it)
    await decide(it, { outcome: 'pay', bps: 4_000 })
    await payAll(it, rig)
    await correctTo(it, 130)
    await decide(it, { outcome: 'pay', delayMin: 130 }, ANA, 'CORRECTION_HIGHER')
    expect(await line(it)).toBe(
      'TRIGGERED FULFILLED 7500 2500 5000 | UPHELD 2500 carrier report seen',
    )
    await expectSoundBook(it)
  })
})

test('the page of the case has the appeal, the insured times and what may be done', async () => {
  await using it = await expiredBook()
  const filed = await appeal(it)
  const caseId = filed.kind === 'filed' ? filed.appeal.caseId : ''
  const input = await createReviewEvidence(it.db).read(caseId)
  if (input === null) throw new Error('no case')
  const now = await it.clock.now()
  expect(explainReview({ ...input, now })).toMatchObject({
    reason: 'APPEAL',
    subject: { kind: 'policy', name: await numberOf(it) },
    dueAt: addMs(now, 3 * DAY_MS),
    details: { n: 1, reason: 'doors opened at 45', evidence: 'boarding pass 17' },
    possible: ['pay', 'deny', 'wait'],
    leg: { insured: { in: { utc: B6_35.scheduledIn } } },
    groups: [{ policies: 1, delayMin: 44 }],
  })
})

test('nobody but a person ends it, and its holder is not told that nothing is decided', async () => {
  await using it = await expiredBook()
  await appeal(it)
  const later = addMs(await it.clock.now(), 30 * DAY_MS)
  expect(await createReviewTending(it.db).closeGone(later, 10)).toEqual([])
  expect(await noteLongReviews(it.db, later, 10)).toBe(0)
})

test('what was asked is not changed, an end is final, and no policy is given back without one', async () => {
  await using it = await paidBook()
  await appeal(it)
  const { db } = it
  await expect(sql`update appeal set reason = 'other'`.execute(db)).rejects.toThrow('append-only')
  await expect(sql`delete from appeal`.execute(db)).rejects.toThrow('append-only')
  await expect(sql`update policy set state = 'PAID'`.execute(db)).rejects.toThrow(
    'only by an appeal that stands',
  )
  await decide(it, { outcome: 'deny' })
  await expect(
    sql`update appeal set result = 'UPHELD', more_minor = 1`.execute(db),
  ).rejects.toThrow('cannot go from STANDS to UPHELD')
})

test('a book whose appeal and case say different things is not sound', async () => {
  await using it = await paidBook()
  await appeal(it)
  await sql`
    update review_case set state = 'RESOLVED', resolution = 'DENIED'`.execute(it.db)
  const { breaks } = await verifyBooks(createPayoutStores(it.db))
  expect(breaks).toMatchObject([{ invariant: 'I1', detail: expect.stringContaining('is open') }])
})
