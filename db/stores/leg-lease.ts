/**
 * The lease of a leg: who works on it, and until when. Wall time: a stopped or fast virtual clock must
 * neither keep nor lose a claim.
 */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import type { Database } from '../client.ts'

type Lease = {
  readonly claimedBy: string
  /** How long it holds unless it is given back. Milliseconds of wall time. */
  readonly leaseMs: number
}

/** Condition on `flight_leg l`: nobody else works on it. */
export function isUnclaimed({ claimedBy }: Pick<Lease, 'claimedBy'>): RawBuilder<unknown> {
  return sql`(l.claimed_until is null or l.claimed_until <= clock_timestamp()
    or l.claimed_by = ${claimedBy})`
}

/** What `update flight_leg` sets to take it. */
export function claimed({ claimedBy, leaseMs }: Lease): RawBuilder<unknown> {
  return sql`claimed_by = ${claimedBy}, updated_at = now(),
    claimed_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000}::float8)`
}

/** Gives back what a claim still holds. */
export async function releaseLegs(db: Database, claimedBy: string): Promise<void> {
  await sql`
    update flight_leg set claimed_by = null, claimed_until = null, updated_at = now()
    where claimed_by = ${claimedBy}`.execute(db)
}
