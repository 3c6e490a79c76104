/**
 * Watches how long transactions of the worker that have written hold what they locked: an upper bound, as the
 * moment of a transaction's first lock is not known.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'

import type { Database } from '../db/client.ts'

/** Finer than what is to be found, coarser than what would load the server. */
const SAMPLE_MS = 50

/** A watch that is under way. */
export type LockWatch = {
  /** The longest since the last time it was asked, ms. */
  readonly take: () => number
  readonly stop: () => Promise<void>
}

/** Begins to watch. */
export function watchLocks(db: Database): LockWatch {
  const ended = new AbortController()
  let longest = 0
  const run = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      longest = Math.max(longest, await oldestWriterMs(db))
      await sleep(SAMPLE_MS, undefined, { signal: ended.signal }).catch(() => undefined) // the loop ends
    }
  }
  const running = run()
  return {
    take() {
      const taken = longest
      longest = 0
      return taken
    },
    async stop() {
      ended.abort()
      await running
    },
  }
}

/** Whoever has written or locked a row has a transaction id; indexes are built beside writers under theirs. */
async function oldestWriterMs(db: Database): Promise<number> {
  const { rows } = await sql<{ ms: number | null }>`
    select max(extract(epoch from clock_timestamp() - a.xact_start) * 1000)::float8 as ms
    from pg_stat_activity a
    where a.application_name = 'groundstop-worker' and a.backend_xid is not null
      and a.query !~* '^\\s*(reindex|vacuum|analyze)'`.execute(db)
  return rows[0]?.ms ?? 0
}
