import { sql } from 'kysely'
import { expect, test } from 'vitest'

import { createLegStore } from '../../db/stores/leg-store.ts'
import { legKey } from '../../domain/leg.ts'
import type { RawPolicyRow } from '../../domain/policy-row.ts'
import type { ProviderLeg } from '../../domain/ports/flight-data-provider.ts'
import { addMs, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import {
  arrivedRecord,
  B6_35,
  failure,
  fakeFlightData,
  identityOf,
  rowOf,
} from '../support/builders.ts'
import { book } from '../support/watched-book.ts'

const KEY = legKey(identityOf(B6_35))

/** As the second source shows an arrival: without ids, of unknown quality. */
function secondRecord(delayMin: number, said: Partial<ProviderLeg> = {}): ProviderLeg {
  const unknown = {
    providerFlightId: null,
    arrivalQuality: 'UNKNOWN',
    timeReading: 'LOCAL',
  } as const
  return { ...arrivedRecord(B6_35, delayMin), ...unknown, ...said }
}

/** A book that is watched through two sources. */
async function twoSources(rows: readonly RawPolicyRow[]) {
  const it = await book(rows)
  const secondFlightData = { ...fakeFlightData([B6_35]), id: 'second' }
  const { flightData, clock, legIds } = it
  const deps = { legStore: createLegStore(it.db), flightData, secondFlightData, clock }
  const at = async (minutes: number) => {
    clock.set(addMs(B6_35.scheduledIn, minutes * MINUTE_MS))
    return pollLegShard(deps, { legIds, claimedBy: 'tick' }, { concurrency: 8 })
  }
  return {
    ...it,
    at,
    secondAsked: () => secondFlightData.asked.status,
    showFirst: (delayMin: number) => flightData.shown.set(KEY, [arrivedRecord(B6_35, delayMin)]),
    showSecond: (shown: ProviderLeg[] | ReturnType<typeof failure>) =>
      secondFlightData.shown.set(KEY, shown),
  }
}

test('two sources that agree pay at the first sight of the arrival, each with its own observations', async () => {
  await using it = await twoSources([rowOf(B6_35, 'P1')])
  await it.at(-30)
  expect(it.secondAsked()).toBe(0)
  it.showFirst(90)
  it.showSecond([secondRecord(91)])
  expect(await it.at(92)).toMatchObject({ decidableLegIds: it.legIds, secondSilent: [] })
  expect(await it.decide()).toMatchObject({ policiesPaid: 1 })
  expect(it.secondAsked()).toBe(1)
  const { rows } = await sql`
    select o.provider, o.seen_count, o.norm -> 0 ->> 'actualIn' as arrived
    from flight_observation o order by o.id`.execute(it.db)
  expect(rows).toMatchObject([
    { provider: 'fake', arrived: null },
    { provider: 'fake', seen_count: 1 },
    { provider: 'second', seen_count: 1 },
  ])
  const evaluations = await sql`
    select outcome, bps, reasons, facts -> 'arrival' ->> 'value' as first,
      second_facts -> 'facts' -> 'arrival' ->> 'value' as second,
      second_facts ->> 'timeReading' as reading from evaluation`.execute(it.db)
  expect(evaluations.rows).toEqual([
    {
      outcome: 'PAY',
      bps: 3_000,
      reasons: ['ARRIVED', 'SOURCES_AGREE', 'TIER_MET'],
      first: addMs(B6_35.scheduledIn, 90 * MINUTE_MS),
      second: addMs(B6_35.scheduledIn, 91 * MINUTE_MS),
      reading: 'LOCAL',
    },
  ])
})

test('the same answer of either source is one observation, however they alternate', async () => {
  await using it = await twoSources([rowOf(B6_35, 'P1')])
  it.showFirst(90)
  it.showSecond([secondRecord(20)])
  await it.at(92)
  await it.at(107)
  const { rows } = await sql`
    select provider, seen_count from flight_observation order by id`.execute(it.db)
  expect(rows).toEqual([
    { provider: 'fake', seen_count: 2 },
    { provider: 'second', seen_count: 2 },
  ])
})

test('pay against no pay is held, and goes to people after the hour', async () => {
  await using it = await twoSources([rowOf(B6_35, 'P1')])
  it.showFirst(90)
  it.showSecond([secondRecord(20)])
  await it.at(92)
  await it.at(151)
  expect(await it.decide()).toMatchObject({ evaluations: 0 })
  await it.at(152)
  expect(await it.decide()).toMatchObject({ policiesInReview: 1 })
  const { rows } = await sql`select subject_kind, reason_code from review_case`.execute(it.db)
  expect(rows).toEqual([{ subject_kind: 'leg', reason_code: 'SOURCES_CONFLICT' }])
})

test('different tiers pay the lower, and one case is opened about the difference', async () => {
  await using it = await twoSources([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')])
  it.showFirst(130)
  it.showSecond([secondRecord(100)])
  await it.at(132)
  await it.at(147)
  expect(await it.decide()).toMatchObject({ policiesPaid: 2, policiesInReview: 0 })
  await it.decide()
  const { rows } = await sql`
    select o.revision, o.amount_minor, e.bps, e.disputed_bps,
      (select json_agg(json_build_array(subject_kind, reason_code, details -> 'disputedBps'))
        from review_case) as cases
    from payout o join evaluation e on e.id = o.evaluation_id`.execute(it.db)
  const paid = {
    revision: 0,
    amount_minor: 7_500,
    bps: 3_000,
    disputed_bps: 6_000,
    cases: [['leg', 'TIER_DISPUTED', 6_000]],
  }
  expect(rows).toEqual([paid, paid])
})

test('a silent second source lets the first pay after the wait, up to the limit', async () => {
  // 30 % of 3,333.33 is 1,000.00, the limit; of 3,333.37 a cent more.
  await using it = await twoSources([
    rowOf(B6_35, 'P1', { sum_insured: '3333.33' }),
    rowOf(B6_35, 'P2', { sum_insured: '3333.37' }),
  ])
  it.showFirst(90)
  it.showSecond(failure('UNAVAILABLE'))
  const first = await it.at(92)
  expect(first.secondSilent).toMatchObject([{ legId: it.legIds[0], kind: 'UNAVAILABLE' }])
  expect(first.failed).toEqual([])
  await it.at(152)
  expect(await it.decide()).toMatchObject({ evaluations: 0 })
  it.showSecond([])
  await it.at(153)
  expect(await it.decide()).toMatchObject({ policiesPaid: 1, policiesInReview: 1 })
  const { rows } = await sql`
    select p.policy_number, p.state, p.amount_minor, r.reason_code
    from policy p left join review_case r on r.subject_id = p.id and r.subject_kind = 'policy'
    order by p.policy_number`.execute(it.db)
  expect(rows).toEqual([
    { policy_number: 'P1', state: 'TRIGGERED', amount_minor: 100_000, reason_code: null },
    {
      policy_number: 'P2',
      state: 'IN_REVIEW',
      amount_minor: null,
      reason_code: 'ABOVE_SINGLE_SOURCE_LIMIT',
    },
  ])
})

test('without a second source one decides as ever, whatever the amount', async () => {
  await using it = await book([rowOf(B6_35, 'P1', { sum_insured: '9999999.00' })])
  await it.settle((leg) => arrivedRecord(leg, 90), 91 * MINUTE_MS, HOUR_MS)
  expect(await it.decide()).toMatchObject({ policiesPaid: 1 })
  const { rows } = await sql`select reasons, second_facts from evaluation`.execute(it.db)
  expect(rows).toEqual([{ reasons: ['ARRIVED', 'TIER_MET'], second_facts: null }])
})

test('a second source that throws is silent, and the poll is written', async () => {
  await using it = await twoSources([rowOf(B6_35, 'P1')])
  it.showFirst(90)
  const broken = Object.defineProperty([], 'ok', {
    get: () => {
      throw new Error('planted')
    },
  })
  it.showSecond(broken)
  const shard = await it.at(92)
  expect(shard).toMatchObject({ polled: 1, failed: [] })
  const { rows } =
    await sql`select second_facts -> 'asked' is not null as asked from flight_leg`.execute(it.db)
  expect(rows).toEqual([{ asked: true }])
})

test('a second source that does not answer in time holds nobody up and counts as not asked', async () => {
  await using it = await twoSources([rowOf(B6_35, 'P1')])
  it.showFirst(90)
  const hanging = {
    id: 'second',
    getStatus: (_: unknown, signal?: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')))
      }),
  }
  const { flightData, clock, legIds } = it
  clock.set(addMs(B6_35.scheduledIn, 92 * MINUTE_MS))
  const legStore = createLegStore(it.db)
  const deps = { legStore, flightData, secondFlightData: hanging, clock }
  const options = { concurrency: 8, secondBudgetMs: 50 }
  const shard = await pollLegShard(deps, { legIds, claimedBy: 'tick' }, options)
  expect(shard).toMatchObject({ polled: 1, failed: [], decidableLegIds: [] })
  expect(shard.secondSilent).toMatchObject([{ kind: 'THROTTLED' }])
  clock.pass(30 * MINUTE_MS)
  await pollLegShard(deps, { legIds, claimedBy: 'tick' }, options)
  expect(await it.decide()).toMatchObject({ evaluations: 0 })
  const { rows } = await sql`
    select second_facts ->> 'provider' as provider, second_facts -> 'asked' as asked
    from flight_leg`.execute(it.db)
  expect(rows).toEqual([{ provider: 'second', asked: null }])
  it.showSecond([secondRecord(90)])
  expect(await it.at(137)).toMatchObject({ decidableLegIds: legIds })
})
