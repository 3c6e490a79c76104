/** People deciding cases of payouts, and of money that is nobody's: retry, cancel, acknowledge. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createReviewDecisions } from '../../db/stores/review-decision-store.ts'
import { REVIEWS_TWO_PERSON_LIMIT } from '../../domain/ports/review-decisions.ts'
import { PAYOUTS_APPROVAL_LIMIT, PAYOUTS_PAUSED } from '../../domain/ports/setting-store.ts'
import type { PayoutRunRequest } from '../../domain/ports/payout-runs.ts'
import { parseReviewDecision } from '../../domain/review-decision.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { decideReview } from '../../operations/decide-review.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock } from '../support/payment-rig.ts'

const ANA = { by: 'user:ana', reason: 'new account' }
const BEN = { by: 'user:ben', reason: 'seen too' }

let database: TestDatabase
let stores: ReturnType<typeof createPayoutStores>
let books = 0
const clock = new HandClock()
const woken: PayoutRunRequest[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  stores = createPayoutStores(database.db)
})
afterAll(() => database[Symbol.asyncDispose]())

function depsOf(carryOn = async (request: PayoutRunRequest) => void woken.push(request)) {
  const reviewDecisions = createReviewDecisions(database.db)
  return { reviewDecisions, payoutStore: stores.payoutStore, payoutRuns: { carryOn }, clock }
}

function decide(caseId: string, outcome: string, who: typeof ANA & { requestId?: string } = ANA) {
  return decideReview(depsOf(), { caseId, decision: parseReviewDecision({ outcome }), ...who })
}

/** One payout that the rail refused for good, with its case. */
async function rejected(): Promise<{ payoutId: string; caseId: string }> {
  books += 1
  await sql`delete from setting`.execute(database.db)
  const [payoutId = ''] = await makePayoutBook(database.db, { size: 1, prefix: `R${books}X` })
  const at = await clock.now()
  await approvePayouts({ ...stores, clock }, { payoutIds: [payoutId] })
  await stores.payoutStore.openAttempts({ payoutIds: [payoutId] }, { provider: 'stripe', at })
  await stores.payoutStore.recordRejected([{ payoutId, n: 1, code: 'no_such' }], at)
  const { rows } = await sql<{ id: string }>`
    select id from review_case where subject_id = ${payoutId}::uuid`.execute(database.db)
  return { payoutId, caseId: rows[0]?.id ?? '' }
}

async function standing(payoutId: string) {
  const { rows } = await sql<Record<string, unknown>>`
    select p.state, o.state as policy, p.approved_by as by, (
      select json_agg(json_build_array(r.reason_code, r.state, r.resolution) order by r.created_at)
      from review_case r where r.subject_id = p.id) as cases
    from payout p join policy o on o.id = p.policy_id where p.id = ${payoutId}::uuid`.execute(
    database.db,
  )
  return rows[0]
}

async function expectSoundBook(): Promise<void> {
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })
}

describe('a payout that the rail refused', () => {
  test('is approved again by a retry, its run is woken, its case closed', async () => {
    const { payoutId, caseId } = await rejected()
    expect(await decide(caseId, 'retry')).toMatchObject({ resolution: 'PAYOUT_RETRIED' })
    expect(await standing(payoutId)).toEqual({
      state: 'APPROVED',
      policy: 'TRIGGERED',
      by: 'user:ana',
      cases: [['PAYOUT_REJECTED', 'RESOLVED', 'PAYOUT_RETRIED']],
    })
    expect(woken.at(-1)).toMatchObject({ payoutId, caseId, by: 'user:ana' })
    await expectSoundBook()
  })

  test('is retried by the repeat of a request that died before its run was woken', async () => {
    const { payoutId, caseId } = await rejected()
    const request = { ...ANA, requestId: 'r-1', caseId, decision: { outcome: 'retry' } as const }
    const dying = depsOf(() => Promise.reject(new Error('died')))
    await expect(decideReview(dying, request)).rejects.toThrow('died')
    expect(await standing(payoutId)).toMatchObject({ state: 'APPROVED' })
    expect(await decideReview(depsOf(), request)).toMatchObject({ resolution: 'PAYOUT_RETRIED' })
    expect(woken.at(-1)).toMatchObject({ payoutId })
  })

  test('above the approval limit stays in review until a second person retries', async () => {
    const { payoutId, caseId } = await rejected()
    await stores.settingStore.write(PAYOUTS_APPROVAL_LIMIT, 11_999, 'user:test')
    expect(await decide(caseId, 'retry')).toMatchObject({ awaitsSecondPerson: true })
    await expect(decide(caseId, 'retry')).rejects.toMatchObject({ name: 'SecondApproverError' })
    expect(await standing(payoutId)).toMatchObject({
      state: 'FAILED',
      cases: [['PAYOUT_REJECTED', 'OPEN', null]],
    })
    expect(await decide(caseId, 'retry', BEN)).toMatchObject({ resolution: 'PAYOUT_RETRIED' })
    expect(await standing(payoutId)).toMatchObject({ by: 'user:ana, user:ben' })
  })

  test('is not retried while payouts are paused', async () => {
    const { caseId } = await rejected()
    await stores.settingStore.write(PAYOUTS_PAUSED, true, 'user:test')
    await expect(decide(caseId, 'retry')).rejects.toThrow('paused')
  })

  test('is cancelled with a case about what becomes of its policy', async () => {
    const { payoutId, caseId } = await rejected()
    expect(await decide(caseId, 'cancel')).toMatchObject({ resolution: 'PAYOUT_CANCELLED' })
    expect(await standing(payoutId)).toMatchObject({
      state: 'CANCELLED',
      cases: [
        ['PAYOUT_REJECTED', 'RESOLVED', 'PAYOUT_CANCELLED'],
        ['PAYOUT_CANCELLED', 'OPEN', null],
      ],
    })
    await expectSoundBook()
  })

  test('above the limit of one person is cancelled only when a second confirms', async () => {
    const { payoutId, caseId } = await rejected()
    await stores.settingStore.write(REVIEWS_TWO_PERSON_LIMIT, { USD: 11_999 }, 'user:test')
    expect(await decide(caseId, 'cancel')).toMatchObject({ awaitsSecondPerson: true })
    expect(await standing(payoutId)).toMatchObject({ state: 'FAILED' })
    expect(await decide(caseId, 'confirm', BEN)).toMatchObject({ resolution: 'PAYOUT_CANCELLED' })
    expect(await standing(payoutId)).toMatchObject({ state: 'CANCELLED' })
  })

  test('is not acknowledged away: it is owed', async () => {
    const { caseId } = await rejected()
    await expect(decide(caseId, 'acknowledge')).rejects.toThrow('is FAILED and owed')
  })

  test('is not paid or denied like a policy', async () => {
    const { caseId } = await rejected()
    await expect(decide(caseId, 'deny')).rejects.toMatchObject({ code: 'OUTCOME_NOT_POSSIBLE' })
  })

  test('one retries and one cancels at once: it goes one way, and the book holds', async () => {
    // Which way is a matter of milliseconds: ten times finds both.
    for (let time = 0; time < 10; time += 1) {
      const { payoutId, caseId } = await rejected()
      const [retry, cancel] = await Promise.allSettled([
        decide(caseId, 'retry'),
        decide(caseId, 'cancel', BEN),
      ])
      const told = [retry.status, cancel.status]
      const { state } = (await standing(payoutId)) ?? {}
      const isRetried = state === 'APPROVED'
      expect({ state, told }).toEqual(
        isRetried
          ? { state: 'APPROVED', told: ['fulfilled', 'rejected'] }
          : { state: 'CANCELLED', told: ['rejected', 'fulfilled'] },
      )
    }
    await expectSoundBook()
  })
})

test('money that no payout accounts for is acknowledged with a reason, and never twice', async () => {
  const { caseId } = await stores.reviewStore.open({
    subjectKind: 'transfer',
    subjectId: '5f0c6a52-2f0e-5d1c-8a37-6f1f3f0e9c01',
    reasonCode: 'MISSING_IN_LEDGER',
    details: {},
    openedAt: await clock.now(),
  })
  await expect(decide(caseId, 'retry')).rejects.toMatchObject({ code: 'OUTCOME_NOT_POSSIBLE' })
  expect(await decide(caseId, 'acknowledge')).toMatchObject({ resolution: 'ACKNOWLEDGED' })
  await expect(decide(caseId, 'acknowledge')).rejects.toMatchObject({ code: 'CASE_CLOSED' })
})
