/** Reads latencies from the rows of payouts and evaluations. */
import { sql } from 'kysely'

import type { Latencies, LatencyLog } from '../../domain/ports/latency-log.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** A row carries the time at which its transaction began; transactions of ours end within this. */
const SETTLING_S = 5
/** More within one scrape than a day's storm brings; what is above is left out of the histogram. */
const ROWS_LIMIT = 50_000

/** The log over this database. */
export function createLatencyLog(db: Database): LatencyLog {
  return { readSince: (since) => readSince(db, since) }
}

async function readSince(db: Database, since: Instant): Promise<Latencies> {
  const clock = await sql<{ until: Instant }>`
    select date_trunc('milliseconds', clock_timestamp() - ${SETTLING_S} * interval '1 second')
      as until`.execute(db)
  const until = clock.rows[0]?.until
  if (until === undefined) throw new Error('the database does not tell the time')
  if (since >= until) return { until: since, payoutMs: [], decisionMs: [] }
  const [payoutMs, decisionMs] = await Promise.all([
    readPayouts(db, since, until),
    readDecisions(db, since, until),
  ])
  return { until, payoutMs, decisionMs }
}

async function readPayouts(db: Database, since: Instant, until: Instant): Promise<number[]> {
  const { rows } = await sql<{ ms: number }>`
    select extract(epoch from updated_at - created_at)::double precision * 1000 as ms
    from payout
    where state = 'PAID' and updated_at > ${since}::timestamptz
      and updated_at <= ${until}::timestamptz
    limit ${ROWS_LIMIT}`.execute(db)
  return rows.map(({ ms }) => ms)
}

async function readDecisions(db: Database, since: Instant, until: Instant): Promise<number[]> {
  const { rows } = await sql<{ ms: number }>`
    select extract(epoch from e.evaluated_at - o.changed_at)::double precision * 1000 as ms
    from evaluation e
    cross join lateral (
      select max(first_seen_at) as changed_at from flight_observation where id = any(e.observation_ids)
    ) o
    where e.created_at > ${since}::timestamptz and e.created_at <= ${until}::timestamptz
      and o.changed_at is not null
    limit ${ROWS_LIMIT}`.execute(db)
  return rows.map(({ ms }) => Math.max(0, ms))
}
