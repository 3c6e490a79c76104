/** Counts the book by state, for gauges. */
import { sql } from 'kysely'

import type { BookTotals, BookTotalsStore } from '../../domain/ports/book-totals.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** The counter over this database. */
export function createBookTotalsStore(db: Database): BookTotalsStore {
  return { read: (windowUntil) => readTotals(db, windowUntil) }
}

type Count = { readonly name: string; readonly total: number }

function byName(counts: readonly Count[]): Record<string, number> {
  return Object.fromEntries(counts.map(({ name, total }) => [name, total]))
}

/** Names of one group of counts, as they come out of one statement. */
type Row = Count & {
  readonly kind: 'policy' | 'payout' | 'review' | 'legs' | 'window' | 'incidents'
}

async function readTotals(db: Database, windowUntil: Instant): Promise<BookTotals> {
  // One statement, so that all counts are of one moment.
  const { rows } = await sql<Row>`
    select 'policy' as kind, state as name, count(*) as total from policy group by state
    union all
    select 'payout', state, count(*) from payout group by state
    union all
    select 'review', subject_kind, count(*) from review_case where state <> 'RESOLVED'
      group by subject_kind
    union all
    select 'legs', '', count(*) from flight_leg where undecided_policies > 0
    union all
    select 'window', '', count(*) from flight_leg
      where undecided_policies > 0 and scheduled_out <= ${windowUntil}::timestamptz
    union all
    select 'incidents', '', count(*) from coverage_incident where closed_at is null`.execute(db)
  const of = (kind: Row['kind']): Record<string, number> =>
    byName(rows.filter((row) => row.kind === kind))
  const balances = await db
    .selectFrom('pool_balance')
    .select(['account', 'currency', sql<string>`balance_minor::text`.as('balanceMinor')])
    .orderBy('account')
    .orderBy('currency')
    .limit(1_000)
    .execute()
  return {
    policiesByState: of('policy'),
    payoutsByState: of('payout'),
    legsUndecided: of('legs')[''] ?? 0,
    legsInWindow: of('window')[''] ?? 0,
    coverageIncidentsOpen: of('incidents')[''] ?? 0,
    reviewCasesBySubject: of('review'),
    balances,
  }
}
