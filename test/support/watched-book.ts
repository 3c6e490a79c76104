/** A bound book that is watched and decided by hand: what a tick does, one step at a time. */
import { sql } from 'kysely'

import { createDecisionStore } from '../../db/stores/decision-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { legKey } from '../../domain/leg.ts'
import type { RawPolicyRow } from '../../domain/policy-row.ts'
import type { ProviderLeg, ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import { addMs, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { decideLegs } from '../../operations/decide-legs.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import {
  arrivedRecord,
  B6_35,
  bindRows,
  BOUND_AT,
  fakeFlightData,
  identityOf,
  manualClock,
} from './builders.ts'
import { createTestDatabase } from './database.ts'

/** Binds the rows in a database of their own; throws when one is rejected. */
export async function book(rows: readonly RawPolicyRow[], legs: readonly ScheduledLeg[] = [B6_35]) {
  const own = await createTestDatabase()
  const clock = manualClock(BOUND_AT)
  const flightData = fakeFlightData(legs)
  const bound = await bindRows(own.db, flightData, clock, rows)
  if (bound.rejected.length > 0) throw new Error(JSON.stringify(bound.rejected[0]))
  const ids = await sql<{ id: string }>`select id from flight_leg order by leg_key`.execute(own.db)
  const legIds = ids.rows.map((row) => row.id)
  const legStore = createLegStore(own.db)
  const decisionStore = createDecisionStore(own.db)
  const poll = () =>
    pollLegShard({ legStore, flightData, clock }, { legIds, claimedBy: 'tick' }, { concurrency: 8 })
  return {
    db: own.db,
    clock,
    flightData,
    legIds,
    decisionStore,
    poll,
    decide: () => decideLegs({ decisionStore, clock }, { legIds }),
    bind: (more: readonly RawPolicyRow[]) => bindRows(own.db, flightData, clock, more),
    /** Shows a record at `at` and once more `later`, so that it is settled. */
    settle: async (shown: (leg: ScheduledLeg) => ProviderLeg, atMs: number, laterMs = HOUR_MS) => {
      for (const leg of legs) flightData.shown.set(legKey(identityOf(leg)), [shown(leg)])
      clock.set(addMs(B6_35.scheduledIn, atMs))
      await poll()
      clock.pass(laterMs)
      await poll()
    },
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

/** What `book` gives. */
export type Book = Awaited<ReturnType<typeof book>>

/** A record of a leg that arrived this late, for `settle`. */
export const arrived = (delayMin: number) => (leg: ScheduledLeg) => arrivedRecord(leg, delayMin)

/** One minute after such an arrival, counted from the scheduled one. Milliseconds. */
export const after = (delayMin: number) => (delayMin + 1) * MINUTE_MS
