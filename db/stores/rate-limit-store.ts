/** Rate limits in Postgres: processes that share the database count together. */
import { CompiledQuery } from 'kysely'
import { RateLimiterPostgres } from 'rate-limiter-flexible'

import type { RateLimits } from '../../domain/ports/rate-limits.ts'
import { createRateLimits } from '../../platform/rate-limiters.ts'
import type { Database } from '../client.ts'

type Query = { readonly text: string; readonly values?: readonly unknown[] }

/** The limits over `db`. */
export function createRateLimitStore(db: Database): RateLimits {
  // What the package asks of a client of `pg`, over the pool that is there.
  const storeClient = {
    async query({ text, values = [] }: Query) {
      const { rows, numAffectedRows } = await db.executeQuery(CompiledQuery.raw(text, [...values]))
      return { rows, rowCount: Number(numAffectedRows ?? rows.length) }
    },
  }
  return createRateLimits(
    (options) =>
      new RateLimiterPostgres({
        ...options,
        storeClient,
        storeType: 'client',
        tableName: 'rate_limit',
        tableCreated: true,
      }),
  )
}
