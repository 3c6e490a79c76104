/** A book bound three days ahead at a desk, watched and decided by hand. */
import { sql } from 'kysely'

import { createCancellationStore } from '../../db/stores/cancellation-store.ts'
import { createDecisionStore } from '../../db/stores/decision-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { legKey } from '../../domain/leg.ts'
import type { RawPolicyRow } from '../../domain/policy-row.ts'
import type { ProviderLeg, ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import { addMs, MINUTE_MS } from '../../domain/time.ts'
import { cancelPolicy } from '../../operations/cancel-policy.ts'
import { decideLegs } from '../../operations/decide-legs.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import { B6_35, identityOf, recordOf } from './builders.ts'
import { quoteDesk } from './quote-desk.ts'

/** Binds the rows; throws when one is rejected. */
export async function earlyBook(rows: readonly RawPolicyRow[]) {
  const desk = await quoteDesk()
  const { db, clock, flightData } = desk
  const { rejected } = await desk.import(rows)
  if (rejected[0] !== undefined) throw new Error(JSON.stringify(rejected[0]))
  const ids = await sql<{ id: string }>`select id from flight_leg order by leg_key`.execute(db)
  const legIds = ids.rows.map(({ id }) => id)
  const legStore = createLegStore(db)
  const decisionStore = createDecisionStore(db)
  const cancellationStore = createCancellationStore(db)
  const show = (...records: ProviderLeg[]) =>
    flightData.shown.set(legKey(identityOf(B6_35)), records)
  const poll = () =>
    pollLegShard({ legStore, flightData, clock }, { legIds, claimedBy: 'tick' }, { concurrency: 4 })
  return {
    ...desk,
    legIds,
    decisionStore,
    show,
    poll,
    /** Polls at a moment that is this far from the scheduled departure. */
    pollAt: async (fromOutMs: number) => {
      clock.set(addMs(B6_35.scheduledOut, fromOutMs))
      return await poll()
    },
    decide: () => decideLegs({ decisionStore, clock }, { legIds }),
    cancel: (policyNumber: string) =>
      cancelPolicy({ cancellationStore, clock }, { policyNumber, by: 'user:test', reason: 'ill' }),
    policies: async () => {
      const { rows: found } = await sql<{
        number: string
        state: string
        out: string
        in: string
        cover_end: string
      }>`
        select policy_number as number, state, insured_scheduled_out as out,
          insured_scheduled_in as in, cover_end
        from policy order by policy_number`.execute(db)
      return found
    },
  }
}

/** What `earlyBook` gives. */
export type EarlyBook = Awaited<ReturnType<typeof earlyBook>>

/** The reference leg's record with the timetable moved, departure and arrival alike unless told. */
export function retimed(outMin: number, inMin = outMin): ProviderLeg {
  return recordOf(B6_35, timetable(outMin, inMin))
}

/** The reference leg's schedule, moved. */
export function timetable(
  outMin: number,
  inMin = outMin,
): Pick<ScheduledLeg, 'scheduledOut' | 'scheduledIn'> {
  return {
    scheduledOut: addMs(B6_35.scheduledOut, outMin * MINUTE_MS),
    scheduledIn: addMs(B6_35.scheduledIn, inMin * MINUTE_MS),
  }
}
