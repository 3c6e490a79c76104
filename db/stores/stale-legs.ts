/** Claims of legs whose facts got old between two polls of their plan. */
import { sql } from 'kysely'

import type { StaleLegs, StaleLegsRequest } from '../../domain/ports/stale-legs.ts'
import type { Database } from '../client.ts'
import { claimed, isUnclaimed, releaseLegs } from './leg-lease.ts'

/** The store over the product's schema. */
export function createStaleLegs(db: Database): StaleLegs {
  return {
    claim: (request) => claim(db, request),
    release: (claimedBy) => releaseLegs(db, claimedBy),
  }
}

async function claim(db: Database, request: StaleLegsRequest): Promise<string[]> {
  const { now, notPolledBefore, limit } = request
  const limits = Object.entries(request.staleAfterMs)
  const { rows } = await sql<{ id: string; last_polled_at: string }>`
    with stale as (
      select l.id from flight_leg l
      join unnest(
        ${limits.map(([phase]) => phase)}::text[], ${limits.map(([, ms]) => ms)}::float8[]
      ) as s (phase, after_ms) on s.phase = l.poll_phase
      where l.undecided_policies > 0 and l.next_poll_at > ${notPolledBefore}::timestamptz
        and l.last_polled_at <= ${now}::timestamptz - s.after_ms * interval '1 millisecond'
        and ${isUnclaimed(request)}
      order by l.last_polled_at, l.id
      limit ${limit}
      for update of l skip locked
    )
    update flight_leg l set ${claimed(request)}
    from stale where l.id = stale.id
    returning l.id, l.last_polled_at`.execute(db)
  return rows
    .toSorted((a, b) => (a.last_polled_at < b.last_polled_at ? -1 : 1))
    .map((row) => row.id)
}
