/** Weekly looks at the timetable over a real database: who is due, what a retime does, what is noted. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createLegReads } from '../../db/stores/leg-reads.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createTimetableLooks } from '../../db/stores/timetable-looks.ts'
import { legKey } from '../../domain/leg.ts'
import type { RawPolicyRow } from '../../domain/policy-row.ts'
import type { FlightDataProvider, ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS, parseInstant } from '../../domain/time.ts'
import { lookAtTimetable } from '../../operations/look-at-timetable.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import {
  B6_35,
  bindRows,
  failure,
  fakeFlightData,
  identityOf,
  manualClock,
  manyLegs,
  rowOf,
} from '../support/builders.ts'
import { createTestDatabase } from '../support/database.ts'
import { timetable } from '../support/early-book.ts'
import { aeroApi, leg, startFlights } from '../unit/adapters/fixtures.ts'

const OUT = B6_35.scheduledOut
const KEY = legKey(identityOf(B6_35))
/** Five weeks ahead: looks are due 28, 21, 14 and 7 days before departure. */
const BOUND = addMs(OUT, -35 * DAY_MS)
const NONE = {
  wanted: 0,
  refreshed: 0,
  failed: 0,
  retimed: 0,
  vanished: 0,
  returned: 0,
  error: null,
}
const ONE = { ...NONE, wanted: 1, refreshed: 1 }

/** A book bound weeks ahead, looked up by hand. */
async function bookedAhead(
  rows: readonly RawPolicyRow[] = [rowOf(B6_35, 'P1')],
  legs: readonly ScheduledLeg[] = [B6_35],
) {
  const own = await createTestDatabase()
  const clock = manualClock(BOUND)
  const provider = fakeFlightData(legs)
  const { rejected } = await bindRows(own.db, provider, clock, rows)
  if (rejected[0] !== undefined) throw new Error(JSON.stringify(rejected[0]))
  provider.asked.scheduled = 0
  const legStore = createLegStore(own.db)
  const timetableLooks = createTimetableLooks(own.db)
  const deps = { clock, flightData: provider, legStore, timetableLooks }
  const look = (flightData: Pick<FlightDataProvider, 'id' | 'findScheduled'> = provider) =>
    lookAtTimetable({ ...deps, flightData }, { claimedBy: 'refresh/timetable' })
  return {
    db: own.db,
    clock,
    provider,
    legStore,
    timetableLooks,
    look,
    /** Looks at a moment that is this far from the scheduled departure. */
    lookAt: async (fromOutMs: number) => {
      clock.set(addMs(OUT, fromOutMs))
      return await look()
    },
    list: (...listed: ScheduledLeg[]) => provider.timetable.set(KEY, listed),
    leg: async () => {
      const details = await createLegReads(own.db).find(KEY)
      if (details === null) throw new Error('no leg')
      return details
    },
    policies: async () => {
      const { rows: found } = await sql<{ out: string; in: string }>`
        select insured_scheduled_out as out, insured_scheduled_in as in from policy
        order by policy_number`.execute(own.db)
      return found
    },
    endorsements: async () => {
      const { rows: found } = await sql<{ announced_at: string; refund_offered: boolean }>`
        select announced_at, refund_offered from endorsement order by policy_id, n`.execute(own.db)
      return found
    },
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

describe('a leg bound weeks ahead', () => {
  test('is looked up after a week, not a minute earlier, whatever its policies', async () => {
    await using it = await bookedAhead([1, 2, 3].map((n) => rowOf(B6_35, `P${n}`)))
    expect(await it.lookAt(-28 * DAY_MS - MINUTE_MS)).toEqual(NONE)
    expect(await it.lookAt(-28 * DAY_MS)).toEqual(ONE)
    expect(await it.look()).toEqual(NONE)
    expect(it.provider.asked).toEqual({ scheduled: 1, status: 0 })
  })

  test('is looked up every week until its polls begin, four times in five weeks', async () => {
    await using it = await bookedAhead()
    for (let days = 34; days >= 0; days -= 1) await it.lookAt(-days * DAY_MS)
    expect(it.provider.asked.scheduled).toBe(4)
    expect((await it.leg()).timetable).toMatchObject({
      nextLookAt: null,
      looks: [{ finding: 'LISTED', seenCount: 4, firstSeenAt: addMs(OUT, -28 * DAY_MS) }],
    })
  })

  test('and not looked up in time is left to its polls from 46 hours before on', async () => {
    await using it = await bookedAhead()
    expect(await it.lookAt(-46 * HOUR_MS)).toEqual(NONE)
    expect(await it.lookAt(-46 * HOUR_MS - MINUTE_MS)).toEqual(ONE)
  })

  test('has its first poll where it was planned', async () => {
    await using it = await bookedAhead()
    const { polls } = await it.leg()
    await it.lookAt(-28 * DAY_MS)
    expect((await it.leg()).polls).toEqual(polls)
    expect(polls.nextPollAt).toBe(addMs(OUT, -46 * HOUR_MS))
  })

  test('without an undecided policy is nobody’s business', async () => {
    await using it = await bookedAhead()
    await sql`update flight_leg set undecided_policies = 0`.execute(it.db)
    expect(await it.lookAt(-28 * DAY_MS)).toEqual(NONE)
  })

  test('that is bound eight days ahead is never looked up', async () => {
    await using it = await bookedAhead([])
    it.clock.set(addMs(OUT, -8 * DAY_MS))
    await bindRows(it.db, it.provider, it.clock, [rowOf(B6_35, 'P1')])
    expect((await it.leg()).timetable.nextLookAt).toBeNull()
  })
})

describe('a retime announced weeks ahead', () => {
  const moved = (min: number): ScheduledLeg => ({ ...B6_35, ...timetable(min) })

  test('is endorsed for all policies of the leg, told, and the polls follow it', async () => {
    await using it = await bookedAhead([rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2')])
    it.list(moved(90))
    expect(await it.lookAt(-28 * DAY_MS)).toEqual({ ...ONE, retimed: 1 })
    const { scheduledOut, scheduledIn } = timetable(90)
    const insured = { out: scheduledOut, in: scheduledIn }
    expect(await it.policies()).toEqual([insured, insured])
    const endorsed = { announced_at: addMs(OUT, -28 * DAY_MS), refund_offered: true }
    expect(await it.endorsements()).toEqual([endorsed, endorsed])
    expect(await it.leg()).toMatchObject({
      scheduledOut,
      scheduledIn,
      polls: { nextPollAt: addMs(scheduledOut, -46 * HOUR_MS), phase: 'PRE_WINDOW' },
      timetable: { nextLookAt: addMs(OUT, -21 * DAY_MS), looks: [{ scheduledOut, scheduledIn }] },
    })
    const { rows } = await sql`select kind from notification_fact where kind = 'ENDORSED'`.execute(
      it.db,
    )
    expect(rows).toHaveLength(2)
  })

  test('is endorsed once, however often it is seen', async () => {
    await using it = await bookedAhead()
    it.list(moved(30))
    await it.lookAt(-28 * DAY_MS)
    expect(await it.lookAt(-21 * DAY_MS)).toEqual(ONE)
    expect(await it.endorsements()).toEqual([
      { announced_at: addMs(OUT, -28 * DAY_MS), refund_offered: false },
    ])
  })

  test('and back again is two endorsements', async () => {
    await using it = await bookedAhead()
    it.list(moved(30))
    await it.lookAt(-28 * DAY_MS)
    it.list(B6_35)
    await it.lookAt(-21 * DAY_MS)
    expect(await it.endorsements()).toHaveLength(2)
    expect(await it.policies()).toEqual([{ out: OUT, in: B6_35.scheduledIn }])
    expect((await it.leg()).timetable.looks).toHaveLength(2)
  })

  test.each([
    ['whose times follow from a habit', [{ ...moved(90), isTimeUnverified: true }]],
    ['that arrives before it departs', [{ ...moved(0), ...timetable(0, -200) }]],
    ['listed at two times', [B6_35, moved(90)]],
  ])('%s changes nothing', async (_what, listed) => {
    await using it = await bookedAhead()
    it.list(...listed)
    expect(await it.lookAt(-28 * DAY_MS)).toEqual(ONE)
    expect(await it.endorsements()).toEqual([])
    expect(await it.leg()).toMatchObject({ scheduledIn: B6_35.scheduledIn })
  })

  test('is not written over by a poll that began before it', async () => {
    await using it = await bookedAhead()
    it.clock.set(addMs(OUT, -28 * DAY_MS))
    const { legStore, clock, provider } = it
    const legIds = [(await it.leg()).legId]
    const beforeAnswer: Pick<FlightDataProvider, 'id' | 'getStatus'> = {
      id: provider.id,
      getStatus: async (asked, signal) => {
        it.list(moved(90))
        await it.look()
        return await provider.getStatus(asked, signal)
      },
    }
    const polled = await pollLegShard(
      { legStore, flightData: beforeAnswer, clock },
      { legIds, claimedBy: 'tick' },
      { concurrency: 1 },
    )
    expect(polled.polled).toBe(0)
    expect(await it.leg()).toMatchObject(timetable(90))
  })
})

describe('a leg that vanished from the timetable', () => {
  test('is noted and counted once, decides nothing, and is noted again when it is back', async () => {
    await using it = await bookedAhead()
    await it.lookAt(-28 * DAY_MS)
    const before = { policies: await it.policies(), phase: (await it.leg()).phase }
    it.list()
    expect(await it.lookAt(-21 * DAY_MS)).toEqual({ ...ONE, vanished: 1 })
    expect(await it.lookAt(-14 * DAY_MS)).toEqual(ONE)
    const { timetable: noted, phase, facts } = await it.leg()
    expect(noted.looks).toMatchObject([
      { finding: 'MISSING', scheduledOut: null, seenCount: 2 },
      { finding: 'LISTED', seenCount: 1 },
    ])
    expect({ policies: await it.policies(), phase }).toEqual(before)
    expect(facts).toBeNull()
    const { rows } = await sql`select outcome from policy where outcome is not null`.execute(it.db)
    expect(rows).toEqual([])
    it.list(B6_35)
    expect(await it.lookAt(-7 * DAY_MS)).toEqual({ ...ONE, returned: 1 })
  })
})

describe('a look without an answer', () => {
  const silent = (kind: Parameters<typeof failure>[0]) => ({
    id: 'fake',
    findScheduled: async () => failure(kind),
  })

  test.each([
    ['UNAVAILABLE', 6 * HOUR_MS],
    ['QUOTA', 6 * HOUR_MS],
    ['NOT_FOUND', 7 * DAY_MS],
    ['BAD_REQUEST', 7 * DAY_MS],
  ] as const)('of the kind %s notes nothing and is made again %i ms later', async (kind, ms) => {
    await using it = await bookedAhead()
    it.clock.set(addMs(OUT, -28 * DAY_MS))
    const result = await it.look(silent(kind))
    const error = `${kind}: the fake says ${kind}`
    expect(result).toEqual({ ...NONE, wanted: 1, failed: 1, error })
    expect((await it.leg()).timetable).toEqual({
      nextLookAt: addMs(OUT, ms - 28 * DAY_MS),
      looks: [],
    })
  })

  test('that throws is one failure of many, and holds no leg', async () => {
    const legs = manyLegs(3)
    const rows = legs.map((one, n) => rowOf(one, `P${n}`))
    await using it = await bookedAhead(rows, legs)
    it.clock.set(addMs(OUT, -28 * DAY_MS))
    const { provider } = it
    const result = await it.look({
      id: provider.id,
      findScheduled: (identity, signal) => {
        if (identity.flightNumber === '1001') throw new Error('nobody thought of that')
        return provider.findScheduled(identity, signal)
      },
    })
    expect(result).toMatchObject({ wanted: 3, refreshed: 2, failed: 1 })
    const { rows: held } = await sql`
      select id from flight_leg where claimed_by is not null`.execute(it.db)
    expect(held).toEqual([])
  })

  test('that is cancelled keeps what was found, and the rest is due at once', async () => {
    const legs = manyLegs(20)
    await using it = await bookedAhead(
      legs.map((one, n) => rowOf(one, `P${n}`)),
      legs,
    )
    it.clock.set(addMs(OUT, -28 * DAY_MS))
    const stop = new AbortController()
    const { provider, clock, legStore, timetableLooks } = it
    const flightData = {
      id: provider.id,
      findScheduled: (...asked: Parameters<typeof provider.findScheduled>) => {
        if (provider.asked.scheduled === 9) stop.abort()
        return provider.findScheduled(...asked)
      },
    }
    const deps = { clock, legStore, timetableLooks, flightData }
    const run = lookAtTimetable(deps, { claimedBy: 'a' }, { signal: stop.signal })
    await expect(run).rejects.toThrow(/abort/i)
    const asked = provider.asked.scheduled
    expect(asked).toBeLessThan(20)
    expect(await it.look()).toMatchObject({ wanted: 20 - asked, refreshed: 20 - asked })
  })
})

test('a claimed leg is nobody else’s until its lease is over; the same claim gets it again', async () => {
  await using it = await bookedAhead()
  const now = addMs(OUT, -28 * DAY_MS)
  const request = { now, pollsBeforeOutMs: 46 * HOUR_MS, limit: 10, leaseMs: 60_000 }
  const claim = (claimedBy: string) => it.timetableLooks.claim({ ...request, claimedBy })
  expect(await claim('a')).toHaveLength(1)
  expect(await claim('b')).toEqual([])
  expect(await claim('a')).toHaveLength(1)
  await sql`update flight_leg set claimed_until = clock_timestamp() - interval '1 ms'`.execute(
    it.db,
  )
  expect(await claim('b')).toHaveLength(1)
})

test('looks are kept for good: the schema lets only their counters grow', async () => {
  await using it = await bookedAhead()
  await it.lookAt(-28 * DAY_MS)
  await expect(sql`delete from timetable_look`.execute(it.db)).rejects.toThrow('append-only')
  await expect(sql`update timetable_look set finding = 'MISSING'`.execute(it.db)).rejects.toThrow()
  await expect(sql`update timetable_look set seen_count = 0`.execute(it.db)).rejects.toThrow()
  await sql`update timetable_look set seen_count = seen_count + 1`.execute(it.db)
})

test('the real dialect says the same: a timetable that a server shows moved, then without the leg', async () => {
  await using it = await bookedAhead()
  it.clock.set(addMs(OUT, -28 * DAY_MS))
  await using moved = await startFlights([leg({ out: '2013-03-09T15:30:00Z' })], it.clock)
  expect(await it.look(aeroApi(moved.url, it.clock))).toEqual({ ...ONE, retimed: 1 })
  const out = parseInstant('2013-03-09T15:30:00Z')
  expect(await it.policies()).toEqual([{ out, in: addMs(out, 3 * HOUR_MS) }])
  it.clock.pass(7 * DAY_MS)
  await using emptied = await startFlights([], it.clock)
  expect(await it.look(emptied.provider)).toEqual({ ...ONE, vanished: 1 })
})
