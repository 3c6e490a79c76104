/** The end of cover: what expires, what is held, what goes to people, and races for the same policy. */
import { sql } from 'kysely'
import { expect, test } from 'vitest'

import { createExpiryStore } from '../../db/stores/expiry-store.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { CLOSE_AFTER_MS, LAST_WAIT_MS } from '../../domain/expiry.ts'
import { currency, minorUnits } from '../../domain/money.ts'
import { expirePosting } from '../../domain/ledger.ts'
import { legKey } from '../../domain/leg.ts'
import { COVER_AFTER_ARRIVAL_MS } from '../../domain/policy.ts'
import type { ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { expirePolicies } from '../../operations/expire-policies.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { arrivedRecord, B6_35, failure, identityOf, manyLegs, rowOf } from '../support/builders.ts'
import { book, type Book } from '../support/watched-book.ts'

const COVER_END = addMs(B6_35.scheduledIn, COVER_AFTER_ARRIVAL_MS)
const NEW_SWEEP = { after: null, oldestOpen: null }

const arrived = (delayMin: number) => (leg: ScheduledLeg) => arrivedRecord(leg, delayMin)

/** A book whose leg arrived on time, decided; the clock stands at the end of cover. */
async function notPaidBook(policies: number): Promise<Book> {
  const it = await book(Array.from({ length: policies }, (_, n) => rowOf(B6_35, `P${n}`)))
  await it.settle(arrived(20), 20 * MINUTE_MS)
  await it.decide()
  it.clock.set(COVER_END)
  return it
}

function sweep({ db, decisionStore, clock }: Pick<Book, 'db' | 'decisionStore' | 'clock'>) {
  const deps = { expiryStore: createExpiryStore(db), decisionStore, clock }
  return expirePolicies(deps, NEW_SWEEP, { maxPages: 100 })
}

async function states({ db }: Pick<Book, 'db'>): Promise<Record<string, number>> {
  const { rows } = await sql<{ state: string; n: number }>`
    select p.state || '/' || e.state as state, count(*) as n
    from policy p join escrow_reservation e on e.policy_id = p.id
    group by 1`.execute(db)
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
}

async function cases({ db }: Pick<Book, 'db'>) {
  const { rows } = await sql`
    select subject_kind, reason_code from review_case where state <> 'RESOLVED'
    order by 1, 2`.execute(db)
  return rows
}

async function expectSoundBook({ db }: Pick<Book, 'db'>) {
  expect(await verifyBooks({ ledgerStore: createLedgerStore(db) })).toEqual({ breaks: [] })
}

test('a settled no-pay expires at the end of cover, and its escrow returns to the pool', async () => {
  await using it = await notPaidBook(2)
  expect(await sweep(it)).toMatchObject({
    expired: 2,
    released: [{ currency: 'USD', amountMinor: '50000' }],
    held: 0,
    waiting: 0,
    isComplete: true,
  })
  expect(await states(it)).toEqual({ 'EXPIRED/RELEASED': 2 })
  await expectSoundBook(it)
})

test('a settled no-pay is left alone a millisecond before the end of cover', async () => {
  await using it = await notPaidBook(1)
  it.clock.pass(-1)
  expect(await sweep(it)).toMatchObject({ expired: 0, held: 0, waiting: 0 })
  expect(await states(it)).toEqual({ 'MONITORING/RESERVED': 1 })
})

test('the ledger says of an expiry what the domain says', async () => {
  await using it = await notPaidBook(1)
  await sweep(it)
  const { rows } = await sql<{ id: string }>`select id from policy`.execute(it.db)
  const { ref, kind, effectiveAt, postings } = expirePosting({
    policyId: rows[0]?.id ?? '',
    reserved: { minor: minorUnits(25_000), currency: currency('USD') },
    effectiveAt: COVER_END,
  })
  const posted = await sql`
    select t.ref, t.kind, t.effective_at, g.source, g.destination,
      json_build_object('minor', g.amount_minor, 'currency', g.currency) as amount
    from ledger_posting g join ledger_transaction t on t.id = g.transaction_id
    where t.kind = 'expire'`.execute(it.db)
  expect(posted.rows).toEqual([{ ref, kind, effective_at: effectiveAt, ...postings[0] }])
})

test('a second sweep changes nothing, and begins where everything before is done', async () => {
  await using it = await notPaidBook(3)
  it.clock.pass(2 * HOUR_MS)
  await sweep(it)
  expect(await sweep(it)).toMatchObject({ expired: 0, released: [] })
  const { rows } = await sql`select job, position from job_cursor`.execute(it.db)
  expect(rows).toEqual([{ job: 'policy-expiration', position: addMs(COVER_END, HOUR_MS) }])
  await expectSoundBook(it)
})

test('a policy bound after its cover was swept is still looked at', async () => {
  await using it = await notPaidBook(1)
  it.clock.pass(3 * DAY_MS)
  await sweep(it)
  await sql`
    insert into policy (id, policy_number, product_version_id, leg_id, insured_scheduled_out,
      insured_scheduled_in, sum_insured_minor, currency, payee_ref, state, bound_at, cover_end)
    select groundstop_id('policy|LATE'), 'LATE', product_version_id, leg_id, insured_scheduled_out,
      insured_scheduled_in, sum_insured_minor, currency, payee_ref, 'BOUND', bound_at, cover_end
    from policy`.execute(it.db)
  await sql`update flight_leg set undecided_policies = 1`.execute(it.db)
  const { rows } = await sql`select position from job_cursor`.execute(it.db)
  expect(rows).toEqual([{ position: COVER_END }])
  expect(await sweep(it)).toMatchObject({ expired: 0, decided: { policiesNotPaid: 1 } })
})

test('pages go on where the last one ended, and an interrupted sweep is finished by the next', async () => {
  await using it = await notPaidBook(1_001)
  const deps = { expiryStore: createExpiryStore(it.db), ...it }
  const first = await expirePolicies(deps, NEW_SWEEP, { maxPages: 1 })
  expect(first).toMatchObject({ expired: 500, isComplete: false })
  await expectSoundBook(it)
  const second = await expirePolicies(deps, first, { maxPages: 1 })
  expect(second).toMatchObject({ expired: 500, isComplete: false })
  expect(await sweep(it)).toMatchObject({ expired: 1, isComplete: true })
  await expectSoundBook(it)
})

const HOLDS: readonly (readonly [string, (it: Book) => Promise<unknown>])[] = [
  [
    'a review of the policy is open',
    ({ db }) =>
      sql`insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
        select groundstop_id('r'), 'policy', id, 'APPEAL', now() from policy`.execute(db),
  ],
  [
    'a review of its leg is open',
    ({ db }) =>
      sql`insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
        select groundstop_id('r'), 'leg', leg_id, 'APPEAL', now() from policy`.execute(db),
  ],
  [
    'a payout of it is there',
    ({ db }) =>
      sql`insert into payout (id, policy_id, evaluation_id, amount_minor, currency, payee_ref)
        select groundstop_id('p'), id, evaluation_id, 1, currency, payee_ref from policy`.execute(
        db,
      ),
  ],
  [
    'another policy of its leg is undecided',
    ({ db }) => sql`update flight_leg set undecided_policies = 1`.execute(db),
  ],
  ['its leg is not settled', ({ db }) => sql`update flight_leg set settled_at = null`.execute(db)],
]

test.each(HOLDS)('a no-pay is held while %s', async (_, hold) => {
  await using it = await notPaidBook(1)
  await hold(it)
  it.clock.pass(30 * DAY_MS)
  expect(await sweep(it)).toMatchObject({ expired: 0, held: 1, oldestOpen: COVER_END })
  expect(await states(it)).toEqual({ 'MONITORING/RESERVED': 1 })
})

test('a resolved review holds no more', async () => {
  await using it = await notPaidBook(1)
  await sql`insert into review_case (id, subject_kind, subject_id, reason_code, state, opened_at)
    select groundstop_id('r'), 'policy', id, 'APPEAL', 'RESOLVED', now() from policy`.execute(it.db)
  expect(await sweep(it)).toMatchObject({ expired: 1, held: 0 })
})

test('a policy in review is left to its reviewer', async () => {
  await using it = await notPaidBook(1)
  await sql`update policy set state = 'IN_REVIEW'`.execute(it.db)
  expect(await sweep(it)).toMatchObject({ expired: 0, held: 0 })
  expect(await states(it)).toEqual({ 'IN_REVIEW/RESERVED': 1 })
})

test('a policy that pays is left to its payout', async () => {
  await using it = await book([rowOf(B6_35, 'P1')])
  await it.settle(arrived(90), 90 * MINUTE_MS)
  await it.decide()
  it.clock.pass(30 * DAY_MS)
  expect(await sweep(it)).toMatchObject({ expired: 0, held: 0 })
  expect(await states(it)).toEqual({ 'TRIGGERED/FULFILLED': 1 })
})

test('without any facts the policies go to people when cover is over, one case a leg', async () => {
  const legs = manyLegs(2)
  await using it = await book(
    legs.flatMap((leg, n) => [rowOf(leg, `P${n}`), rowOf(leg, `Q${n}`, { product: 'FD120' })]),
    legs,
  )
  for (const leg of legs) it.flightData.shown.set(legKey(identityOf(leg)), failure('UNAVAILABLE'))
  it.clock.set(addMs(COVER_END, HOUR_MS - 1))
  await it.poll()
  expect(await sweep(it)).toMatchObject({ waiting: 4, decided: { policiesInReview: 0 } })
  it.clock.pass(1)
  expect(await sweep(it)).toMatchObject({
    expired: 0,
    waiting: 0,
    decided: { policiesInReview: 4 },
  })
  expect(await states(it)).toEqual({ 'IN_REVIEW/RESERVED': 4 })
  expect(await cases(it)).toEqual(
    Array.from({ length: 2 }, () => ({ subject_kind: 'leg', reason_code: 'NO_FINAL_DATA' })),
  )
  await expectSoundBook(it)
})

test('an arrival that waits for its confirmation is waited for past the end of cover', async () => {
  await using it = await book([rowOf(B6_35, 'P1')])
  it.flightData.shown.set(legKey(identityOf(B6_35)), [arrivedRecord(B6_35, 20)])
  it.clock.set(addMs(COVER_END, -MINUTE_MS))
  await it.poll()
  it.flightData.shown.set(legKey(identityOf(B6_35)), failure('UNAVAILABLE'))
  it.clock.set(addMs(COVER_END, 12 * HOUR_MS))
  await it.poll()
  expect(await sweep(it)).toMatchObject({ waiting: 1, decided: { policiesInReview: 0 } })
  it.flightData.shown.set(legKey(identityOf(B6_35)), [arrivedRecord(B6_35, 20)])
  await it.poll()
  expect(await sweep(it)).toMatchObject({ expired: 0, decided: { policiesNotPaid: 1 } })
  expect(await sweep(it)).toMatchObject({ expired: 1 })
  await expectSoundBook(it)
})

test('evidence of a payment that nobody decided is decided, not expired', async () => {
  await using it = await book([rowOf(B6_35, 'P1')])
  await it.settle(arrived(90), 90 * MINUTE_MS)
  await sql`update flight_leg set next_poll_at = null`.execute(it.db)
  it.clock.set(addMs(COVER_END, 20 * DAY_MS))
  await sql`update policy set cover_end = cover_end + interval '19 days'`.execute(it.db)
  expect(await sweep(it)).toMatchObject({ decided: { policiesPaid: 1, payoutsCreated: 1 } })
  expect(await states(it)).toEqual({ 'TRIGGERED/FULFILLED': 1 })
})

test('a leg that could not be asked since cover ended waits seven days, then people decide', async () => {
  await using it = await book([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')])
  it.clock.set(addMs(COVER_END, LAST_WAIT_MS - 1))
  expect(await sweep(it)).toMatchObject({ waiting: 2, inReview: 0 })
  it.clock.pass(1)
  expect(await sweep(it)).toMatchObject({ waiting: 0, inReview: 2, expired: 0 })
  expect(await states(it)).toEqual({ 'IN_REVIEW/RESERVED': 2 })
  expect(await cases(it)).toEqual([{ subject_kind: 'leg', reason_code: 'NO_FINAL_DATA' }])
  const { rows } = await sql`
    select undecided_policies, next_poll_at, settled_at from flight_leg`.execute(it.db)
  expect(rows).toEqual([
    { undecided_policies: 0, next_poll_at: null, settled_at: await it.clock.now() },
  ])
  expect(await sweep(it)).toMatchObject({ inReview: 0 })
  await expectSoundBook(it)
})

test('trap 28: an expiry that waits behind a payout being made sees it and holds', async () => {
  await using it = await notPaidBook(1)
  const correction = await it.db.startTransaction().execute()
  await sql`select id from policy for update`.execute(correction)
  await sql`insert into payout (id, policy_id, revision, evaluation_id, amount_minor, currency, payee_ref)
    select groundstop_id('p'), id, 0, evaluation_id, 1, currency, payee_ref from policy`.execute(
    correction,
  )
  const expiry = sweep(it)
  await untilBlocked(it)
  await correction.commit().execute()
  expect(await expiry).toMatchObject({ expired: 0, held: 1 })
  expect(await states(it)).toEqual({ 'MONITORING/RESERVED': 1 })
})

test('trap 28: a policy triggered while the expiry waits for it is not expired', async () => {
  await using it = await notPaidBook(1)
  const correction = await it.db.startTransaction().execute()
  await sql`update policy set state = 'TRIGGERED', outcome = 'PAY', bps = 3000, amount_minor = 7500`.execute(
    correction,
  )
  const expiry = sweep(it)
  await untilBlocked(it)
  await correction.commit().execute()
  expect(await expiry).toMatchObject({ expired: 0, held: 0 })
  expect(await states(it)).toEqual({ 'TRIGGERED/RESERVED': 1 })
})

test('trap 28: sweeps, deciders and pollers at once expire every policy once', async () => {
  const legs = manyLegs(10)
  await using it = await book(
    legs.flatMap((leg, l) =>
      Array.from({ length: 120 }, (_, n) =>
        rowOf(leg, `P${l}-${n}`, { product: n % 2 ? 'FD45' : 'FD180' }),
      ),
    ),
    legs,
  )
  // FD45 pays at 90 minutes, FD180 does not; nothing is decided yet when the sweeps begin.
  await it.settle(arrived(90), 90 * MINUTE_MS)
  it.clock.set(addMs(COVER_END, 2 * HOUR_MS))
  await it.poll()
  await Promise.all([sweep(it), it.decide(), sweep(it), it.decide(), sweep(it)])
  await sweep(it)
  expect(await states(it)).toEqual({ 'TRIGGERED/FULFILLED': 600, 'EXPIRED/RELEASED': 600 })
  await expectSoundBook(it)
})

test('a paid or expired policy is closed 30 days after its cover, not a millisecond before', async () => {
  await using it = await notPaidBook(2)
  await sweep(it)
  await sql`delete from notification_fact`.execute(it.db)
  it.clock.set(addMs(COVER_END, CLOSE_AFTER_MS - 1))
  expect(await sweep(it)).toMatchObject({ closed: 0 })
  it.clock.pass(1)
  expect(await sweep(it)).toMatchObject({ closed: 2 })
  expect(await states(it)).toEqual({ 'CLOSED/RELEASED': 2 })
  expect(await sweep(it)).toMatchObject({ closed: 0 })
  await expectSoundBook(it)
})

test.each([
  [
    'a case of its leg is open',
    sql`
    insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
    select gen_random_uuid(), 'leg', leg_id, 'CORRECTION_HIGHER', now() from policy`,
  ],
  [
    'a case of its own is open',
    sql`
    insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
    select gen_random_uuid(), 'policy', id, 'APPEAL', now() from policy`,
  ],
  [
    'its holder is still to be told',
    sql`
    insert into notification_fact (kind, policy_id, occasion) select 'NOT_PAID', id, 'x' from policy`,
  ],
])('a policy is not closed while %s', async (_what, stand) => {
  await using it = await notPaidBook(1)
  await sweep(it)
  await sql`delete from notification_fact`.execute(it.db)
  await stand.execute(it.db)
  it.clock.set(addMs(COVER_END, CLOSE_AFTER_MS))
  expect(await sweep(it)).toMatchObject({ closed: 0 })
  expect(await states(it)).toEqual({ 'EXPIRED/RELEASED': 1 })
})

test('the schema refuses an expired policy without a settled no-pay', async () => {
  await using it = await book([rowOf(B6_35, 'P1')])
  const byHand = sql`update policy set state = 'EXPIRED'`.execute(it.db)
  await expect(byHand).rejects.toThrow('policy_expired_is_no_pay')
})

const BLOCKED_TRIES = 400

/** Until a session of this database waits for another's lock. */
async function untilBlocked({ db }: Book): Promise<void> {
  for (let i = 0; i < BLOCKED_TRIES; i += 1) {
    const { rows } = await sql<{ n: number }>`
      select count(*) as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
    if ((rows[0]?.n ?? 0) > 0) return
  }
  throw new Error('the expiry did not wait')
}
