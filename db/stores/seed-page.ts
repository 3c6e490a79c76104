/** How the seed of a demo plants rows that nothing of the book depends on: a page of numbers at a time. */
import { sql, type RawBuilder } from 'kysely'

import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** Rows `first` to `last` of `of`, numbered from 1, the oldest first. */
export type SeedPage = {
  readonly first: number
  readonly last: number
  readonly of: number
  /** Draws what does not follow from a row's number. */
  readonly seed: number
  /** The end of the seeded year, in the book's time and on the wall. */
  readonly until: Instant
  readonly wallUntil: Instant
  /** Users and holders that there are, for those who refer to them. */
  readonly users: number
  readonly holders: number
}

/** Plants a page in one statement. */
export type Planter = (db: Database, page: SeedPage) => Promise<void>

/** Rows of one statement: a second or two with the widest of them. */
export const ROWS_PER_PAGE = 5_000

/** The age of row `n`: from `oldest` down to nothing, evenly. */
export function ageOf({ of }: Pick<SeedPage, 'of'>, oldest: string): RawBuilder<unknown> {
  return sql`(${oldest}::interval * (1 - n::double precision / ${of}::double precision))`
}

/** A number from 0 to 9,999 for row `n`, by the seed. */
export function shareOf({ seed }: Pick<SeedPage, 'seed'>): RawBuilder<unknown> {
  return sql`((n::bigint * 7919 + ${seed}::bigint * 104729) % 10000)`
}
