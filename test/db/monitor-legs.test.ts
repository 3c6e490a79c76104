import { sql } from 'kysely'
import { expect, test } from 'vitest'

import { createLegStore } from '../../db/stores/leg-store.ts'
import { legKey } from '../../domain/leg.ts'
import type { ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS, parseInstant } from '../../domain/time.ts'
import { checkCoverage } from '../../operations/check-coverage.ts'
import { claimDueLegs } from '../../operations/claim-due-legs.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import {
  arrivedRecord,
  B6_35,
  bindRows,
  BOUND_AT,
  failure,
  fakeFlightData,
  identityOf,
  manualClock,
  manyLegs,
  recordOf,
  rowOf,
} from '../support/builders.ts'
import { createTestDatabase } from '../support/database.ts'

const LEASE_MS = 60_000

/** A book on these legs, one policy a leg, with the first poll due. */
async function watched(legs: readonly ScheduledLeg[]) {
  const own = await createTestDatabase()
  const clock = manualClock(BOUND_AT)
  const flightData = fakeFlightData(legs)
  await bindRows(
    own.db,
    flightData,
    clock,
    legs.map((leg, n) => rowOf(leg, `P${n}`)),
  )
  clock.set(addMs(B6_35.scheduledOut, -2 * HOUR_MS))
  const legStore = createLegStore(own.db)
  const { rows } = await sql<{ id: string }>`select id from flight_leg order by leg_key`.execute(
    own.db,
  )
  const legIds = rows.map((row) => row.id)
  const deps = { legStore, flightData, clock }
  return {
    db: own.db,
    clock,
    flightData,
    legStore,
    legIds,
    deps,
    claim: (claimedBy: string, limit = 1_000) =>
      claimDueLegs(deps, { claimedBy, limit, shardSize: 100, leaseMs: LEASE_MS }),
    poll: () => pollLegShard(deps, { legIds, claimedBy: 'tick' }, { concurrency: 8 }),
    show: (leg: ScheduledLeg, shown: Parameters<typeof flightData.shown.set>[1]) =>
      flightData.shown.set(legKey(identityOf(leg)), shown),
    leg: async () =>
      (
        await sql<Record<string, unknown>>`select * from flight_leg order by leg_key`.execute(
          own.db,
        )
      ).rows[0] ?? {},
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

test('a leg is due at its planned moment, not a millisecond before', async () => {
  await using it = await watched([B6_35])
  const { next_poll_at: plannedAt } = await it.leg()
  it.clock.set(addMs(parseInstant(String(plannedAt)), -1))
  expect(await it.claim('a')).toMatchObject({ due: 0, claimed: 0, shards: [] })
  it.clock.pass(1)
  expect(await it.claim('a')).toMatchObject({ now: plannedAt, due: 1, claimed: 1 })
})

test('a claimed leg is nobody else’s until its lease is over; the same claim gets it again', async () => {
  await using it = await watched([B6_35])
  expect(await it.claim('a')).toMatchObject({ due: 1, claimed: 1 })
  expect(await it.claim('b')).toMatchObject({ due: 1, claimed: 0 })
  expect(await it.claim('a')).toMatchObject({ due: 1, claimed: 1 })
  await sql`update flight_leg set claimed_until = clock_timestamp() - interval '1 ms'`.execute(
    it.db,
  )
  expect(await it.claim('b')).toMatchObject({ due: 1, claimed: 1 })
})

test('a leg without an undecided policy is not due', async () => {
  await using it = await watched([B6_35])
  await sql`update flight_leg set undecided_policies = 0`.execute(it.db)
  expect(await it.claim('a')).toMatchObject({ due: 0, claimed: 0 })
})

test('claims at once share the legs without overlap, the longest due first', async () => {
  const legs = manyLegs(250)
  await using it = await watched(legs)
  const [first] = it.legIds
  await sql`update flight_leg set next_poll_at = next_poll_at - interval '1 hour' where id = ${first}`.execute(
    it.db,
  )
  const claims = await Promise.all(['a', 'b', 'c', 'd'].map((name) => it.claim(name, 100)))
  const claimed = claims.flatMap(({ shards }) => shards.flat())
  expect(new Set(claimed).size).toBe(claimed.length)
  expect(claims.some(({ shards }) => shards[0]?.[0] === first)).toBe(true)
  expect(claims.every(({ due }) => due === 250)).toBe(true)
})

test('the first answer takes policies from BOUND to MONITORING and releases the claim', async () => {
  await using it = await watched([B6_35])
  await it.claim('tick')
  expect(await it.poll()).toMatchObject({ polled: 1, changed: 1, failed: [], decidableLegIds: [] })
  const now = await it.clock.now()
  expect(await it.leg()).toMatchObject({
    phase: 'SCHEDULED',
    last_polled_at: now,
    last_ok_at: now,
    consecutive_failures: 0,
    claimed_by: null,
    claimed_until: null,
    poll_version: 1,
  })
  expect(((await it.leg())['next_poll_at'] as string) > now).toBe(true)
  const { rows } = await sql`select state, state_version from policy`.execute(it.db)
  expect(rows).toEqual([{ state: 'MONITORING', state_version: 2 }])
})

test('an answer that says the same is counted, one that says more is appended', async () => {
  await using it = await watched([B6_35])
  await it.poll()
  it.clock.pass(5 * MINUTE_MS)
  expect(await it.poll()).toMatchObject({ polled: 1, changed: 0 })
  const first = await it.clock.now()
  it.clock.pass(5 * MINUTE_MS)
  it.show(B6_35, [recordOf(B6_35, { estimatedOut: addMs(B6_35.scheduledOut, HOUR_MS) })])
  expect(await it.poll()).toMatchObject({ polled: 1, changed: 1 })
  const { rows } = await sql`
    select seen_count, last_seen_at from flight_observation order by id`.execute(it.db)
  expect(rows).toEqual([
    { seen_count: 2, last_seen_at: first },
    { seen_count: 1, last_seen_at: await it.clock.now() },
  ])
})

test('records of other days and routes do not make an answer another one', async () => {
  await using it = await watched([B6_35])
  await it.poll()
  const yesterday = recordOf(B6_35, {
    providerFlightId: 'JBU35-0',
    scheduledOut: addMs(B6_35.scheduledOut, -DAY_MS),
    scheduledIn: addMs(B6_35.scheduledIn, -DAY_MS),
    actualOut: addMs(B6_35.scheduledOut, -DAY_MS),
  })
  it.show(B6_35, [yesterday, recordOf(B6_35)])
  it.clock.pass(MINUTE_MS)
  expect(await it.poll()).toMatchObject({ polled: 1, changed: 0 })
})

test('a failing leg is recorded with its kind and stops no other', async () => {
  const legs = manyLegs(3)
  await using it = await watched(legs)
  const [bad] = legs
  if (bad === undefined) throw new Error('no leg')
  it.show(bad, failure('UNAVAILABLE'))
  const result = await it.poll()
  expect(result).toMatchObject({ polled: 3, changed: 2, failed: [{ kind: 'UNAVAILABLE' }] })
  expect(await it.leg()).toMatchObject({
    consecutive_failures: 1,
    last_ok_at: null,
    facts: {},
    claimed_by: null,
  })
  it.clock.pass(10 * MINUTE_MS)
  await it.poll()
  expect(await it.leg()).toMatchObject({ consecutive_failures: 2 })
  it.show(bad, [recordOf(bad)])
  await it.poll()
  expect(await it.leg()).toMatchObject({ consecutive_failures: 0 })
})

test('a leg that the provider does not know never becomes a fact', async () => {
  await using it = await watched([B6_35])
  it.show(B6_35, failure('NOT_FOUND'))
  expect(await it.poll()).toMatchObject({ failed: [{ kind: 'NOT_FOUND' }], decidableLegIds: [] })
  expect(await it.leg()).toMatchObject({ facts: {}, last_ok_at: null })
})

test('an error that nobody thought of is one leg’s, not the tick’s', async () => {
  const legs = manyLegs(2)
  await using it = await watched(legs)
  const broken = {
    ...it.flightData,
    getStatus: (...args: Parameters<typeof it.flightData.getStatus>) =>
      args[0].identity.flightNumber === '1000'
        ? Promise.reject(new TypeError('a bug'))
        : it.flightData.getStatus(...args),
  }
  const deps = { ...it.deps, flightData: broken }
  const input = { legIds: it.legIds, claimedBy: 'tick' }
  expect(await pollLegShard(deps, input, { concurrency: 4 })).toMatchObject({
    polled: 2,
    failed: [{ kind: 'UNEXPECTED', message: 'a bug' }],
  })
})

test('an aborted shard writes the answers it has and throws the reason', async () => {
  const legs = manyLegs(40)
  await using it = await watched(legs)
  const stop = new AbortController()
  let asked = 0
  const flightData = {
    ...it.flightData,
    getStatus: (...args: Parameters<typeof it.flightData.getStatus>) => {
      asked += 1
      if (asked === 11) stop.abort(new Error('worker stops'))
      return it.flightData.getStatus(...args)
    },
  }
  const input = { legIds: it.legIds, claimedBy: 'tick' }
  const options = { concurrency: 1, signal: stop.signal }
  await expect(pollLegShard({ ...it.deps, flightData }, input, options)).rejects.toThrow(
    'worker stops',
  )
  const { rows } = await sql`
    select count(*) as polled from flight_leg where last_ok_at is not null`.execute(it.db)
  expect(rows).toEqual([{ polled: 11 }])
})

test('of two polls of a leg at once one is written', async () => {
  await using it = await watched([B6_35])
  const [a, b] = await Promise.all([
    it.legStore.loadForPolling(it.legIds),
    it.legStore.loadForPolling(it.legIds),
  ])
  const polls = [a, b].map((legs) =>
    legs.map(({ legId, pollVersion }) => ({
      legId,
      pollVersion,
      hasBound: true,
      polledAt: BOUND_AT,
      answer: null,
      consecutiveFailures: 1,
      nextPollAt: BOUND_AT,
      pollPhase: 'AWAIT_OUT' as const,
      pollReason: 'test',
    })),
  )
  const written = await Promise.all(polls.map((page) => it.legStore.savePolls(page)))
  expect(written.map((ids) => ids.length).toSorted((x, y) => x - y)).toEqual([0, 1])
  expect(await it.leg()).toMatchObject({ poll_version: 1, consecutive_failures: 1 })
})

test('a leg that is checked by itself is no tick’s meanwhile, and due again once it was polled', async () => {
  await using it = await watched([B6_35])
  const [legId = ''] = it.legIds
  const claim = { legId, claimedBy: 'check', leaseMs: LEASE_MS }
  expect(await it.legStore.claimLeg(claim)).toBe(true)
  expect(await it.claim('tick')).toMatchObject({ due: 1, claimed: 0 })
  await it.poll()
  it.clock.pass(HOUR_MS + 20 * MINUTE_MS)
  expect(await it.claim('tick')).toMatchObject({ due: 1, claimed: 1 })
  expect(await it.legStore.claimLeg(claim)).toBe(false)
})

test('a leg is decidable once its arrival was seen twice, fifteen minutes apart', async () => {
  await using it = await watched([B6_35])
  it.show(B6_35, [arrivedRecord(B6_35, 100)])
  it.clock.set(addMs(B6_35.scheduledIn, 101 * MINUTE_MS))
  expect(await it.poll()).toMatchObject({ decidableLegIds: [] })
  it.clock.pass(15 * MINUTE_MS - 1)
  expect(await it.poll()).toMatchObject({ decidableLegIds: [] })
  it.clock.pass(1)
  expect(await it.poll()).toMatchObject({ decidableLegIds: it.legIds })
})

test('a decidable leg stays in the plan until its decision was carried out', async () => {
  await using it = await watched([B6_35])
  it.show(B6_35, [arrivedRecord(B6_35, 100)])
  it.clock.set(addMs(B6_35.scheduledIn, 101 * MINUTE_MS))
  await it.poll()
  it.clock.pass(16 * MINUTE_MS)
  await it.poll()
  expect(await it.leg()).toMatchObject({ poll_phase: 'DONE' })
  it.clock.pass(10 * MINUTE_MS)
  expect(await it.claim('next')).toMatchObject({ claimed: 1 })
})

test('a leg that ends without any answer is decidable by time alone', async () => {
  await using it = await watched([B6_35])
  it.show(B6_35, failure('UNAVAILABLE'))
  it.clock.set(addMs(B6_35.scheduledIn, DAY_MS - 1))
  expect(await it.poll()).toMatchObject({ decidableLegIds: [] })
  it.clock.pass(1)
  expect(await it.poll()).toMatchObject({ decidableLegIds: it.legIds })
})

test('legs without undecided policies are not asked about', async () => {
  await using it = await watched([B6_35])
  await sql`update policy set state = 'IN_REVIEW'`.execute(it.db)
  expect(await it.poll()).toMatchObject({ polled: 0 })
  expect(it.flightData.asked.status).toBe(0)
})

test('progress ends at all legs', async () => {
  const legs = manyLegs(230)
  await using it = await watched(legs)
  const seen: number[][] = []
  const input = { legIds: it.legIds, claimedBy: 'tick' }
  const onProgress = (done: number, total: number) => seen.push([done, total])
  await pollLegShard(it.deps, input, { concurrency: 16, onProgress })
  expect(seen.at(-1)).toEqual([230, 230])
  expect(seen.length).toBeGreaterThanOrEqual(3)
})

test('a leg in its window without an answer is an incident after its phase’s gap, and heals', async () => {
  await using it = await watched([B6_35])
  it.clock.set(addMs(B6_35.scheduledOut, -2 * HOUR_MS - 1))
  expect(await checkCoverage(it.deps)).toMatchObject({ legsInWindow: 0, overdue: 0 })
  it.clock.pass(1)
  expect(await checkCoverage(it.deps)).toMatchObject({ legsInWindow: 1, overdue: 0 })
  it.clock.pass(DAY_MS)
  expect(await checkCoverage(it.deps)).toEqual({
    legsInWindow: 1,
    overdue: 1,
    incidentsOpened: 1,
    incidentsClosed: 0,
    incidentsOpen: 1,
  })
  expect(await checkCoverage(it.deps)).toMatchObject({ incidentsOpened: 0, incidentsOpen: 1 })
  await it.poll()
  expect(await checkCoverage(it.deps)).toMatchObject({
    overdue: 0,
    incidentsClosed: 1,
    incidentsOpen: 0,
  })
})

test('coverage counted from two places at once opens one incident', async () => {
  await using it = await watched([B6_35])
  it.clock.pass(DAY_MS)
  await Promise.all([checkCoverage(it.deps), checkCoverage(it.deps), checkCoverage(it.deps)])
  const { rows } = await sql`select count(*) as incidents from coverage_incident`.execute(it.db)
  expect(rows).toEqual([{ incidents: 1 }])
})

test('a leg bound late is not late from before it was bound', async () => {
  await using it = await watched([B6_35])
  await sql`update flight_leg set watched_since = ${addMs(B6_35.scheduledOut, HOUR_MS)}`.execute(
    it.db,
  )
  it.clock.set(addMs(B6_35.scheduledOut, HOUR_MS + MINUTE_MS))
  expect(await checkCoverage(it.deps)).toMatchObject({ legsInWindow: 1, overdue: 0 })
})
