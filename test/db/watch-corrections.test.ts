import { sql } from 'kysely'
import { expect, test } from 'vitest'

import type { Database } from '../../db/client.ts'
import { createCorrectionStore } from '../../db/stores/correction-store.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { legKey } from '../../domain/leg.ts'
import { leakagePosting } from '../../domain/ledger.ts'
import { currency, minorUnits } from '../../domain/money.ts'
import type { RawPolicyRow } from '../../domain/policy-row.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, type Instant } from '../../domain/time.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { watchCorrections } from '../../operations/watch-corrections.ts'
import { arrivedRecord, B6_35, failure, identityOf, rowOf } from '../support/builders.ts'
import { after, arrived, book } from '../support/watched-book.ts'

/** A book whose leg was decided at this delay, six hours ago. */
async function decidedBook(rows: readonly RawPolicyRow[], delayMin: number) {
  const it = await book(rows)
  await it.settle(arrived(delayMin), after(delayMin))
  await it.decide()
  const { flightData, clock, decisionStore } = it
  const correctionStore = createCorrectionStore(it.db)
  const legStore = createLegStore(it.db)
  const deps = { correctionStore, legStore, decisionStore, flightData, clock }
  const askedBefore = flightData.asked.status
  clock.pass(6 * HOUR_MS)
  return {
    ...it,
    watch: () => watchCorrections(deps, { concurrency: 4 }),
    verify: () => verifyBooks({ ledgerStore: createLedgerStore(it.db) }),
    asked: () => flightData.asked.status - askedBefore,
    show: (shown: number | 'silence') =>
      flightData.shown.set(
        legKey(identityOf(B6_35)),
        shown === 'silence' ? failure('UNAVAILABLE') : [arrivedRecord(B6_35, shown)],
      ),
    found: async () =>
      (
        await sql<Record<string, unknown>>`
          select c.bps, c.corrected_bps, c.policies,
            (select json_agg(json_build_array(r.subject_kind, r.reason_code, r.details))
              from review_case r) as cases
          from decision_correction c order by c.bps, c.corrected_bps`.execute(it.db)
      ).rows,
  }
}

/** What is booked as paid too much, of all policies together. */
async function leakedMinor(db: Database): Promise<number> {
  const { rows } = await sql<{ minor: number }>`
    select coalesce(sum(amount_minor), 0)::bigint as minor from ledger_posting
    where destination = 'expense:leakage'`.execute(db)
  return rows[0]?.minor ?? 0
}

test('a leg is looked at six hours after its decision, not a millisecond before, and once', async () => {
  await using it = await decidedBook([rowOf(B6_35, 'P1')], 40)
  it.clock.pass(-1)
  expect(await it.watch()).toMatchObject({ looked: 0, asked: 0, isComplete: true })
  it.clock.pass(1)
  expect(await it.watch()).toMatchObject({ looked: 1, asked: 1, corrections: [] })
  it.clock.pass(DAY_MS)
  expect(await it.watch()).toMatchObject({ looked: 0 })
  expect(it.asked()).toBe(1)
})

test('where half an hour changes nothing nobody is asked', async () => {
  await using it = await decidedBook([rowOf(B6_35, 'P1')], 5)
  expect(await it.watch()).toMatchObject({ looked: 1, asked: 0 })
  expect(it.asked()).toBe(0)
})

test('a correction upwards is confirmed, kept once and opens one case a leg', async () => {
  await using it = await decidedBook([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')], 40)
  it.show(60)
  expect(await it.watch()).toMatchObject({ asked: 1, corrections: [] })
  it.clock.pass(15 * MINUTE_MS)
  const { corrections } = await it.watch()
  expect(corrections).toMatchObject([{ bps: 0, correctedBps: 3_000, policies: 2 }])
  await sql`update flight_leg set correction_look_at = now() - interval '20 years'`.execute(it.db)
  expect(await it.watch()).toMatchObject({ asked: 1, corrections: [] })
  const { rows } = await sql<{ decided: string; corrected: string }>`
    select evaluation_id as decided, corrected_evaluation_id as corrected
    from decision_correction`.execute(it.db)
  expect(await it.found()).toEqual([
    {
      bps: 0,
      corrected_bps: 3_000,
      policies: 2,
      cases: [
        [
          'leg',
          'CORRECTION_HIGHER',
          {
            decidedEvaluationId: rows[0]?.decided,
            correctedEvaluationId: rows[0]?.corrected,
            decidedBps: 0,
            correctedBps: 3_000,
          },
        ],
      ],
    },
  ])
  const policies = await sql`select distinct outcome, bps from policy`.execute(it.db)
  expect(policies.rows).toEqual([{ outcome: 'NO_PAY', bps: 0 }])
  const payouts = await sql`select from payout`.execute(it.db)
  expect(payouts.rows).toEqual([])
})

test('a correction downwards is counted and nothing is taken back', async () => {
  await using it = await decidedBook([rowOf(B6_35, 'P1')], 60)
  it.show(20)
  await it.watch()
  it.clock.pass(15 * MINUTE_MS)
  expect((await it.watch()).corrections).toMatchObject([{ bps: 3_000, correctedBps: 0 }])
  expect(await it.found()).toEqual([{ bps: 3_000, corrected_bps: 0, policies: 1, cases: null }])
  const { rows } = await sql`select state, outcome, bps from policy`.execute(it.db)
  expect(rows).toEqual([{ state: 'TRIGGERED', outcome: 'PAY', bps: 3_000 }])
  expect(await it.verify()).toEqual({ breaks: [] })
})

test('what a correction downwards shows to be too much is booked as leakage, once and by its policy', async () => {
  await using it = await decidedBook([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')], 190)
  const look = async (delayMin: number) => {
    await sql`update flight_leg set correction_look_at = now() - interval '20 years'`.execute(it.db)
    it.show(delayMin)
    for (let times = 0; times < 3; times += 1) {
      it.clock.pass(15 * MINUTE_MS)
      await it.watch()
    }
  }
  await look(150)
  const { rows } = await sql<{ id: string; corrected: string; found: Instant }>`
    select p.id, c.corrected_evaluation_id as corrected, c.found_at as found
    from policy p cross join decision_correction c where p.policy_number = 'P1'`.execute(it.db)
  const { ref, kind, postings } = leakagePosting({
    policyId: rows[0]?.id ?? '',
    evaluationId: rows[0]?.corrected ?? '',
    amount: { minor: minorUnits(10_000), currency: currency('USD') },
    effectiveAt: rows[0]?.found ?? B6_35.scheduledIn,
  })
  const posted = await sql`
    select t.kind, t.effective_at, g.source, g.destination,
      json_build_object('minor', g.amount_minor, 'currency', g.currency) as amount
    from ledger_transaction t join ledger_posting g on g.transaction_id = t.id
    where t.ref = ${ref}`.execute(it.db)
  expect(posted.rows).toEqual(
    postings.map((one) => ({ kind, effective_at: rows[0]?.found, ...one })),
  )
  expect(await leakedMinor(it.db)).toBe(2 * 10_000)
  // A further correction books what it lowers beyond the first.
  await look(60)
  expect(await leakedMinor(it.db)).toBe(2 * 17_500)
  expect(await it.verify()).toEqual({ breaks: [] })
})

test('a look without an answer is repeated an hour later, for two days after cover', async () => {
  await using it = await decidedBook([rowOf(B6_35, 'P1')], 40)
  it.show('silence')
  expect(await it.watch()).toMatchObject({ asked: 0, failed: 1 })
  expect(await it.watch()).toMatchObject({ looked: 0 })
  it.clock.pass(HOUR_MS)
  expect(await it.watch()).toMatchObject({ looked: 1, failed: 1 })
  it.clock.pass(3 * DAY_MS)
  expect(await it.watch()).toMatchObject({ looked: 1, failed: 1 })
  it.clock.pass(HOUR_MS)
  expect(await it.watch()).toMatchObject({ looked: 0 })
})

test('decisions of one leg are corrected each by its own product', async () => {
  await using it = await decidedBook(
    [rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2', { product: 'FD120' })],
    110,
  )
  it.show(130)
  await it.watch()
  it.clock.pass(15 * MINUTE_MS)
  await it.watch()
  const found = await it.found()
  expect(found).toMatchObject([
    { bps: 0, corrected_bps: 10_000 },
    { bps: 3_000, corrected_bps: 6_000 },
  ])
})

test('what people look at already, a disputed tier, is not found a second time', async () => {
  await using it = await decidedBook([rowOf(B6_35, 'P1')], 100)
  await sql`alter table evaluation disable trigger no_change`.execute(it.db)
  await sql`update evaluation set disputed_bps = 6000`.execute(it.db)
  it.show(130)
  expect(await it.watch()).toMatchObject({ looked: 1, asked: 0 })
})
