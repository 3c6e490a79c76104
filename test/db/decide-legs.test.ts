import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test } from 'vitest'

import { shareSql } from '../../db/stores/decision-page.ts'
import { account, ledgerRef, triggerPosting } from '../../domain/ledger.ts'
import { legKey } from '../../domain/leg.ts'
import { currency, minorUnits, shareOf } from '../../domain/money.ts'
import type { ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { decideLegs } from '../../operations/decide-legs.ts'
import { B6_35, failure, identityOf, manyLegs, recordOf, rowOf } from '../support/builders.ts'
import { createTestDatabase } from '../support/database.ts'
import { after, arrived, book } from '../support/watched-book.ts'
import type { Book } from '../support/watched-book.ts'

async function everything({ db }: Book) {
  const { rows } = await sql`
    select
      (select json_agg(p order by p.policy_number) from policy p) as policies,
      (select json_agg(l order by l.leg_key) from flight_leg l) as legs,
      (select json_agg(e order by e.policy_id) from escrow_reservation e) as escrow,
      (select json_agg(o order by o.id) from payout o) as payouts,
      (select json_agg(v order by v.id) from evaluation v) as evaluations,
      (select json_agg(t order by t.ref) from ledger_transaction t) as transactions,
      (select json_agg(g order by g.id) from ledger_posting g) as postings,
      (select json_agg(c order by c.id) from review_case c) as reviews,
      (select json_agg(b) from pool_balance b) as pool`.execute(db)
  return rows[0]
}

/** Money is where it should be: cached pool, escrow rows and ledger agree. */
async function expectBalanced({ db }: Book) {
  const { rows } = await sql<Record<string, string>>`
    with moves as (
      select destination as account, amount_minor as amount from ledger_posting
      union all select source, -amount_minor from ledger_posting
    ),
    balances as (select account, sum(amount) as balance from moves group by account)
    select
      (select balance from balances where account = ${account.poolAvailable()}) as pool,
      (select sum(balance_minor) from pool_balance) as pool_kept,
      (select sum(balance) from balances where account like 'escrow:%') as escrow,
      (select sum(reserved_minor - fulfilled_minor - released_minor)
        from escrow_reservation) as escrow_kept,
      (select coalesce(sum(balance), 0) from balances where account like 'payable:%') as payable,
      (select coalesce(sum(amount_minor), 0) from payout) as payable_kept`.execute(db)
  const [sums] = rows
  expect(sums?.['pool']).toBe(sums?.['pool_kept'])
  expect(sums?.['escrow']).toBe(sums?.['escrow_kept'])
  expect(sums?.['payable']).toBe(sums?.['payable_kept'])
}

test('a paid policy has outcome, payout, ledger and released rest', async () => {
  await using it = await book([rowOf(B6_35, 'P1', { sum_insured: '250.01' })])
  await it.settle(arrived(90), after(90))
  expect(await it.decide()).toEqual({
    evaluations: 1,
    policiesPaid: 1,
    policiesNotPaid: 0,
    policiesInReview: 0,
    payoutsCreated: 1,
  })
  const { rows } = await sql<Record<string, string>>`
    select p.id as policy_id, p.state, p.outcome, p.bps, p.amount_minor, p.decided_at, o.id, o.state as payout,
      o.revision, o.amount_minor as payout_minor, o.payee_ref, e.state as escrow, e.fulfilled_minor,
      e.released_minor, v.outcome as evaluated, v.delay_min, v.reasons,
      cardinality(v.observation_ids) as observations
    from policy p
    join payout o on o.policy_id = p.id
    join escrow_reservation e on e.policy_id = p.id
    join evaluation v on v.id = p.evaluation_id and v.id = o.evaluation_id`.execute(it.db)
  expect(rows).toMatchObject([
    {
      state: 'TRIGGERED',
      outcome: 'PAY',
      bps: 3_000,
      amount_minor: 7_500,
      decided_at: await it.clock.now(),
      payout: 'CREATED',
      revision: 0,
      payout_minor: 7_500,
      payee_ref: 'acct_P1',
      escrow: 'FULFILLED',
      fulfilled_minor: 7_500,
      released_minor: 17_501,
      evaluated: 'PAY',
      delay_min: 90,
      reasons: ['ARRIVED', 'TIER_MET'],
      observations: 1,
    },
  ])
  await expectBalanced(it)
  const usd = currency('USD')
  const { policy_id: policyId = '', id: payoutId = '' } = rows[0] ?? {}
  const expected = triggerPosting({
    policyId,
    payoutId,
    reserved: { minor: minorUnits(25_001), currency: usd },
    amount: { minor: minorUnits(7_500), currency: usd },
    effectiveAt: await it.clock.now(),
  })
  const posted = await sql`
    select g.source, g.destination, json_build_object('minor', g.amount_minor, 'currency',
      trim(g.currency)) as amount
    from ledger_posting g join ledger_transaction t on t.id = g.transaction_id
    where t.ref = ${ledgerRef.trigger(payoutId)} and t.kind = ${expected.kind}
      and t.effective_at = ${expected.effectiveAt}
    order by g.id`.execute(it.db)
  expect(posted.rows).toEqual(expected.postings)
})

test('a policy not paid keeps its escrow and is left for expiry', async () => {
  await using it = await book([rowOf(B6_35, 'P1')])
  await it.settle(arrived(20), after(20))
  expect(await it.decide()).toMatchObject({ policiesNotPaid: 1, payoutsCreated: 0 })
  const { rows } = await sql`
    select p.state, p.outcome, p.bps, p.amount_minor, e.state as escrow
    from policy p join escrow_reservation e on e.policy_id = p.id`.execute(it.db)
  expect(rows).toEqual([
    { state: 'MONITORING', outcome: 'NO_PAY', bps: 0, amount_minor: 0, escrow: 'RESERVED' },
  ])
  await expectBalanced(it)
})

test('one leg is decided per product and insured arrival', async () => {
  await using it = await book([
    rowOf(B6_35, 'P1'),
    rowOf(B6_35, 'P2', { product: 'FD120' }),
    rowOf(B6_35, 'P3', { product: 'FD180' }),
  ])
  // Retimed by half an hour, then bound again: 110 minutes late are 80 for this policy.
  const retimed = { ...B6_35, scheduledIn: addMs(B6_35.scheduledIn, 30 * MINUTE_MS) }
  it.flightData.timetable.set(legKey(identityOf(B6_35)), [retimed])
  await it.bind([rowOf(B6_35, 'P4', { product: 'FD120' }), rowOf(B6_35, 'P5')])
  await it.settle(arrived(130), after(130))
  expect(await it.decide()).toMatchObject({ evaluations: 5, policiesPaid: 3, policiesNotPaid: 2 })
  const { rows } = await sql`
    select policy_number, outcome, bps from policy order by policy_number`.execute(it.db)
  expect(rows).toEqual([
    { policy_number: 'P1', outcome: 'PAY', bps: 6_000 },
    { policy_number: 'P2', outcome: 'PAY', bps: 10_000 },
    { policy_number: 'P3', outcome: 'NO_PAY', bps: 0 },
    { policy_number: 'P4', outcome: 'NO_PAY', bps: 0 },
    { policy_number: 'P5', outcome: 'PAY', bps: 3_000 },
  ])
  await expectBalanced(it)
})

test('a leg is settled when its last policy is decided, and not before', async () => {
  // 120 minutes late is on FD120's edge: it waits an hour longer than FD180 does.
  await using it = await book([
    rowOf(B6_35, 'P1', { product: 'FD180' }),
    rowOf(B6_35, 'P2', { product: 'FD120' }),
  ])
  const leg = async () =>
    (
      await sql`select undecided_policies, next_poll_at is null as is_done, settled_at
      from flight_leg`.execute(it.db)
    ).rows[0]
  await it.settle(arrived(120), after(120), 15 * MINUTE_MS)
  expect(await it.decide()).toMatchObject({ evaluations: 1, policiesNotPaid: 1 })
  expect(await leg()).toEqual({ undecided_policies: 1, is_done: false, settled_at: null })
  it.clock.pass(45 * MINUTE_MS)
  await it.poll()
  expect(await it.decide()).toMatchObject({ evaluations: 1, policiesPaid: 1 })
  expect(await leg()).toEqual({
    undecided_policies: 0,
    is_done: true,
    settled_at: await it.clock.now(),
  })
})

test('a leg that is not decidable is left alone', async () => {
  await using it = await book([rowOf(B6_35, 'P1')])
  await it.poll()
  const before = await everything(it)
  expect(await it.decide()).toMatchObject({ evaluations: 0 })
  expect(await everything(it)).toEqual(before)
})

test('deciding again changes nothing', async () => {
  await using it = await book([
    rowOf(B6_35, 'P1'),
    rowOf(B6_35, 'P2', { product: 'FD180' }),
    rowOf(B6_35, 'P3', { currency: 'EUR' }),
  ])
  await it.settle(arrived(90), after(90))
  await it.decide()
  const before = await everything(it)
  expect(await it.decide()).toEqual({
    evaluations: 0,
    policiesPaid: 0,
    policiesNotPaid: 0,
    policiesInReview: 0,
    payoutsCreated: 0,
  })
  expect(await everything(it)).toEqual(before)
})

test('deciders at once decide every policy once', async () => {
  const legs = manyLegs(20)
  const rows = legs.flatMap((leg, l) =>
    Array.from({ length: 60 }, (_, n) =>
      rowOf(leg, `P${l}-${n}`, { currency: n % 2 ? 'USD' : 'EUR' }),
    ),
  )
  await using it = await book(rows, legs)
  await it.settle(arrived(90), after(90))
  const reversed = { legIds: it.legIds.toReversed() }
  const { decisionStore, clock } = it
  const results = await Promise.all([
    it.decide(),
    decideLegs({ decisionStore, clock }, reversed),
    it.decide(),
  ])
  expect(results.reduce((sum, result) => sum + result.payoutsCreated, 0)).toBe(1_200)
  const { rows: counts } = await sql`
    select (select count(*) from payout) as payouts,
      (select count(*) from ledger_transaction where kind = 'trigger') as triggers,
      (select count(*) from policy where state = 'TRIGGERED') as triggered,
      (select sum(undecided_policies) from flight_leg) as undecided`.execute(it.db)
  expect(counts).toEqual([{ payouts: 1_200, triggers: 1_200, triggered: 1_200, undecided: 0 }])
  await expectBalanced(it)
})

test('a decision interrupted between pages is finished by the next one', async () => {
  const rows = Array.from({ length: 1_001 }, (_, n) => rowOf(B6_35, `P${n}`))
  await using it = await book(rows)
  await it.settle(arrived(90), after(90))
  const stop = new AbortController()
  const { decisionStore, clock, legIds } = it
  const seen: number[][] = []
  const onProgress = (done: number, total: number) => {
    seen.push([done, total])
    stop.abort(new Error('killed'))
  }
  const options = { signal: stop.signal, onProgress }
  await expect(decideLegs({ decisionStore, clock }, { legIds }, options)).rejects.toThrow('killed')
  expect(seen).toEqual([[500, 1_001]])
  await expectBalanced(it)
  expect(await it.decide()).toMatchObject({ evaluations: 1, policiesPaid: 501 })
  const { rows: counts } = await sql`
    select (select count(*) from payout) as payouts, (select count(*) from evaluation) as evaluations,
      (select undecided_policies from flight_leg) as undecided`.execute(it.db)
  expect(counts).toEqual([{ payouts: 1_001, evaluations: 1, undecided: 0 }])
  await expectBalanced(it)
})

test('a page that fails leaves nothing behind', async () => {
  await using it = await book([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')])
  await it.settle(arrived(90), after(90))
  await sql`alter table payout add constraint planted check (payee_ref <> 'acct_P2')`.execute(it.db)
  await expect(it.decide()).rejects.toThrow('planted')
  const { rows } = await sql`
    select (select count(*) from policy where outcome is not null) as decided,
      (select count(*) from payout) as payouts,
      (select count(*) from ledger_transaction where kind = 'trigger') as triggers,
      (select undecided_policies from flight_leg) as undecided,
      (select next_poll_at is not null from flight_leg) as is_planned`.execute(it.db)
  expect(rows).toEqual([{ decided: 0, payouts: 0, triggers: 0, undecided: 2, is_planned: true }])
  await sql`alter table payout drop constraint planted`.execute(it.db)
  expect(await it.decide()).toMatchObject({ policiesPaid: 2 })
  await expectBalanced(it)
})

test('without final data at the end of cover the policies go to review, one case a leg', async () => {
  await using it = await book([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2', { product: 'FD120' })])
  it.flightData.shown.set(legKey(identityOf(B6_35)), failure('UNAVAILABLE'))
  it.clock.set(addMs(B6_35.scheduledIn, DAY_MS - 1))
  expect(await it.decide()).toMatchObject({ policiesInReview: 0 })
  it.clock.pass(1)
  await it.poll()
  expect(await it.decide()).toMatchObject({ evaluations: 2, policiesInReview: 2 })
  const { rows } = await sql`
    select (select json_agg(distinct state) from policy) as states,
      (select count(*) from policy where outcome is not null) as decided,
      (select json_agg(json_build_array(subject_kind, reason_code, state)) from review_case) as cases,
      (select undecided_policies from flight_leg) as undecided`.execute(it.db)
  expect(rows).toEqual([
    {
      states: ['IN_REVIEW'],
      decided: 0,
      cases: [['leg', 'NO_FINAL_DATA', 'OPEN']],
      undecided: 0,
    },
  ])
  const before = await everything(it)
  await it.decide()
  expect(await everything(it)).toEqual(before)
})

test('a policy in review is left to its reviewer when its leg is decided', async () => {
  await using it = await book([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')])
  await sql`update policy set state = 'IN_REVIEW' where policy_number = 'P1'`.execute(it.db)
  await sql`update flight_leg set undecided_policies = 1`.execute(it.db)
  await it.settle(arrived(90), after(90))
  expect(await it.decide()).toMatchObject({ evaluations: 1, policiesPaid: 1, payoutsCreated: 1 })
  const { rows } = await sql`select state, outcome from policy order by policy_number`.execute(
    it.db,
  )
  expect(rows).toEqual([
    { state: 'IN_REVIEW', outcome: null },
    { state: 'TRIGGERED', outcome: 'PAY' },
  ])
})

test('a reported cancellation pays once it persisted to insured arrival plus three hours', async () => {
  await using it = await book([rowOf(B6_35, 'P1')])
  const cancelled = (leg: ScheduledLeg) => recordOf(leg, { cancelled: true })
  await it.settle(cancelled, 0, 3 * HOUR_MS - 1)
  expect(await it.decide()).toMatchObject({ evaluations: 0 })
  it.clock.pass(1)
  await it.poll()
  expect(await it.decide()).toMatchObject({ policiesPaid: 1 })
  const { rows } = await sql`select bps, amount_minor from policy`.execute(it.db)
  expect(rows).toEqual([{ bps: 10_000, amount_minor: 25_000 }])
  await expectBalanced(it)
})

test('a payout that would be nothing goes to review instead', async () => {
  await using it = await book([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')])
  // The import refuses such a sum; a book may have come in another way.
  await sql`alter table policy disable trigger frozen`.execute(it.db)
  await sql`update policy set sum_insured_minor = 1 where policy_number = 'P1'`.execute(it.db)
  await it.settle(arrived(90), after(90))
  expect(await it.decide()).toMatchObject({ policiesPaid: 1, policiesInReview: 1 })
  const { rows } = await sql`select subject_kind, reason_code from review_case`.execute(it.db)
  expect(rows).toEqual([{ subject_kind: 'policy', reason_code: 'AMOUNT_ZERO' }])
})

test('the amount in the database is the domain’s share of the sum, for every sum and share', async () => {
  await using it = await createTestDatabase({ max: 1 })
  const sums = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
  const shares = fc.integer({ min: 0, max: 10_000 })
  const pairs = fc.array(fc.tuple(sums, shares), { minLength: 200, maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(pairs, async (cases) => {
      const { rows } = await sql<{ amount: number }>`
        select ${shareSql(sql`s`, sql`b`)} as amount
        from unnest(${cases.map(([sum]) => sum)}::bigint[], ${cases.map(([, bps]) => bps)}::integer[])
          with ordinality as u (s, b, n)
        order by n`.execute(it.db)
      expect(rows.map((row) => row.amount)).toEqual(
        cases.map(([sum, bps]) => shareOf(minorUnits(sum), bps)),
      )
    }),
    { numRuns: 20 },
  )
})

test('ten thousand policies of one leg are decided in seconds', async () => {
  const rows = Array.from({ length: 10_000 }, (_, n) => rowOf(B6_35, `P${n}`))
  await using it = await book(rows)
  await it.settle(arrived(90), after(90))
  const startedMs = performance.now()
  expect(await it.decide()).toMatchObject({ evaluations: 1, payoutsCreated: 10_000 })
  // Two seconds on two free cores; the bound leaves room for a busy machine.
  expect(performance.now() - startedMs).toBeLessThan(20_000)
  await expectBalanced(it)
})
