/** Appeals against decisions: taken within the product's days, looked at by people, never an edit. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createAppealStore } from '../../db/stores/appeal-store.ts'
import { createReviewEvidence } from '../../db/stores/review-evidence.ts'
import { createReviewTending } from '../../db/stores/review-tending-store.ts'
import { explainReview } from '../../domain/explain-review.ts'
import { REVIEWS_TWO_PERSON_LIMIT } from '../../domain/ports/review-decisions.ts'
import { addMs, DAY_MS, parseInstant } from '../../domain/time.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import {
  ANA,
  appeal,
  BEN,
  correctTo,
  decide,
  decidedBook,
  DENIED,
  expireAt,
  line,
  OWED,
  pay,
  type Appealed,
} from '../support/appealed-book.ts'
import { B6_35 } from '../support/builders.ts'
import { createPayoutStores, startPaymentRig } from '../support/payment-rig.ts'
import type { Book } from '../support/watched-book.ts'

let rig: Awaited<ReturnType<typeof startPaymentRig>>
let it: Book
/** Policies that nobody has appealed yet; every test takes what it needs. */
const expired: Appealed[] = []
const paid: Appealed[] = []
let undecided: Appealed

beforeAll(async () => {
  rig = await startPaymentRig()
  const delays = Array.from({ length: 24 }, (_, index) => (index % 2 === 0 ? DENIED : OWED))
  const made = await decidedBook('S', [...delays, null])
  it = made.it
  for (const policy of made.policies.slice(0, -1)) {
    ;(expired.length === paid.length ? expired : paid).push(policy)
  }
  undecided = made.policies.at(-1) ?? take(expired)
  await pay(paid, rig)
  await expireAt(it, DAY_MS)
})
afterAll(async () => {
  await it[Symbol.asyncDispose]()
  await rig[Symbol.asyncDispose]()
})

function take(from: Appealed[]): Appealed {
  const policy = from.pop()
  if (policy === undefined) throw new Error('the book has no such policy left')
  return policy
}

async function expectSoundBook({ db }: Pick<Book, 'db'> = it): Promise<void> {
  expect(await verifyBooks(createPayoutStores(db))).toEqual({ breaks: [] })
}

async function refusal(policy: Appealed, change?: Parameters<typeof appeal>[1]): Promise<string> {
  const filed = await appeal(policy, change)
  return filed.kind === 'refused' ? filed.refusal.code : filed.kind
}

describe('an appeal of an expired policy', () => {
  test('that stands gives EXPIRED back and moves no money', async () => {
    const policy = take(expired)
    expect(await appeal(policy)).toMatchObject({ kind: 'filed', isNew: true, appeal: { n: 1 } })
    expect(await line(policy)).toBe('IN_REVIEW RELEASED | OPEN')
    await expectSoundBook()
    expect(await decide(policy, { outcome: 'deny' })).toMatchObject({ resolution: 'DENIED' })
    expect(await line(policy)).toBe('EXPIRED RELEASED | STANDS carrier report seen')
    await expectSoundBook()
    const { rows } = await sql<{ line: string }>`
      select concat_ws(' ', action, actor, details ->> 'reason') as line from audit_event
      where subject = ${`policy:${policy.number}`} order by seq`.execute(it.db)
    expect(rows.map((row) => row.line)).toEqual([
      'policy.appeal user:ana doors opened at 45',
      'policy.appeal-end user:ana carrier report seen',
    ])
  })

  test('that is upheld is paid from the pool, as the first payout', async () => {
    const policy = take(expired)
    await appeal(policy)
    expect(await decide(policy, { outcome: 'pay', delayMin: 45 })).toMatchObject({
      resolution: 'PAID',
      payoutsCreated: 1,
    })
    expect(await line(policy)).toBe('TRIGGERED RELEASED 7500 | UPHELD 7500 carrier report seen')
    await expectSoundBook()
    await pay([policy], rig)
    expect(await line(policy)).toBe('PAID RELEASED 7500 | UPHELD 7500 carrier report seen')
    await expectSoundBook()
  })
})

test('a denied policy under appeal does not expire and is paid from its reservation; one whose appeal stands expires', async () => {
  const { it: own, policies } = await decidedBook('M', [DENIED, DENIED, OWED])
  await using _ = own
  const [upheld, stands, owed] = policies
  if (upheld === undefined || stands === undefined || owed === undefined) throw new Error('missing')
  expect(await refusal(owed)).toBe('PAYOUT_OPEN')
  await pay([owed], rig)
  expect(await refusal(owed)).toBe('filed')
  await appeal(upheld)
  await appeal(stands)
  await decide(stands, { outcome: 'deny' })
  expect(await line(stands)).toBe('MONITORING RESERVED | STANDS carrier report seen')
  await expireAt(own, DAY_MS)
  expect(await line(stands)).toBe('EXPIRED RELEASED | STANDS carrier report seen')
  expect(await line(upheld)).toBe('MONITORING RESERVED | OPEN')
  await decide(upheld, { outcome: 'pay', bps: 10_000 })
  expect(await line(upheld)).toBe('TRIGGERED FULFILLED 25000 | UPHELD 25000 carrier report seen')
  await expectSoundBook(own)
})

describe('an appeal of a paid policy', () => {
  test('that stands gives PAID back', async () => {
    const policy = take(paid)
    await appeal(policy)
    await expectSoundBook()
    await decide(policy, { outcome: 'deny' })
    expect(await line(policy)).toBe('PAID FULFILLED 7500 | STANDS carrier report seen')
    await expectSoundBook()
  })

  test('is paid the difference, up to the whole sum insured and never twice', async () => {
    const policy = take(paid)
    await appeal(policy)
    await expect(decide(policy, { outcome: 'pay', bps: 3_000 })).rejects.toMatchObject({
      code: 'OUTCOME_NOT_POSSIBLE',
    })
    const who = { ...ANA, requestId: 'r-1' }
    await decide(policy, { outcome: 'pay', bps: 10_000 }, who)
    await decide(policy, { outcome: 'pay', bps: 10_000 }, who)
    const end = 'FULFILLED 7500 17500 | UPHELD 17500 carrier report seen'
    expect(await line(policy)).toBe(`TRIGGERED ${end}`)
    await pay([policy], rig)
    expect(await line(policy)).toBe(`PAID ${end}`)
    await expectSoundBook()
  })

  test('is not closed by a mere word', async () => {
    const policy = take(paid)
    await appeal(policy)
    await expect(decide(policy, { outcome: 'acknowledge' })).rejects.toMatchObject({
      code: 'OUTCOME_NOT_POSSIBLE',
    })
  })

  test('leaves a payment that came back, or was cancelled then, to its own case', async () => {
    const { it: own, policies } = await decidedBook('R', [OWED, OWED])
    await using _ = own
    const [policy, cancelled] = policies
    if (policy === undefined || cancelled === undefined) throw new Error('missing')
    await pay([policy, cancelled], rig)
    await appeal(policy)
    await appeal(cancelled)
    await sql`
      update payout set state = 'RETURNED', paid_at = null, transfer_id = null`.execute(own.db)
    await sql`
      update payout o set state = 'CANCELLED' from policy p
      where p.id = o.policy_id and p.policy_number = ${cancelled.number}`.execute(own.db)
    for (const outcome of ['acknowledge', 'pay']) {
      const fields = outcome === 'pay' ? { outcome, bps: 10_000 } : { outcome }
      await expect(decide(cancelled, fields)).rejects.toMatchObject({
        code: 'OUTCOME_NOT_POSSIBLE',
      })
    }
    await decide(cancelled, { outcome: 'deny' })
    expect(await line(cancelled)).toBe('IN_REVIEW FULFILLED 7500 | STANDS carrier report seen')
    await expect(decide(policy, { outcome: 'pay', bps: 10_000 })).rejects.toMatchObject({
      code: 'PAYOUTS_UNSETTLED',
    })
    await decide(policy, { outcome: 'deny' })
    expect(await line(policy)).toBe('IN_REVIEW FULFILLED 7500 | STANDS carrier report seen')
  })
})

test('an appeal keeps a policy from being closed; one of a closed policy that stands gives CLOSED back', async () => {
  const { it: own, policies } = await decidedBook('K', [DENIED, OWED])
  await using _ = own
  const [closed, open] = policies
  if (closed === undefined || open === undefined) throw new Error('missing')
  await pay([open], rig)
  await expireAt(own, DAY_MS)
  await appeal(open)
  await expireAt(own, 32 * DAY_MS)
  expect([await line(open), await line(closed)]).toEqual([
    'IN_REVIEW FULFILLED 7500 | OPEN',
    'CLOSED RELEASED',
  ])
  await appeal(closed)
  await decide(closed, { outcome: 'deny' })
  expect(await line(closed)).toBe('CLOSED RELEASED | STANDS carrier report seen')
  await expectSoundBook(own)
})

describe('an appeal is refused', () => {
  test('while the policy is undecided, and where there is no policy', async () => {
    expect(await refusal(undecided)).toBe('UNDECIDED')
    expect(await refusal({ it, number: 'other' })).toBe('no-policy')
  })

  test('while another one is open; when that is decided another is taken', async () => {
    const policy = take(expired)
    const both = await Promise.all([appeal(policy), appeal(policy)])
    expect(both.map(({ kind }) => kind).toSorted()).toEqual(['filed', 'refused'])
    expect(await refusal(policy)).toBe('APPEAL_OPEN')
    await decide(policy, { outcome: 'deny' })
    expect(await appeal(policy)).toMatchObject({ kind: 'filed', appeal: { n: 2 } })
    await decide(policy, { outcome: 'deny' }, BEN)
    expect(await line(policy)).toBe(
      'EXPIRED RELEASED | STANDS carrier report seen | STANDS checked as well',
    )
    await expectSoundBook()
  })

  test('from the end of the last day on, and not a millisecond before', async () => {
    const policy = take(expired)
    const { rows } = await sql<{ day: string }>`
      select ((decided_at at time zone 'UTC')::date + 61)::text as day from policy
      where policy_number = ${policy.number}`.execute(it.db)
    const until = parseInstant(`${rows[0]?.day}T00:00:00Z`)
    expect(await refusal(policy, { at: until })).toBe('TOO_LATE')
    expect(await refusal(policy, { at: addMs(until, -1) })).toBe('filed')
    const listed = await createAppealStore(it.db).list(policy.number, until)
    expect(listed).toMatchObject({ until, refusal: { code: 'APPEAL_OPEN' }, appeals: [{ n: 1 }] })
  })
})

test('a request that is repeated is one appeal, also after it was decided', async () => {
  const policy = take(expired)
  const requestId = 'POST appeals key-1'
  const first = await appeal(policy, { requestId })
  const again = await appeal(policy, { requestId })
  expect(again).toEqual({ ...first, isNew: false })
  await decide(policy, { outcome: 'deny' })
  expect(await appeal(policy, { requestId })).toMatchObject({ isNew: false, appeal: { n: 1 } })
  expect(await line(policy)).toBe('EXPIRED RELEASED | STANDS carrier report seen')
})

test('above the limit of one person the end needs a second one, and the first one’s grounds are told', async () => {
  const [above, at] = [take(paid), take(paid)]
  const { settingStore } = createPayoutStores(it.db)
  const limit = (minor: number | null) =>
    settingStore.write(REVIEWS_TWO_PERSON_LIMIT, minor, 'user:test')
  await appeal(above)
  await appeal(at)
  await limit(17_499)
  expect(await decide(above, { outcome: 'deny' })).toMatchObject({ awaitsSecondPerson: true })
  expect(await line(above)).toBe('IN_REVIEW FULFILLED 7500 | OPEN')
  await expect(decide(above, { outcome: 'confirm' })).rejects.toMatchObject({
    code: 'SECOND_PERSON_NEEDED',
  })
  await decide(above, { outcome: 'confirm' }, BEN)
  expect(await line(above)).toBe('PAID FULFILLED 7500 | STANDS carrier report seen')
  await limit(17_500)
  expect(await decide(at, { outcome: 'pay', bps: 10_000 })).toMatchObject({ policiesPaid: 1 })
  await limit(null)
})

describe('beside a correction', () => {
  let own: Book
  let denied: Appealed
  let owed: Appealed
  let topped: Appealed
  let moved: Appealed

  beforeAll(async () => {
    const made = await decidedBook('C', [DENIED, OWED, OWED, DENIED])
    own = made.it
    const [first, second, third, fourth] = made.policies
    if (!first || !second || !third || !fourth) throw new Error('missing')
    ;[denied, owed, topped, moved] = [first, second, third, fourth]
    await pay([owed, topped], rig)
    await expireAt(own, DAY_MS)
    for (const policy of made.policies) await appeal(policy)
    await decide(topped, { outcome: 'pay', bps: 4_000 })
    await pay([topped], rig)
    await correctTo(own, 130)
  })
  afterAll(() => own[Symbol.asyncDispose]())

  test('that pays first, an appeal of a denial stands without undoing it', async () => {
    await decide(denied, { outcome: 'pay', delayMin: 130 }, ANA, 'CORRECTION_HIGHER')
    await expect(decide(denied, { outcome: 'pay', bps: 10_000 })).rejects.toMatchObject({
      code: 'PAYOUTS_UNSETTLED',
    })
    await decide(denied, { outcome: 'deny' })
    expect(await line(denied)).toBe('TRIGGERED RELEASED 15000 | STANDS carrier report seen')
    await pay([denied], rig)
    expect(await line(denied)).toBe('PAID RELEASED 15000 | STANDS carrier report seen')
    await expectSoundBook(own)
  })

  test('that paid a denial, an appeal that stands does not make it expired again', async () => {
    await decide(moved, { outcome: 'pay', delayMin: 130 }, ANA, 'CORRECTION_HIGHER')
    await pay([moved], rig)
    // As a further payout that was cancelled leaves it.
    await sql`
      update policy set state = 'IN_REVIEW' where policy_number = ${moved.number}`.execute(own.db)
    await decide(moved, { outcome: 'deny' })
    expect(await line(moved)).toBe('IN_REVIEW RELEASED 15000 | STANDS carrier report seen')
  })

  test('of two who pay at once, nobody gets the same money twice', async () => {
    const both = await Promise.allSettled([
      decide(owed, { outcome: 'pay', delayMin: 130 }),
      decide(owed, { outcome: 'pay', delayMin: 130 }, BEN, 'CORRECTION_HIGHER'),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(await line(owed)).toMatch(/^TRIGGERED FULFILLED 7500 7500 \|/)
    await pay([owed], rig)
    await expectSoundBook(own)
  })

  test('that came after its end, the policy gets what is still missing', async () => {
    await decide(topped, { outcome: 'pay', delayMin: 130 }, ANA, 'CORRECTION_HIGHER')
    expect(await line(topped)).toBe(
      'TRIGGERED FULFILLED 7500 2500 5000 | UPHELD 2500 carrier report seen',
    )
    await expectSoundBook(own)
  })
})

test('the page of the case has the appeal, the insured times and what may be done', async () => {
  const policy = take(expired)
  const filed = await appeal(policy)
  // The provider's present timetable is another one than what was insured.
  await sql`
    update flight_leg l set scheduled_in = l.scheduled_in + interval '1 hour'
    from policy p where p.leg_id = l.id and p.policy_number = ${policy.number}`.execute(it.db)
  const caseId = filed.kind === 'filed' ? filed.appeal.caseId : ''
  const input = await createReviewEvidence(it.db).read(caseId)
  if (input === null) throw new Error('no case')
  const now = await it.clock.now()
  expect(explainReview({ ...input, now })).toMatchObject({
    reason: 'APPEAL',
    subject: { kind: 'policy', name: policy.number },
    dueAt: addMs(now, 3 * DAY_MS),
    details: { n: 1, reason: 'doors opened at 45', evidence: 'boarding pass 17' },
    possible: ['pay', 'deny', 'wait'],
    leg: { insured: { in: { utc: B6_35.scheduledIn } } },
    groups: [{ policies: 1, delayMin: 44 }],
  })
})

test('nobody but a person ends it', async () => {
  const policy = take(expired)
  await appeal(policy)
  await createReviewTending(it.db).closeGone(addMs(await it.clock.now(), 30 * DAY_MS), 100)
  expect(await line(policy)).toBe('IN_REVIEW RELEASED | OPEN')
})

test('what was asked is not changed, an end is final, and no policy is given back without one', async () => {
  const policy = take(paid)
  await appeal(policy)
  const { db } = it
  const { number } = policy
  await expect(sql`update appeal set reason = 'other'`.execute(db)).rejects.toThrow('append-only')
  await expect(sql`delete from appeal`.execute(db)).rejects.toThrow('append-only')
  await expect(
    sql`update policy set state = 'PAID' where policy_number = ${number}`.execute(db),
  ).rejects.toThrow('only by an appeal that stands')
  await decide(policy, { outcome: 'deny' })
  await expect(
    sql`update appeal a set result = 'UPHELD', more_minor = 1 from policy p
      where p.id = a.policy_id and p.policy_number = ${number}`.execute(db),
  ).rejects.toThrow('cannot go from STANDS to UPHELD')
})

test('a book whose appeal and case say different things is not sound', async () => {
  const { it: own, policies } = await decidedBook('B', [DENIED])
  await using _ = own
  await appeal(policies[0] ?? undecided)
  await sql`
    update review_case set state = 'RESOLVED', resolution = 'DENIED'`.execute(own.db)
  const { breaks } = await verifyBooks(createPayoutStores(own.db))
  expect(breaks).toMatchObject([{ invariant: 'I1', detail: expect.stringContaining('is open') }])
})
