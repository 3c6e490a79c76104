/** Cases about what decided policies are owed beyond what they got: paid from where the money is, or closed. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createCorrectionStore } from '../../db/stores/correction-store.ts'
import { createExpiryStore } from '../../db/stores/expiry-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createReplaySource } from '../../db/stores/replay-source.ts'
import { createReviewDecisions } from '../../db/stores/review-decision-store.ts'
import { createReviewEvidence } from '../../db/stores/review-evidence.ts'
import { explainReview } from '../../domain/explain-review.ts'
import { legKey } from '../../domain/leg.ts'
import type { RawPolicyRow } from '../../domain/policy-row.ts'
import { REVIEWS_TWO_PERSON_LIMIT } from '../../domain/ports/review-decisions.ts'
import { parseReviewDecision, type DecisionFields } from '../../domain/review-decision.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { decideReview } from '../../operations/decide-review.ts'
import { expirePolicies } from '../../operations/expire-policies.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import { replayEvaluations } from '../../operations/replay-evaluations.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { watchCorrections } from '../../operations/watch-corrections.ts'
import { arrivedRecord, B6_35, fakeFlightData, identityOf, rowOf } from '../support/builders.ts'
import { createPayoutStores, startPaymentRig } from '../support/payment-rig.ts'
import { after, arrived, book, type Book } from '../support/watched-book.ts'

const KEY = legKey(identityOf(B6_35))
const ANA = { by: 'user:ana', reason: 'carrier report seen' }
const BEN = { by: 'user:ben', reason: 'checked as well' }

let rig: Awaited<ReturnType<typeof startPaymentRig>>
beforeAll(async () => {
  rig = await startPaymentRig()
})
afterAll(() => rig[Symbol.asyncDispose]())

/** Polls through two sources, which may say different arrivals; null: the second does not have the leg. */
async function seenByTwo(it: Book, second: number | null, minutes: readonly number[]) {
  const secondFlightData = { ...fakeFlightData([B6_35]), id: 'second' }
  secondFlightData.shown.set(
    KEY,
    second === null
      ? []
      : [{ ...arrivedRecord(B6_35, second), providerFlightId: null, arrivalQuality: 'UNKNOWN' }],
  )
  const { flightData, clock, legIds } = it
  const deps = { legStore: createLegStore(it.db), flightData, secondFlightData, clock }
  for (const minute of minutes) {
    clock.set(addMs(B6_35.scheduledIn, minute * MINUTE_MS))
    await pollLegShard(deps, { legIds, claimedBy: 'tick' }, { concurrency: 8 })
  }
  await it.decide()
}

/** One source says 130 minutes, the other 100: FD45 was paid 30 %, 60 % is disputed. */
async function disputedBook(rows: readonly RawPolicyRow[] = TWO) {
  const it = await book(rows)
  it.flightData.shown.set(KEY, [arrivedRecord(B6_35, 130)])
  await seenByTwo(it, 100, [132, 147])
  return it
}

const TWO = [rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')]

/** Decided at `first` minutes, later corrected to `corrected`. `meanwhile` happens before the look. */
async function correctedBook(
  rows: readonly RawPolicyRow[],
  [first, corrected]: readonly [number, number],
  meanwhile: (it: Book) => Promise<void> = async () => {},
) {
  const it = await book(rows)
  await it.settle(arrived(first), after(first))
  await it.decide()
  await meanwhile(it)
  const deps = {
    correctionStore: createCorrectionStore(it.db),
    legStore: createLegStore(it.db),
    ...it,
  }
  it.flightData.shown.set(KEY, [arrivedRecord(B6_35, corrected)])
  it.clock.pass(6 * HOUR_MS)
  await watchCorrections(deps, { concurrency: 4 })
  it.clock.pass(15 * MINUTE_MS)
  await watchCorrections(deps, { concurrency: 4 })
  return it
}

async function payAll({ db, clock }: Book): Promise<void> {
  const stores = createPayoutStores(db)
  const { rows } = await sql<{ id: string }>`
    select id from payout where state = 'CREATED' order by id`.execute(db)
  const payoutIds = rows.map(({ id }) => id)
  await approvePayouts({ ...stores, clock }, { payoutIds })
  await submitPayouts({ ...stores, payments: rig.payments, clock }, { payoutIds })
}

async function decide(
  { db, clock }: Book,
  who: typeof ANA & { readonly requestId?: string },
  fields: DecisionFields,
) {
  const { rows } = await sql<{ id: string }>`
    select id from review_case order by opened_at desc, id limit 1`.execute(db)
  const deps = {
    ...createPayoutStores(db),
    reviewDecisions: createReviewDecisions(db),
    payoutRuns: { carryOn: () => Promise.reject(new Error('no payout is asked for here')) },
    clock,
  }
  const decision = parseReviewDecision(fields)
  return decideReview(deps, { caseId: rows[0]?.id ?? '', decision, ...who })
}

/** Policies with their payouts by revision, as `P1 PAID RELEASED 7500 7500`. */
async function lines({ db }: Book): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', p.policy_number, p.state, e.state, (
      select string_agg(o.amount_minor::text, ' ' order by o.revision) from payout o
      where o.policy_id = p.id)) as line
    from policy p join escrow_reservation e on e.policy_id = p.id order by 1`.execute(db)
  return rows.map(({ line }) => line)
}

async function caseState({ db }: Book): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', reason_code, state, resolution) as line from review_case
    order by 1`.execute(db)
  return rows.map(({ line }) => line)
}

async function expectSoundBook({ db }: Book): Promise<void> {
  expect(await verifyBooks(createPayoutStores(db))).toEqual({ breaks: [] })
}

async function limitTo({ db }: Book, limit: unknown): Promise<void> {
  await createPayoutStores(db).settingStore.write(REVIEWS_TWO_PERSON_LIMIT, limit, 'user:test')
}

describe('a disputed tier', () => {
  test('that was right the higher one is topped up to it, and paid like any payout', async () => {
    await using it = await disputedBook()
    await payAll(it)
    const done = await decide(it, ANA, { outcome: 'pay', delayMin: 130 })
    expect(done).toMatchObject({ resolution: 'PAID', policiesPaid: 2, payoutsCreated: 2 })
    expect(await lines(it)).toEqual([
      'P1 TRIGGERED FULFILLED 7500 7500',
      'P2 TRIGGERED FULFILLED 7500 7500',
    ])
    await expectSoundBook(it)
    await payAll(it)
    expect(await lines(it)).toEqual(['P1 PAID FULFILLED 7500 7500', 'P2 PAID FULFILLED 7500 7500'])
    await expectSoundBook(it)
  })

  test('that was right the lower one is denied, with nothing more', async () => {
    await using it = await disputedBook()
    expect(await decide(it, ANA, { outcome: 'deny' })).toMatchObject({
      resolution: 'DENIED',
      policiesDenied: 0,
    })
    expect(await lines(it)).toEqual(['P1 TRIGGERED FULFILLED 7500', 'P2 TRIGGERED FULFILLED 7500'])
    await expectSoundBook(it)
  })

  test('is not closed by a mere word, which would be a denial by one person', async () => {
    await using it = await disputedBook()
    const closed = decide(it, ANA, { outcome: 'acknowledge' })
    await expect(closed).rejects.toMatchObject({ code: 'OUTCOME_NOT_POSSIBLE' })
  })

  test('is not paid what was paid already; a basis point more is', async () => {
    await using it = await disputedBook()
    await payAll(it)
    await expect(decide(it, ANA, { outcome: 'pay', bps: 3_000 })).rejects.toMatchObject({
      code: 'OUTCOME_NOT_POSSIBLE',
    })
    await decide(it, ANA, { outcome: 'pay', bps: 3_001 })
    expect(await lines(it)).toEqual([
      'P1 TRIGGERED FULFILLED 7500 3',
      'P2 TRIGGERED FULFILLED 7500 3',
    ])
  })

  test('waits until the first payouts are paid', async () => {
    await using it = await disputedBook()
    const paid = decide(it, ANA, { outcome: 'pay', delayMin: 130 })
    await expect(paid).rejects.toMatchObject({ code: 'PAYOUTS_UNSETTLED' })
    expect(await caseState(it)).toEqual(['TIER_DISPUTED OPEN'])
    await payAll(it)
    expect(await decide(it, ANA, { outcome: 'pay', delayMin: 130 })).toMatchObject({
      policiesPaid: 2,
    })
  })

  test('is paid once by a request that is repeated', async () => {
    await using it = await disputedBook()
    await payAll(it)
    const who = { ...ANA, requestId: 'request-1' }
    await decide(it, who, { outcome: 'pay', delayMin: 130 })
    const again = await decide(it, who, { outcome: 'pay', delayMin: 130 })
    expect(again).toMatchObject({ state: 'RESOLVED', payoutsCreated: 0 })
    const other = decide(it, ANA, { outcome: 'pay', delayMin: 130 })
    await expect(other).rejects.toMatchObject({ code: 'CASE_CLOSED' })
    expect(await lines(it)).toHaveLength(2)
    await expectSoundBook(it)
  })

  test('of two reviewers at once is decided by one, for all policies alike', async () => {
    await using it = await disputedBook()
    await payAll(it)
    const both = await Promise.allSettled([
      decide(it, ANA, { outcome: 'pay', bps: 6_000 }),
      decide(it, BEN, { outcome: 'pay', bps: 10_000 }),
    ])
    const lost = both.filter((one) => one.status === 'rejected')
    expect(lost.map((one) => (one.reason as { code: string }).code)).toEqual(['CASE_CLOSED'])
    expect(new Set((await lines(it)).map((line) => line.slice(3))).size).toBe(1)
    await expectSoundBook(it)
  })

  test('is counted over all its policies for the limit of one person', async () => {
    await using it = await disputedBook()
    await payAll(it)
    await limitTo(it, { USD: 14_999 })
    const first = await decide(it, ANA, { outcome: 'pay', delayMin: 130 })
    expect(first).toMatchObject({ awaitsSecondPerson: true, policiesPaid: 0 })
    expect(await lines(it)).toEqual(['P1 PAID FULFILLED 7500', 'P2 PAID FULFILLED 7500'])
    expect(await decide(it, BEN, { outcome: 'confirm' })).toMatchObject({ policiesPaid: 2 })
    await expectSoundBook(it)
  })

  test('at the limit one person pays', async () => {
    await using it = await disputedBook()
    await payAll(it)
    await limitTo(it, { USD: 15_000 })
    expect(await decide(it, ANA, { outcome: 'pay', delayMin: 130 })).toMatchObject({
      awaitsSecondPerson: false,
      policiesPaid: 2,
    })
  })

  test('keeps no other product’s settled no-pay from its end', async () => {
    await using it = await disputedBook([
      rowOf(B6_35, 'P1'),
      rowOf(B6_35, 'P2', { product: 'FD180' }),
    ])
    await expire(it)
    expect(await lines(it)).toEqual(['P1 TRIGGERED FULFILLED 7500', 'P2 EXPIRED RELEASED'])
    expect(await caseState(it)).toEqual(['TIER_DISPUTED OPEN'])
  })

  test('tells on its page what each outcome would pay beyond the payment', async () => {
    await using it = await disputedBook()
    await payAll(it)
    const { rows } = await sql<{ id: string }>`select id from review_case`.execute(it.db)
    const evidence = await createReviewEvidence(it.db).read(rows[0]?.id ?? '')
    if (evidence === null) throw new Error('the case is there')
    const page = explainReview({ ...evidence, now: await it.clock.now() })
    expect(page.possible).toEqual(['pay', 'deny', 'wait'])
    expect(page.groups.flatMap(({ outcomes }) => outcomes.map(({ minor }) => minor))).toEqual([
      ...['0', '0', '15000', '35000'],
      ...['35000', '35000'],
    ])
  })
})

test('a pool that is short of the last page’s last policy pays nobody, and the case stays', async () => {
  const rows = Array.from({ length: 2_001 }, (_, n) => rowOf(B6_35, `P${n}`))
  await using it = await disputedBook(rows)
  // The rail is not what is proved: the payouts are settled as it would settle them, but in one step.
  await sql`alter table payout disable trigger all`.execute(it.db)
  await sql`update payout set state = 'PAID', approved_by = 'rule:test', transfer_id = 'tr_' || id,
    paid_at = now()`.execute(it.db)
  await sql`alter table payout enable trigger all`.execute(it.db)
  const held = await sql<{ minor: number }>`
    select balance_minor::bigint as minor from pool_balance where currency = 'USD'`.execute(it.db)
  const setPool = (minor: number) =>
    sql`update pool_balance set balance_minor = ${minor} where currency = 'USD'`.execute(it.db)
  await setPool(2_001 * 7_500 - 1)
  const paid = decide(it, ANA, { outcome: 'pay', delayMin: 130 })
  await expect(paid).rejects.toMatchObject({ code: 'POOL_SHORT' })
  const made = await sql`select from payout where revision > 0`.execute(it.db)
  expect(made.rows).toEqual([])
  expect(await caseState(it)).toEqual(['TIER_DISPUTED OPEN'])
  await setPool(held.rows[0]?.minor ?? 0)
  expect(await decide(it, ANA, { outcome: 'pay', delayMin: 130 })).toMatchObject({
    policiesPaid: 2_001,
  })
})

describe('a correction upwards', () => {
  test('tops up who was paid less', async () => {
    await using it = await correctedBook(TWO, [100, 130], payAll)
    expect(await caseState(it)).toEqual(['CORRECTION_HIGHER OPEN'])
    expect(await decide(it, ANA, { outcome: 'pay', delayMin: 130 })).toMatchObject({
      policiesPaid: 2,
    })
    expect(await lines(it)).toEqual([
      'P1 TRIGGERED FULFILLED 7500 7500',
      'P2 TRIGGERED FULFILLED 7500 7500',
    ])
    await expectSoundBook(it)
  })

  test('follows from the observations, as the decision that it corrects does', async () => {
    await using it = await correctedBook(TWO, [100, 130])
    const deps = { replaySource: createReplaySource(it.db) }
    const replayed = await replayEvaluations(deps, { after: null }, { maxPages: 1 })
    expect(replayed).toMatchObject({ evaluations: 2, breaks: [] })
  })

  test('pays who was denied out of the reservation that stands, and keeps it standing', async () => {
    await using it = await correctedBook([rowOf(B6_35, 'P1')], [40, 60])
    await expire(it)
    expect(await lines(it)).toEqual(['P1 MONITORING RESERVED'])
    expect(await decide(it, ANA, { outcome: 'pay', delayMin: 60 })).toMatchObject({
      policiesPaid: 1,
    })
    expect(await lines(it)).toEqual(['P1 TRIGGERED FULFILLED 7500'])
    await payAll(it)
    expect(await lines(it)).toEqual(['P1 PAID FULFILLED 7500'])
    await expectSoundBook(it)
  })

  test('pays who was denied and has expired out of the pool', async () => {
    await using it = await correctedBook([rowOf(B6_35, 'P1')], [40, 60], async (expiring) => {
      await sql`update flight_leg set correction_look_at = correction_look_at + interval '12 hours'`.execute(
        expiring.db,
      )
      await expire(expiring)
    })
    expect(await lines(it)).toEqual(['P1 EXPIRED RELEASED'])
    expect(await decide(it, ANA, { outcome: 'pay', delayMin: 60 })).toMatchObject({
      policiesPaid: 1,
    })
    expect(await lines(it)).toEqual(['P1 TRIGGERED RELEASED 7500'])
    await expectSoundBook(it)
    await payAll(it)
    expect(await lines(it)).toEqual(['P1 PAID RELEASED 7500'])
    await expectSoundBook(it)
  })

  test('that is denied lets the denied expire', async () => {
    await using it = await correctedBook([rowOf(B6_35, 'P1')], [40, 60])
    await decide(it, ANA, { outcome: 'deny' })
    await expire(it)
    expect(await lines(it)).toEqual(['P1 EXPIRED RELEASED'])
    await expectSoundBook(it)
  })

  test('holds no policy whose decision it leaves as it was', async () => {
    await using it = await correctedBook(
      [rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2', { product: 'FD180' })],
      [40, 60],
    )
    await expire(it)
    expect(await lines(it)).toEqual(['P1 MONITORING RESERVED', 'P2 EXPIRED RELEASED'])
  })
})

describe('a policy above what one source may pay alone', () => {
  const alone = async () => {
    const it = await book([rowOf(B6_35, 'P1', { sum_insured: '3333.37' })])
    it.flightData.shown.set(KEY, [arrivedRecord(B6_35, 90)])
    await seenByTwo(it, null, [92, 151, 152])
    return it
  }

  test('is paid by a person', async () => {
    await using it = await alone()
    expect(await caseState(it)).toEqual(['ABOVE_SINGLE_SOURCE_LIMIT OPEN'])
    expect(await decide(it, ANA, { outcome: 'pay', delayMin: 90 })).toMatchObject({
      policiesPaid: 1,
    })
    expect(await lines(it)).toEqual(['P1 TRIGGERED FULFILLED 100001'])
    await expectSoundBook(it)
  })

  test('is denied by a person', async () => {
    await using it = await alone()
    expect(await decide(it, ANA, { outcome: 'deny' })).toMatchObject({ policiesDenied: 1 })
    expect(await lines(it)).toEqual(['P1 EXPIRED RELEASED'])
    await expectSoundBook(it)
  })
})

async function expire(it: Book): Promise<void> {
  it.clock.set(addMs(B6_35.scheduledIn, 2 * DAY_MS))
  const deps = { ...it, expiryStore: createExpiryStore(it.db) }
  await expirePolicies(deps, { after: null, oldestOpen: null }, { maxPages: 9 })
}
