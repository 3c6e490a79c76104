import { readFile } from 'node:fs/promises'

import { sql } from 'kysely'
import { expect, test } from 'vitest'

import type { Database } from '../../db/client.ts'
import { createExpiryStore } from '../../db/stores/expiry-store.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createPayoutStore } from '../../db/stores/payout-store.ts'
import { createReviewDecisions } from '../../db/stores/review-decision-store.ts'
import {
  bindPosting,
  earnPosting,
  type LedgerPosting,
  type LedgerTransaction,
} from '../../domain/ledger.ts'
import { legKey } from '../../domain/leg.ts'
import { currency, minorUnits, type Money } from '../../domain/money.ts'
import { COVER_AFTER_ARRIVAL_MS } from '../../domain/policy.ts'
import { parseReviewDecision } from '../../domain/review-decision.ts'
import { addMs } from '../../domain/time.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { decideReview } from '../../operations/decide-review.ts'
import { expirePolicies } from '../../operations/expire-policies.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { B6_35, BOUND_AT, failure, identityOf, rowOf } from '../support/builders.ts'
import { unguarded } from '../support/unguarded.ts'
import { after, arrived, book, type Book } from '../support/watched-book.ts'

const USD = (minor: number): Money => ({ minor: minorUnits(minor), currency: currency('USD') })
const END = addMs(B6_35.scheduledIn, COVER_AFTER_ARRIVAL_MS)
const PREMIUM = rowOf(B6_35, 'P1', { premium: '9.99' })
const NO_PREMIUM = rowOf(B6_35, 'P2')

async function policyId(db: Database, number: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    select id from policy where policy_number = ${number}`.execute(db)
  return rows[0]?.id ?? ''
}

/** The postings of one kind of transaction, with its reference. */
async function posted(db: Database, kind: string) {
  const { rows } = await sql<LedgerPosting & { ref: string; minor: number; code: string }>`
    select t.ref, g.source, g.destination, g.amount_minor as minor, g.currency as code
    from ledger_transaction t join ledger_posting g on g.transaction_id = t.id
    where t.kind = ${kind} order by t.ref, g.id`.execute(db)
  return rows.map(({ ref, source, destination, minor }) => ({
    ref,
    posting: { source, destination, amount: USD(minor) },
  }))
}

function postingsOf({ ref, postings }: LedgerTransaction) {
  return postings.map((posting) => ({ ref, posting }))
}

async function unearned(db: Database): Promise<string> {
  const { rows } = await sql<{ balance: string }>`
    select coalesce(sum(case when destination = 'premium:unearned' then amount_minor
      else -amount_minor end), 0)::text as balance
    from ledger_posting where 'premium:unearned' in (source, destination)`.execute(db)
  return rows[0]?.balance ?? ''
}

async function expire(it: Book): Promise<void> {
  const expiryStore = createExpiryStore(it.db)
  it.clock.set(END)
  const { decisionStore, clock } = it
  const start = { after: null, oldestOpen: null }
  await expirePolicies({ expiryStore, decisionStore, clock }, start, { maxPages: 9 })
}

async function pay(it: Book): Promise<void> {
  const payoutStore = createPayoutStore(it.db)
  const { rows } = await sql<{ id: string }>`select id from payout order by id`.execute(it.db)
  const payoutIds = rows.map(({ id }) => id)
  await approvePayouts({ payoutStore, clock: it.clock }, { payoutIds })
  const at = await it.clock.now()
  await payoutStore.openAttempts({ payoutIds }, { provider: 'stripe', at })
  const answers = payoutIds.map((payoutId) => ({ payoutId, n: 1, transferId: `tr_${payoutId}` }))
  await payoutStore.recordAccepted(answers, at)
}

const verify = ({ db }: Book) => verifyBooks({ ledgerStore: createLedgerStore(db) })

test('a premium that is known is unearned from the binding on, as the domain says', async () => {
  await using it = await book([PREMIUM, NO_PREMIUM])
  const [first, second] = [await policyId(it.db, 'P1'), await policyId(it.db, 'P2')]
  const input = { reserved: USD(25_000), effectiveAt: BOUND_AT }
  const expected = [
    ...postingsOf(bindPosting({ ...input, policyId: first, premium: USD(999) })),
    ...postingsOf(bindPosting({ ...input, policyId: second })),
  ].toSorted((a, b) => (a.ref < b.ref ? -1 : 1))
  expect(await posted(it.db, 'bind')).toEqual(expected)
  expect(await unearned(it.db)).toBe('999')
  expect(await verify(it)).toEqual({ breaks: [] })
})

test('a premium of nothing moves nothing', async () => {
  await using it = await book([rowOf(B6_35, 'P1', { premium: '0' })])
  expect(await posted(it.db, 'bind')).toHaveLength(1)
  expect(await verify(it)).toEqual({ breaks: [] })
})

test('an expired policy has earned its premium, one without a premium earns nothing', async () => {
  await using it = await book([PREMIUM, NO_PREMIUM])
  await it.settle(arrived(10), after(10))
  await it.decide()
  expect(await unearned(it.db)).toBe('999')
  await expire(it)
  const earned = earnPosting({
    policyId: await policyId(it.db, 'P1'),
    premium: USD(999),
    effectiveAt: END,
  })
  expect(await posted(it.db, 'earn')).toEqual(postingsOf(earned))
  expect(await unearned(it.db)).toBe('0')
  expect(await verify(it)).toEqual({ breaks: [] })
})

test('a paid policy has earned its premium when the money has gone out, once', async () => {
  await using it = await book([PREMIUM, NO_PREMIUM])
  await it.settle(arrived(60), after(60))
  await it.decide()
  expect(await unearned(it.db)).toBe('999')
  await pay(it)
  expect(await posted(it.db, 'earn')).toHaveLength(1)
  expect(await unearned(it.db)).toBe('0')
  expect(await verify(it)).toEqual({ breaks: [] })
})

test('a policy that people deny has earned its premium too', async () => {
  await using it = await book([PREMIUM])
  it.flightData.shown.set(legKey(identityOf(B6_35)), failure('UNAVAILABLE'))
  it.clock.set(END)
  await it.poll()
  await it.decide()
  const { rows } = await sql<{ id: string }>`select id from review_case`.execute(it.db)
  const deps = {
    reviewDecisions: createReviewDecisions(it.db),
    payoutStore: createPayoutStore(it.db),
    payoutRuns: { carryOn: () => Promise.reject(new Error('no payout is asked for here')) },
    clock: it.clock,
  }
  const decision = parseReviewDecision({ outcome: 'deny' })
  const by = { by: 'user:ana', reason: 'not flown' }
  const done = await decideReview(deps, { caseId: rows[0]?.id ?? '', decision, ...by })
  expect(done).toMatchObject({ policiesDenied: 1 })
  expect(await posted(it.db, 'earn')).toHaveLength(1)
  expect(await unearned(it.db)).toBe('0')
  expect(await verify(it)).toEqual({ breaks: [] })
})

test('a policy that was reopened and ends again does not earn twice', async () => {
  await using it = await book([PREMIUM])
  await it.settle(arrived(60), after(60))
  await it.decide()
  const id = await policyId(it.db, 'P1')
  const ref = `earn:${id}`
  await sql`
    with t as (
      insert into ledger_transaction (id, ref, kind, effective_at)
      values (groundstop_id('ledger|' || ${ref}), ${ref}, 'earn', now()) returning id)
    insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
    select id, 'premium:unearned', 'revenue:premium', 999, 'USD' from t`.execute(it.db)
  await pay(it)
  expect(await posted(it.db, 'earn')).toHaveLength(1)
  expect(await verify(it)).toEqual({ breaks: [] })
})

test('a premium that stays unearned after its policy ended is found', async () => {
  await using it = await book([PREMIUM])
  await it.settle(arrived(10), after(10))
  await it.decide()
  await sql`update policy set state = 'EXPIRED'`.execute(it.db)
  const { breaks } = await verify(it)
  expect(breaks.map(({ subject }) => subject)).toContain('account:premium:unearned')
})

test('a leg that was sold beyond its limit is found', async () => {
  await using it = await book([PREMIUM])
  const terms = JSON.stringify({ clusterLimitMinor: 24_999 })
  await sql`
    insert into quote (id, product_version_id, leg_key, sold, leg, sum_insured_minor, currency,
      premium_minor, rate, terms, amounts, quoted_at, expires_at, state, policy_id, closed_at)
    select groundstop_id('q'), product_version_id, '', '{}', '{}', 25000, 'USD', 999, '{}',
      ${terms}::jsonb, '{}', now(), now() + interval '1 hour', 'BOUND', id, now()
    from policy`.execute(it.db)
  const { breaks } = await verify(it)
  expect(breaks).toEqual([
    expect.objectContaining({ invariant: 'I9', subject: 'leg:B6|35|JFK|PBI|2013-03-09' }),
  ])
})

test('premiums known before they were in the ledger are posted when the schema is migrated', async () => {
  const ended = rowOf(B6_35, 'P3', { premium: '5' })
  await using it = await book([PREMIUM, NO_PREMIUM, ended])
  await it.settle(arrived(10), after(10))
  await it.decide()
  await expire(it)
  await sql`update policy set state = 'IN_REVIEW' where policy_number = 'P1'`.execute(it.db)
  const file = new URL('../../db/migrations/0021_premium.sql', import.meta.url)
  const migration = await readFile(file, 'utf8')
  await unguarded(it.db, async (trx) => {
    await sql`delete from ledger_posting
      where 'premium:unearned' in (source, destination)`.execute(trx)
    await sql`delete from ledger_transaction where kind = 'earn'`.execute(trx)
  })
  await it.db.transaction().execute(async (trx) => {
    await sql.raw(migration).execute(trx)
  })
  expect(await unearned(it.db)).toBe('999')
  expect(await posted(it.db, 'earn')).toHaveLength(1)
  expect((await verify(it)).breaks.filter(({ invariant }) => invariant === 'LEDGER')).toEqual([])
})
