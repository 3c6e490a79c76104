/** Figures of ended periods in Postgres: which are missing, what they hold, one writer at a time. */
import { sql, type Transaction } from 'kysely'

import { PERIOD_KINDS, type Period, type PeriodKind } from '../../domain/analytics/period.ts'
import {
  SECTION_NAMES,
  sectionSpec,
  type FigureRow,
  type Figures,
  type SectionName,
} from '../../domain/analytics/sections.ts'
import type {
  AnalyticsStore,
  Measured,
  PeriodSearch,
  SavedPeriod,
  StoredPeriod,
} from '../../domain/ports/analytics-store.ts'
import type { Product } from '../../domain/product.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import { inSnapshot } from '../snapshot.ts'
import type { DB } from '../types.generated.ts'
import { BOOK_SECTIONS, type BookSpan } from './analytics-book.ts'
import { measurePlatform } from './analytics-platform.ts'

/** What is written while a period is measured may carry a time before that: seen again within this. */
const SETTLING = sql`interval '1 minute'`
const PRODUCTS_LIMIT = 1_000

/** The store over `db`. */
export function createAnalyticsStore(db: Database): AnalyticsStore {
  return {
    async firstFactAt(clock) {
      const { rows } = await sql<{ at: Instant | null }>`
        ${FIRST_FACT[clock]}`.execute(db)
      return rows[0]?.at ?? null
    },
    listMissing: (search) => listMissing(db, search),
    listTouched: (search) => listTouched(db, search),
    async listProducts(known) {
      const { rows } = await sql<{ productVersionId: string; rules: Product }>`
        select id as "productVersionId", rules from product_version
        where id <> all(${known}::uuid[]) order by code, version limit ${PRODUCTS_LIMIT}`.execute(
        db,
      )
      return rows
    },
    measureBook: ({ startsAt, endsAt }, rates, sections) =>
      inOneMoment(db, (trx) =>
        measureBook(trx, { from: startsAt, until: endsAt, rates }, sections ?? KEPT),
      ),
    measurePlatform: (period) => inOneMoment(db, (trx) => measurePlatform(trx, period)),
    save: (period, measured) => retriedTransaction(db, (trx) => save(trx, period, measured)),
    find: (kind, clock, startsAt) => find(db, { kind, clock, startsAt }),
    async list({ kind, clock, limit }) {
      const { rows } = await sql<StoredPeriod>`
        select ${PERIOD_COLUMNS} from analytics_period p
        where (${kind ?? null}::text is null or p.kind = ${kind ?? null})
          and (${clock ?? null}::text is null or p.clock = ${clock ?? null})
        order by p.starts_at desc, array_position(${[...PERIOD_KINDS]}::text[], p.kind), p.clock
        limit ${limit}`.execute(db)
      return rows
    },
  }
}

/** What is kept with a period. */
const KEPT = SECTION_NAMES.filter((name) => sectionSpec(name).isForReports !== true)

const FIRST_FACT = {
  business: sql`select min(bound_at) as at from policy`,
  wall: sql`select min(closed_at) as at from job_run`,
} as const

const PERIOD_COLUMNS = sql`p.kind, p.clock, p.starts_at as "startsAt", p.ends_at as "endsAt", p.revision,
  p.content_sha256 as "contentSha256", p.measured_at as "measuredAt", p.corrected_at as "correctedAt"`

/** Where the period of a moment begins. Weeks begin on Sundays; Postgres' own on Mondays. */
function startOf(kind: PeriodKind, at: ReturnType<typeof sql>) {
  if (kind !== 'week') return sql`date_trunc(${kind}, ${at}, 'UTC')`
  return sql`date_trunc('week', ${at} + interval '1 day', 'UTC') - interval '1 day'`
}

const STEP: Readonly<Record<PeriodKind, string>> = {
  hour: '1 hour',
  day: '1 day',
  week: '7 days',
  month: '1 month',
}

async function listMissing(db: Database, search: PeriodSearch): Promise<Period[]> {
  const { kind, clock, from, until, limit } = search
  const step = sql`${STEP[kind]}::interval`
  const { rows } = await sql<Period>`
    select ${kind}::text as kind, s.at as "startsAt", date_add(s.at, ${step}, 'UTC') as "endsAt"
    from generate_series(${startOf(kind, sql`${from}::timestamptz`)}, ${until}::timestamptz, ${step},
      'UTC') as s (at)
    where s.at >= ${from}::timestamptz and date_add(s.at, ${step}, 'UTC') <= ${until}::timestamptz
      and not exists (
        select from analytics_period p
        where p.kind = ${kind} and p.clock = ${clock} and p.starts_at = s.at)
    order by s.at desc limit ${limit}`.execute(db)
  return rows
}

/** Reads every fact's times: a pass over the book. */
async function listTouched(db: Database, search: PeriodSearch): Promise<Period[]> {
  const { kind, clock, from, until, limit } = search
  const wrote = (table: string, happened: string, written: string) => sql`
    select ${startOf(kind, sql`${sql.ref(happened)}`)} as starts_at, max(${sql.ref(written)}) as at
    from ${sql.table(table)} where ${sql.ref(happened)} >= ${from}::timestamptz group by 1`
  const { rows } = await sql<Period>`
    with written as (
      select starts_at, max(at) as at from (
        ${wrote('policy', 'decided_at', 'updated_at')}
        union all ${wrote('policy', 'bound_at', 'created_at')}
        union all ${wrote('payout', 'paid_at', 'updated_at')}
        union all ${wrote('evaluation', 'evaluated_at', 'created_at')}
        union all ${wrote('review_case', 'opened_at', 'created_at')}
        union all ${wrote('review_case', 'resolved_at', 'updated_at')}
        union all ${wrote('coverage_incident', 'opened_at', 'created_at')}
      ) as w group by starts_at
    )
    select p.kind, p.starts_at as "startsAt", p.ends_at as "endsAt"
    from analytics_period p join written w on w.starts_at = p.starts_at
    where p.kind = ${kind} and p.clock = ${clock} and p.starts_at >= ${from}::timestamptz
      and p.ends_at <= ${until}::timestamptz and w.at > p.measured_at - ${SETTLING}
    order by p.starts_at limit ${limit}`.execute(db)
  return rows
}

/** Sections that are read one after the other and still agree. */
function inOneMoment(
  db: Database,
  measure: (trx: Transaction<DB>) => Promise<Figures>,
): Promise<Measured> {
  return inSnapshot(db, async (trx) => {
    const { rows } = await sql<{ at: Instant }>`select now() as at`.execute(trx)
    const [clock] = rows
    if (clock === undefined) throw new Error('the database does not tell the time')
    return { figures: await measure(trx), measuredAt: clock.at }
  })
}

async function measureBook(
  trx: Transaction<DB>,
  span: BookSpan,
  sections: readonly SectionName[],
): Promise<Figures> {
  const figures: Partial<Record<SectionName, readonly FigureRow[]>> = {}
  for (const name of sections) {
    const rows = await BOOK_SECTIONS[name]?.(trx, span)
    if (rows !== undefined) figures[name] = rows
  }
  return figures
}

type PeriodKey = Pick<StoredPeriod, 'kind' | 'clock' | 'startsAt'>

/** Writers take turns, so that of two measurings the later one stays. */
async function save(
  trx: Transaction<DB>,
  { kind, clock, startsAt, endsAt }: PeriodKey & Pick<Period, 'endsAt'>,
  { figures, measuredAt, contentSha256 }: Measured & { readonly contentSha256: string },
): Promise<SavedPeriod> {
  await sql`select pg_advisory_xact_lock(hashtextextended('analytics', 0))`.execute(trx)
  const { rows } = await sql<{ sha: string; is_newer: boolean }>`
    select content_sha256 as sha, measured_at > ${measuredAt}::timestamptz as is_newer
    from analytics_period
    where kind = ${kind} and clock = ${clock} and starts_at = ${startsAt}::timestamptz`.execute(trx)
  const [kept] = rows
  if (kept?.is_newer === true) return 'same'
  const isChanged = kept !== undefined && kept.sha !== contentSha256
  await sql`
    insert into analytics_period as p (kind, clock, starts_at, ends_at, content_sha256, measured_at)
    values (${kind}, ${clock}, ${startsAt}::timestamptz, ${endsAt}::timestamptz, ${contentSha256},
      ${measuredAt}::timestamptz)
    on conflict (kind, clock, starts_at) do update set
      measured_at = excluded.measured_at, content_sha256 = excluded.content_sha256,
      revision = p.revision + ${isChanged}::boolean::integer,
      corrected_at = case when ${isChanged}::boolean then now() else p.corrected_at end,
      updated_at = now()`.execute(trx)
  if (kept !== undefined && !isChanged) return 'same'
  for (const [section, sectionRows] of Object.entries(figures)) {
    await sql`
      insert into analytics_figure (kind, clock, starts_at, section, rows)
      values (${kind}, ${clock}, ${startsAt}::timestamptz, ${section},
        ${JSON.stringify(sectionRows)}::jsonb)
      on conflict (kind, clock, starts_at, section)
      do update set rows = excluded.rows, updated_at = now()`.execute(trx)
  }
  return isChanged ? 'corrected' : 'new'
}

async function find(
  db: Database,
  { kind, clock, startsAt }: PeriodKey,
): Promise<(StoredPeriod & { readonly figures: Figures }) | null> {
  const { rows } = await sql<StoredPeriod & { figures: Figures | null }>`
    select ${PERIOD_COLUMNS}, (
      select jsonb_object_agg(f.section, f.rows) from analytics_figure f
      where f.kind = p.kind and f.clock = p.clock and f.starts_at = p.starts_at) as figures
    from analytics_period p
    where p.kind = ${kind} and p.clock = ${clock} and p.starts_at = ${startsAt}::timestamptz`.execute(
    db,
  )
  const [row] = rows
  return row === undefined ? null : { ...row, figures: row.figures ?? {} }
}
