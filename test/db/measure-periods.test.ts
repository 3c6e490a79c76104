/** Figures of ended periods over a book of 400 policies: what they say, and when they change. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createReportFiles } from '../../adapters/files/report-files.ts'
import { loadDelayHistory } from '../../adapters/rates/delay-history.ts'
import { createAnalyticsStore } from '../../db/stores/analytics-store.ts'
import { createOperatorNoticeStore } from '../../db/stores/operator-notice-store.ts'
import { periodOf, type PeriodKind } from '../../domain/analytics/period.ts'
import type { FigureRow, SectionName } from '../../domain/analytics/sections.ts'
import { NAMED_REPORTS } from '../../domain/reports/reports.ts'
import { addMs, HOUR_MS, MINUTE_MS, parseInstant } from '../../domain/time.ts'
import { createExpectedRates } from '../../operations/expected-rates.ts'
import { measureNamed, UnknownPeriodError } from '../../operations/measure-named.ts'
import { measurePeriods } from '../../operations/measure-periods.ts'
import { planReports, writeFigureReport, writeNamedReport } from '../../operations/write-report.ts'
import { manualClock } from '../support/builders.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { BOOK_DECIDED_AT, makeReadBook } from '../support/read-book.ts'
import { unguarded } from '../support/unguarded.ts'

let database: TestDatabase
const clock = manualClock('2013-03-12T00:10:00Z')
const wallClock = manualClock('2026-03-02T00:10:00Z')

beforeAll(async () => {
  database = await createTestDatabase()
  await makeReadBook(database.db)
})
afterAll(() => database[Symbol.asyncDispose]())

function deps() {
  const analyticsStore = createAnalyticsStore(database.db)
  const expectedRates = createExpectedRates({ analyticsStore, delayHistory: loadDelayHistory })
  return { analyticsStore, expectedRates, clock, wallClock, clockSpeed: async () => 60 }
}

const measure = (kind: PeriodKind, limit = 100) => measurePeriods(deps(), { kind, limit })

async function rowsOf(kind: PeriodKind, label: string, section: SectionName): Promise<FigureRow[]> {
  const startsAt = periodOf(kind, label)?.startsAt ?? parseInstant(label)
  const wall = await deps().analyticsStore.find(kind, 'wall', startsAt)
  const found = await deps().analyticsStore.find(kind, 'business', startsAt)
  return [...(found?.figures[section] ?? wall?.figures[section] ?? [])]
}

describe('the days of the book', () => {
  beforeAll(async () => {
    await measure('day')
  })

  test('are those that have ended since the first policy was bound, and not today', async () => {
    const kept = await deps().analyticsStore.list({ kind: 'day', clock: 'business', limit: 10 })
    expect(kept.map(({ startsAt }) => startsAt.slice(0, 10))).toEqual([
      '2013-03-11',
      '2013-03-10',
      '2013-03-09',
    ])
  })

  test('hold the losses of what was decided on them, beside what was expected', async () => {
    const rows = await rowsOf('day', '2013-03-10', 'loss')
    const all = rows.filter(({ by, currency }) => by === 'all' && currency === 'USD')
    // Seven legs were decided by rule, each with 18 policies in dollars of 100 to 119.
    expect(all).toMatchObject([{ group: '', policies: 126, sumInsuredMinor: '1373400' }])
    const { rows: sums } = await sql<{ incurred: string; premium: string }>`
      select sum(amount_minor)::text as incurred, sum(premium_minor)::text as premium
      from policy where outcome is not null and currency = 'USD'`.execute(database.db)
    expect(all).toMatchObject([
      { incurredMinor: sums[0]?.incurred, premiumMinor: sums[0]?.premium },
    ])
    const products = rows.filter(({ by, currency }) => by === 'product' && currency === 'USD')
    expect(
      Object.fromEntries(products.map(({ group, expectedBps }) => [group, expectedBps])),
    ).toEqual({ FD45: expect.any(Number), FD120: expect.any(Number), FD180: expect.any(Number) })
  })

  test('expect of a product what it would have paid on all known legs', async () => {
    const rates = await deps().expectedRates()
    const codes = await sql<{ id: string; code: string }>`
      select id, code from product_version`.execute(database.db)
    const bpsOf = (code: string) =>
      rates.find((rate) =>
        codes.rows.some((row) => row.id === rate.productVersionId && row.code === code),
      )?.bps
    // The year has 7.47, 5.77 and 3.83 per cent; its first half, which ships, had the storms.
    expect(bpsOf('FD45')).toBeGreaterThan(700)
    expect(bpsOf('FD45')).toBeLessThan(1_200)
    expect(bpsOf('FD45')).toBeGreaterThan(bpsOf('FD120') ?? 0)
    expect(bpsOf('FD120')).toBeGreaterThan(bpsOf('FD180') ?? 0)
  })

  test('class legs by their delay, at the minute', async () => {
    const rows = await rowsOf('day', '2013-03-10', 'delays')
    expect(Object.fromEntries(rows.map(({ delay, legs }) => [delay, legs]))).toEqual({
      early: 1,
      '0 to 14 min': 1,
      '15 to 44 min': 1,
      '45 to 119 min': 2,
      '120 to 179 min': 1,
      '180 min and more': 1,
      cancelled: 0,
      'not reached': 0,
      'left to people': expect.any(Number),
    })
  })

  test('hold what was at risk when they ended, also after it was decided', async () => {
    const [before] = await rowsOf('day', '2013-03-09', 'exposure')
    const [after] = await rowsOf('day', '2013-03-10', 'exposure')
    // 20 legs with two policies in euros; one leg was declined, one cancelled before.
    expect(before).toMatchObject({ by: 'all', currency: 'EUR', legs: 18, policies: 36 })
    expect(after).toMatchObject({ by: 'all', currency: 'EUR', legs: 11, policies: 22 })
  })

  test('class payouts by their amount on the day of the money', async () => {
    const rows = await rowsOf('day', '2013-03-11', 'payouts')
    const total = rows.reduce((sum, { payouts }) => sum + Number(payouts), 0)
    expect(total).toBe(20)
    expect(await rowsOf('day', '2013-03-10', 'payouts')).toEqual([])
  })

  test('have cases, incidents and how long decisions took', async () => {
    expect(await rowsOf('day', '2013-03-10', 'coverage')).toEqual([
      { phase: 'ARRIVAL', incidents: 1, greatestGapS: 5_000, openAtEnd: 1 },
    ])
    expect(await rowsOf('day', '2013-03-10', 'reviews')).toMatchObject([{ opened: 1 }])
    expect(await rowsOf('day', '2013-03-10', 'latency')).toMatchObject([
      { step: 'news to decision', count: expect.any(Number) },
    ])
  })
})

describe('a period that was measured', () => {
  test('is the same when it is measured again', async () => {
    const period = periodOf('day', '2013-03-10')
    if (period === null) throw new Error('no such day')
    const again = await measurePeriods(deps(), { kind: 'day', period, limit: 1 })
    expect(again).toMatchObject({ computed: 0, unchanged: 1, corrected: [], isComplete: true })
    expect(await deps().analyticsStore.find('day', 'business', period.startsAt)).toMatchObject({
      revision: 1,
      correctedAt: null,
    })
  })

  test('is measured anew, and says so, once a decision of it has changed', async () => {
    await unguarded(database.db, (trx) =>
      sql`update policy set amount_minor = 1, updated_at = now()
        where policy_number = 'R-06-01'`.execute(trx),
    )
    const { corrected } = await measure('day')
    expect(corrected).toEqual(['2013-03-10'])
    const { startsAt } = periodOf('day', '2013-03-10') ?? { startsAt: BOOK_DECIDED_AT }
    expect(await deps().analyticsStore.find('day', 'business', startsAt)).toMatchObject({
      revision: 2,
      correctedAt: expect.any(String),
    })
  })

  test('is left alone by a measuring that began before the one that is kept', async () => {
    const period = periodOf('day', '2013-03-10')
    if (period === null) throw new Error('no such day')
    const old = { figures: {}, measuredAt: parseInstant('2020-01-01T00:00:00Z') }
    const contentSha256 = '0'.repeat(64)
    const save = deps().analyticsStore.save(
      { ...period, clock: 'business' },
      { ...old, contentSha256 },
    )
    expect(await save).toBe('same')
    expect(await rowsOf('day', '2013-03-10', 'loss')).not.toEqual([])
  })
})

describe('hours', () => {
  test('that were missed are made up for, some at a time, until none is missing', async () => {
    clock.set('2013-03-09T20:10:00Z')
    const first = await measure('hour', 5)
    expect(first).toMatchObject({ computed: 5, isComplete: false, latest: '2013-03-09T19' })
    const second = await measure('hour', 50)
    expect(second).toMatchObject({ computed: 4, isComplete: true })
  })

  test('that have just ended wait until statements under way are through', async () => {
    clock.set('2013-03-09T21:04:59Z')
    expect(await measure('hour', 50)).toMatchObject({
      computed: 0,
      latest: '2013-03-09T19',
      // A second of the book's, at sixty of them a second.
      settlesInMs: 17,
    })
    clock.set('2013-03-09T21:05:00Z')
    expect(await measure('hour', 50)).toMatchObject({
      computed: 1,
      latest: '2013-03-09T20',
      settlesInMs: null,
    })
  })
})

describe('the platform', () => {
  const AT = parseInstant('2026-03-01T22:30:00Z')

  beforeAll(async () => {
    const { db } = database
    await sql`
      insert into provider_calls (provider, minute, calls, failures) values
        ('aeroapi', ${AT}::timestamptz, 90, 1), ('aeroapi', ${addMs(AT, HOUR_MS)}::timestamptz, 10, 9)`.execute(
      db,
    )
    await sql`
      insert into provider_allowance (provider, key_id, day, day_units, month)
      values ('aeroapi', '0123456789abcdef', '2026-03-01', 120, '2026-03-01')`.execute(db)
    await sql`update provider_allowance set day_units = 150`.execute(db)
    const kinds = await sql<{ id: number }>`
      insert into job_run_kind (job, status, priority, queue)
      values ('payout', 'success', 'HIGH', 'payouts'), ('payout', 'failed', 'HIGH', 'payouts')
      returning id`.execute(db)
    for (const [i, { id }] of kinds.rows.entries()) {
      await sql`
        insert into job_run (run_id, workflow_id, kind_id, requested_at, started_at, closed_at, duration_ms)
        select gen_random_uuid(), 'payout:' || n, ${id}::integer, t, t, t, n * 100
        from generate_series(1, 10) as n,
          (select ${addMs(AT, i * HOUR_MS)}::timestamptz as t) as at`.execute(db)
    }
    await measure('day')
  })

  test('is measured hour by hour, in wall time', async () => {
    expect(await rowsOf('hour', '2026-03-01T22', 'providers')).toMatchObject([
      { provider: 'aeroapi', calls: 90, failures: 1, failedBps: 111, units: null },
    ])
    expect(await rowsOf('hour', '2026-03-01T22', 'jobs')).toMatchObject([
      { job: 'payout', runs: 10, failed: 0, p50Ms: 550, p95Ms: 955, maxMs: 1_000 },
    ])
  })

  test('adds its hours up to days, with the units that the keys used', async () => {
    expect(await rowsOf('day', '2026-03-01', 'providers')).toMatchObject([
      { provider: 'aeroapi', calls: 100, failures: 10, failedBps: 1_000, units: 150 },
    ])
    expect(await rowsOf('day', '2026-03-01', 'jobs')).toMatchObject([
      { job: 'payout', runs: 20, failed: 10, p95Ms: 955 },
    ])
  })

  test('is not measured before the first run ended', async () => {
    const hours = await deps().analyticsStore.list({ kind: 'hour', clock: 'wall', limit: 100 })
    expect(hours.map(({ startsAt }) => startsAt)).toEqual([
      '2026-03-01T23:00:00.000Z',
      '2026-03-01T22:00:00.000Z',
    ])
  })

  test('keeps an hour whose reports are gone by now', async () => {
    await sql`delete from provider_calls`.execute(database.db)
    wallClock.pass(24 * 60 * MINUTE_MS)
    await measure('day')
    expect(await rowsOf('day', '2026-03-01', 'providers')).toMatchObject([{ calls: 100 }])
  })
})

describe('reports', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'groundstop-reports-'))
    clock.set('2013-04-01T02:10:00Z')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const writing = () => ({
    ...deps(),
    reportFiles: createReportFiles(folder),
    operatorNoticeStore: createOperatorNoticeStore(database.db),
  })
  const summarize = () =>
    writeFigureReport(writing(), { report: 'executive-summary', period: '2013-03' })

  test('are not made of a month of which nothing is kept', async () => {
    expect(await summarize()).toBeNull()
  })

  test('render the kept figures and tell operators once of the same', async () => {
    await measure('month')
    expect(await summarize()).toMatchObject({ isChanged: true, isTold: true })
    expect(await summarize()).toMatchObject({ isChanged: false, isTold: false })
    const { rows } = await sql<{ content: { subject: string; text: string } }>`
      select distinct content from notification where audience = 'operator'`.execute(database.db)
    expect(rows).toMatchObject([{ content: { subject: 'Executive summary 2013-03' } }])
    expect(rows[0]?.content.text).toMatch(/burn, USD: \d+\.\d\d %, expected \d+\.\d\d %/)
    const page = await readFile(join(folder, 'executive-summary/2013-03/index.html'), 'utf8')
    expect(page).toContain('Burn against expectation, by product, USD')
  })

  test('are written and told anew once the figures were corrected', async () => {
    await unguarded(database.db, (trx) =>
      sql`update policy set amount_minor = 2, updated_at = now()
        where policy_number = 'R-06-01'`.execute(trx),
    )
    expect(await measure('month')).toMatchObject({ corrected: ['2013-03'] })
    expect(await summarize()).toMatchObject({ isChanged: true, isTold: true })
    const page = await readFile(join(folder, 'executive-summary/2013-03/index.html'), 'utf8')
    expect(page).toContain('Corrected figures: revision 2.')
  })

  test('of usage, audit and performance are the same files for the same month', async () => {
    await sql`
      insert into audit_event (at, actor, action, subject)
      values ('2013-03-10T10:00:00Z', 'ines', 'payouts.pause', 'setting:payouts.paused')`.execute(
      database.db,
    )
    const { period } = await planReports(writing(), {})
    expect(period).toBe('2013-03')
    for (const report of NAMED_REPORTS) {
      expect(await writeNamedReport(writing(), { report, period })).toMatchObject({
        isChanged: true,
        rows: expect.toSatisfy((rows: number) => rows > 0),
      })
      expect(await writeNamedReport(writing(), { report, period })).toMatchObject({
        isChanged: false,
      })
    }
    const events = await readFile(join(folder, 'audit/2013-03/audit-events.csv'), 'utf8')
    expect(events).toMatch(/,ines,payouts\.pause,setting:payouts\.paused,\d+,[0-9a-f]{64}\r\n/)
  })

  test('of a month that is none are refused', async () => {
    const refused = writeNamedReport(writing(), { report: 'usage', period: '2013-13' })
    await expect(refused).rejects.toThrow(UnknownPeriodError)
  })

  test('and figures of a month that goes on are refused, until it has ended', async () => {
    clock.set('2013-04-30T23:59:59.999Z')
    const named = { period: '2013-04' }
    await expect(planReports(writing(), named)).rejects.toThrow('the month 2013-04 ends at')
    const events = { periodsMeasured: () => undefined }
    const step = { kind: 'month', limit: 1, ...named } as const
    const progress = { signal: new AbortController().signal, onProgress: () => undefined }
    const early = measureNamed({ ...deps(), events }, step, progress)
    await expect(early).rejects.toThrow(UnknownPeriodError)
    clock.set('2013-05-01T00:00:00Z')
    expect(await planReports(writing(), named)).toMatchObject(named)
    expect(await measureNamed({ ...deps(), events }, step, progress)).toMatchObject({ computed: 1 })
  })
})
