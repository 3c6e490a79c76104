/** People deciding cases of legs and policies: pay, deny, wait, two people, and races for one case. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createExpiryStore } from '../../db/stores/expiry-store.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createPayoutStore } from '../../db/stores/payout-store.ts'
import { createReviewDecisions } from '../../db/stores/review-decision-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { legKey } from '../../domain/leg.ts'
import { REVIEWS_TWO_PERSON_LIMIT } from '../../domain/ports/review-decisions.ts'
import { parseReviewDecision, type DecisionFields } from '../../domain/review-decision.ts'
import { addMs, DAY_MS, HOUR_MS } from '../../domain/time.ts'
import { decideReview, moveReview } from '../../operations/decide-review.ts'
import { expirePolicies } from '../../operations/expire-policies.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { B6_35, failure, identityOf, rowOf } from '../support/builders.ts'
import { after, arrived, book, type Book } from '../support/watched-book.ts'

const ANA = { by: 'user:ana', reason: 'boarding pass seen' }
const BEN = { by: 'user:ben', reason: 'checked as well' }

/** A book whose leg nobody knew anything of when cover ended: one case, policies in review. */
async function reviewedBook(rows = [rowOf(B6_35, 'P1')]): Promise<Book & { caseId: string }> {
  const it = await book(rows)
  it.flightData.shown.set(legKey(identityOf(B6_35)), failure('UNAVAILABLE'))
  it.clock.set(addMs(B6_35.scheduledIn, DAY_MS))
  await it.poll()
  await it.decide()
  const { rows: cases } = await sql<{ id: string }>`select id from review_case`.execute(it.db)
  return { ...it, caseId: cases[0]?.id ?? '' }
}

function depsOf({ db, clock }: Book) {
  return {
    reviewDecisions: createReviewDecisions(db),
    payoutStore: createPayoutStore(db),
    payoutRuns: { carryOn: () => Promise.reject(new Error('no payout is asked for here')) },
    clock,
  }
}

type Reviewed = Awaited<ReturnType<typeof reviewedBook>>

function decide(it: Reviewed, who: typeof ANA & { requestId?: string }, fields: DecisionFields) {
  const decision = parseReviewDecision(fields)
  return decideReview(depsOf(it), { caseId: it.caseId, decision, ...who })
}

async function limitTo(it: Book, limit: unknown): Promise<void> {
  await createSettingStore(it.db).write(REVIEWS_TWO_PERSON_LIMIT, limit, 'user:test')
}

async function policies({ db }: Book) {
  const { rows } = await sql<Record<string, unknown>>`
    select p.policy_number as number, p.state, p.outcome, p.amount_minor as amount, e.state as escrow,
      o.state as payout, v.rule, v.decided_by as by
    from policy p
    join escrow_reservation e on e.policy_id = p.id
    left join payout o on o.policy_id = p.id
    left join evaluation v on v.id = p.evaluation_id
    order by 1`.execute(db)
  return rows
}

async function caseOf({ db, caseId }: Reviewed) {
  const { rows } = await sql<Record<string, unknown>>`
    select state, assignee, resolution, resolved_by, proposed_by from review_case
    where id = ${caseId}::uuid`.execute(db)
  return rows[0]
}

async function expectSoundBook({ db }: Book) {
  expect(await verifyBooks({ ledgerStore: createLedgerStore(db) })).toEqual({ breaks: [] })
}

describe('paying', () => {
  test('by a share writes a manual evaluation and pays as the rules do', async () => {
    await using it = await reviewedBook()
    expect(await decide(it, ANA, { outcome: 'pay', bps: 6_000 })).toMatchObject({
      state: 'RESOLVED',
      resolution: 'PAID',
      policiesPaid: 1,
      payoutsCreated: 1,
    })
    expect(await policies(it)).toEqual([
      {
        number: 'P1',
        state: 'TRIGGERED',
        outcome: 'PAY',
        amount: 15_000,
        escrow: 'FULFILLED',
        payout: 'CREATED',
        rule: 'manual',
        by: 'user:ana',
      },
    ])
    await expectSoundBook(it)
  })

  test('by a delay pays each product what its tiers say, and denies where none is met', async () => {
    await using it = await reviewedBook([
      rowOf(B6_35, 'P1'),
      rowOf(B6_35, 'P2', { product: 'FD120', currency: 'EUR' }),
      rowOf(B6_35, 'P3', { product: 'FD180' }),
    ])
    const done = await decide(it, ANA, { outcome: 'pay', delayMin: 120 })
    expect(done).toMatchObject({ policiesPaid: 2, policiesDenied: 1, payoutsCreated: 2 })
    expect(await policies(it)).toMatchObject([
      { number: 'P1', state: 'TRIGGERED', amount: 15_000 },
      { number: 'P2', state: 'TRIGGERED', amount: 25_000 },
      { number: 'P3', state: 'EXPIRED', amount: 0, escrow: 'RELEASED' },
    ])
    await expectSoundBook(it)
  })

  test('a delay that meets no tier is refused: that would be a denial', async () => {
    await using it = await reviewedBook()
    const paid = decide(it, ANA, { outcome: 'pay', delayMin: 44 })
    await expect(paid).rejects.toMatchObject({ code: 'OUTCOME_NOT_POSSIBLE' })
    expect(await decide(it, ANA, { outcome: 'pay', delayMin: 45 })).toMatchObject({
      policiesPaid: 1,
    })
  })

  test('is repeated by the same request without a second effect', async () => {
    await using it = await reviewedBook()
    const who = { ...ANA, requestId: 'request-1' }
    await decide(it, who, { outcome: 'pay', bps: 6_000 })
    expect(await decide(it, who, { outcome: 'pay', bps: 6_000 })).toMatchObject({
      state: 'RESOLVED',
      payoutsCreated: 0,
    })
    const again = decide(it, ANA, { outcome: 'pay', bps: 6_000 })
    await expect(again).rejects.toMatchObject({ code: 'CASE_CLOSED' })
    expect(await policies(it)).toHaveLength(1)
    await expectSoundBook(it)
  })

  test('of three pages of policies is one transaction of seconds', async () => {
    const rows = Array.from({ length: 4_001 }, (_, n) => rowOf(B6_35, `P${n}`))
    await using it = await reviewedBook(rows)
    const startedMs = performance.now()
    const done = await decide(it, ANA, { outcome: 'pay', event: 'CANCELLED' })
    expect(done).toMatchObject({ policiesPaid: 4_001, payoutsCreated: 4_001 })
    expect(performance.now() - startedMs).toBeLessThan(20_000)
    await expectSoundBook(it)
  })
})

describe('denying', () => {
  test('expires the policies and returns their escrow', async () => {
    await using it = await reviewedBook([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')])
    expect(await decide(it, ANA, { outcome: 'deny' })).toMatchObject({ policiesDenied: 2 })
    expect(await policies(it)).toMatchObject([
      { state: 'EXPIRED', outcome: 'NO_PAY', escrow: 'RELEASED', payout: null, rule: 'manual' },
      { state: 'EXPIRED', outcome: 'NO_PAY', escrow: 'RELEASED', payout: null, rule: 'manual' },
    ])
    await expectSoundBook(it)
  })

  test('is refused while others of the leg are watched', async () => {
    await using it = await reviewedBook()
    await sql`update flight_leg set undecided_policies = 1`.execute(it.db)
    const denied = decide(it, ANA, { outcome: 'deny' })
    await expect(denied).rejects.toMatchObject({ code: 'LEG_STILL_WATCHED' })
  })
})

test('waiting is bounded: a millisecond beyond seven days is refused', async () => {
  await using it = await reviewedBook()
  const now = await it.clock.now()
  const tooLong = decide(it, ANA, { outcome: 'wait', until: addMs(now, 7 * DAY_MS + 1) })
  await expect(tooLong).rejects.toMatchObject({ code: 'WAIT_OUT_OF_RANGE' })
  const past = decide(it, ANA, { outcome: 'wait', until: now })
  await expect(past).rejects.toMatchObject({ code: 'WAIT_OUT_OF_RANGE' })
  const until = addMs(now, 7 * DAY_MS)
  expect(await decide(it, ANA, { outcome: 'wait', until })).toMatchObject({ waitUntil: until })
  expect(await caseOf(it)).toMatchObject({ state: 'CLAIMED', assignee: 'user:ana' })
})

describe('two people', () => {
  test('are not needed at the limit', async () => {
    await using it = await reviewedBook()
    await limitTo(it, { USD: 15_000 })
    const done = await decide(it, ANA, { outcome: 'pay', bps: 6_000 })
    expect(done).toMatchObject({ state: 'RESOLVED', awaitsSecondPerson: false })
  })

  test('are needed a minor unit above it; the first alone pays nothing', async () => {
    await using it = await reviewedBook()
    await limitTo(it, { USD: 14_999 })
    const first = await decide(it, ANA, { outcome: 'pay', bps: 6_000 })
    expect(first).toMatchObject({ state: 'CLAIMED', awaitsSecondPerson: true, policiesPaid: 0 })
    expect(await policies(it)).toMatchObject([{ state: 'IN_REVIEW', payout: null }])
    const second = await decide(it, BEN, { outcome: 'confirm' })
    expect(second).toMatchObject({ state: 'RESOLVED', resolution: 'PAID', policiesPaid: 1 })
    expect(await policies(it)).toMatchObject([{ state: 'TRIGGERED', amount: 15_000 }])
    await expectSoundBook(it)
  })

  test.each(['user:ana', ' USER:Ana '])('are not one person twice: "%s"', async (by) => {
    await using it = await reviewedBook()
    await limitTo(it, 0)
    await decide(it, ANA, { outcome: 'deny' })
    const again = decide(it, { by, reason: 'mine too' }, { outcome: 'confirm' })
    await expect(again).rejects.toMatchObject({ code: 'SECOND_PERSON_NEEDED' })
    expect(await policies(it)).toMatchObject([{ state: 'IN_REVIEW' }])
  })

  test('the second may refuse; then the case is open again', async () => {
    await using it = await reviewedBook()
    await limitTo(it, 0)
    await decide(it, ANA, { outcome: 'deny' })
    await expect(decide(it, BEN, { outcome: 'pay', bps: 1 })).rejects.toMatchObject({
      code: 'AWAITS_SECOND_PERSON',
    })
    await decide(it, BEN, { outcome: 'refuse' })
    expect(await caseOf(it)).toMatchObject({ state: 'OPEN', assignee: null, proposed_by: null })
  })

  test('of whom two confirm at once pay once', async () => {
    await using it = await reviewedBook()
    await limitTo(it, 0)
    await decide(it, ANA, { outcome: 'pay', bps: 6_000 })
    const both = await Promise.allSettled(
      [BEN, { ...BEN, by: 'user:cid' }].map((who) => decide(it, who, { outcome: 'confirm' })),
    )
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(await policies(it)).toHaveLength(1)
    await expectSoundBook(it)
  })

  test('a setting that cannot be read needs two people for everything', async () => {
    await using it = await reviewedBook()
    await limitTo(it, 'plenty')
    expect(await decide(it, ANA, { outcome: 'pay', bps: 1_000 })).toMatchObject({
      awaitsSecondPerson: true,
    })
  })
})

describe('races', () => {
  test('two reviewers at once: one decides, the other is told', async () => {
    await using it = await reviewedBook([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')])
    const both = await Promise.allSettled([
      decide(it, ANA, { outcome: 'pay', bps: 6_000 }),
      decide(it, BEN, { outcome: 'deny' }),
    ])
    const lost = both.filter((one) => one.status === 'rejected')
    expect(lost.map((one) => (one.reason as { code: string }).code)).toEqual(['CASE_CLOSED'])
    const states = (await policies(it)).map(({ state }) => state)
    expect(new Set(states).size).toBe(1)
    await expectSoundBook(it)
  })

  test('a reviewer and the expiry at once: the policies are ended once', async () => {
    await using it = await reviewedBook([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')])
    it.clock.pass(9 * DAY_MS)
    const expiry = { expiryStore: createExpiryStore(it.db), ...it }
    const sweep = () => expirePolicies(expiry, { after: null, oldestOpen: null }, { maxPages: 9 })
    await Promise.all([sweep(), decide(it, ANA, { outcome: 'deny' }), sweep()])
    expect(await policies(it)).toMatchObject([{ state: 'EXPIRED' }, { state: 'EXPIRED' }])
    await expectSoundBook(it)
  })

  test('a reviewer and a decider of the same leg at once leave no policy between them', async () => {
    await using it = await reviewedBook()
    await it.bind([rowOf(B6_35, 'P2', { bound_at: '2013-03-08T00:00:00Z' })])
    it.flightData.shown.delete(legKey(identityOf(B6_35)))
    await it.settle(arrived(130), after(130) + 25 * HOUR_MS)
    await Promise.all([it.decide(), decide(it, ANA, { outcome: 'pay', bps: 3_000 }), it.decide()])
    expect(await policies(it)).toMatchObject([
      { number: 'P1', state: 'TRIGGERED', rule: 'manual' },
      { number: 'P2', state: 'TRIGGERED', rule: 'automatic' },
    ])
    await expectSoundBook(it)
  })
})

describe('claims', () => {
  test('keep others out until released', async () => {
    await using it = await reviewedBook()
    const { caseId } = it
    const move = (action: 'claim' | 'release' | 'escalate', who = ANA) =>
      moveReview(depsOf(it), { caseId, action, ...who })
    expect(await move('claim')).toMatchObject({ state: 'CLAIMED', assignee: 'user:ana' })
    expect(await move('claim')).toMatchObject({ state: 'CLAIMED' })
    await expect(move('claim', BEN)).rejects.toMatchObject({ code: 'CLAIMED_BY_OTHER' })
    await expect(decide(it, BEN, { outcome: 'deny' })).rejects.toMatchObject({
      code: 'CLAIMED_BY_OTHER',
    })
    await expect(move('release', BEN)).rejects.toMatchObject({ code: 'NOT_CLAIMED_BY_YOU' })
    expect(await move('release')).toMatchObject({ state: 'OPEN', assignee: null })
    expect(await move('escalate', BEN)).toMatchObject({ state: 'ESCALATED' })
    expect(await move('claim')).toMatchObject({ state: 'CLAIMED', assignee: 'user:ana' })
  })

  test('a case that does not exist is told', async () => {
    await using it = await reviewedBook()
    const missing = { ...it, caseId: '00000000-0000-4000-8000-000000000000' }
    await expect(decide(missing, ANA, { outcome: 'deny' })).rejects.toMatchObject({
      code: 'REVIEW_NOT_FOUND',
    })
  })

  test('every step is in the audit trail with before and after', async () => {
    await using it = await reviewedBook()
    await limitTo(it, 0)
    await decide(it, ANA, { outcome: 'deny' })
    await decide(it, BEN, { outcome: 'confirm' })
    const { rows } = await sql`
      select actor, action, details ->> 'reason' as reason, details #>> '{before,state}' as before,
        details #>> '{after,state}' as after, details ->> 'proposedBy' as proposed
      from audit_event where subject = ${`review:${it.caseId}`} order by seq`.execute(it.db)
    expect(rows).toEqual([
      {
        actor: 'user:ana',
        action: 'review.propose',
        reason: ANA.reason,
        before: 'OPEN',
        after: 'CLAIMED',
        proposed: null,
      },
      {
        actor: 'user:ben',
        action: 'review.deny',
        reason: BEN.reason,
        before: 'CLAIMED',
        after: 'RESOLVED',
        proposed: 'user:ana',
      },
    ])
  })
})
