/** Lists of kept runs: every filter, in pages, with totals that follow each change. */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createRunReads } from '../../db/stores/run-reads.ts'
import { createRunStore } from '../../db/stores/run-store.ts'
import { PageCursorError } from '../../domain/ports/page.ts'
import type { ListedRun, RunFilter } from '../../domain/ports/run-store.ts'
import type { RunRecord } from '../../domain/run.ts'
import { addMs, parseInstant, SECOND_MS } from '../../domain/time.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const AT = parseInstant('2026-03-01T12:00:00Z')
const RUNS = 60

let database: TestDatabase

/** Runs ten seconds apart; every third failed, every fourth is of another job, three share a moment. */
function runAt(i: number, change: Partial<RunRecord> = {}): RunRecord {
  const startedAt = addMs(AT, Math.floor(i / 3) * 10 * SECOND_MS)
  return {
    runId: randomUUID(),
    workflowId: `w-${i % 7}`,
    job: i % 4 === 0 ? 'payout' : 'flight-monitor',
    status: i % 3 === 0 ? 'failed' : 'success',
    state: null,
    trigger: i % 5 === 0 ? 'cli' : 'schedule',
    priority: i % 4 === 0 ? 'CRITICAL' : 'HIGH',
    queue: i % 4 === 0 ? 'payouts' : 'monitoring',
    scheduleId: 'flight-monitor',
    nominalAt: startedAt,
    requestedAt: startedAt,
    startedAt,
    closedAt: addMs(startedAt, 100 * i),
    isStuck: false,
    ...change,
  }
}

const RECORDS = Array.from({ length: RUNS }, (_, i) => runAt(i))

beforeAll(async () => {
  database = await createTestDatabase()
  await createRunStore(database.db).save(RECORDS)
})
afterAll(() => database[Symbol.asyncDispose]())

async function walk(filter: RunFilter, limit: number): Promise<ListedRun[]> {
  const all: ListedRun[] = []
  let cursor: string | null = null
  do {
    const page: { items: readonly ListedRun[]; nextCursor: string | null } = await createRunReads(
      database.db,
    ).list(filter, cursor === null ? { limit } : { limit, cursor })
    expect(page.items.length).toBeLessThanOrEqual(limit)
    all.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return all
}

function expected(fits: (run: RunRecord) => boolean): string[] {
  return RECORDS.filter(fits)
    .toSorted((a, b) => `${b.startedAt}${b.runId}`.localeCompare(`${a.startedAt}${a.runId}`))
    .map((run) => run.runId)
}

const FILTERS: [RunFilter, (run: RunRecord) => boolean][] = [
  [{}, () => true],
  [{ job: 'payout' }, (run) => run.job === 'payout'],
  [{ status: 'failed' }, (run) => run.status === 'failed'],
  [{ trigger: 'cli', status: 'success' }, (r) => r.trigger === 'cli' && r.status === 'success'],
  [{ priority: 'CRITICAL', queue: 'payouts' }, (run) => run.queue === 'payouts'],
  [{ workflowId: 'w-3' }, (run) => run.workflowId === 'w-3'],
  [
    { workflowId: 'w-3', status: 'failed' },
    (run) => run.workflowId === 'w-3' && run.status === 'failed',
  ],
  [{ since: addMs(AT, 50_000) }, (run) => run.startedAt >= addMs(AT, 50_000)],
  [{ until: addMs(AT, 50_000) }, (run) => run.startedAt < addMs(AT, 50_000)],
  [{ job: 'payout', trigger: 'nobody' }, () => false],
]

describe('lists', () => {
  it.each(FILTERS)(
    '%j gives each run once, the newest first, page by page',
    async (filter, fits) => {
      const runs = await walk(filter, 4)
      expect(runs.map((run) => run.runId)).toEqual(expected(fits))
    },
  )

  it('refuses a cursor of another filter', async () => {
    const reads = createRunReads(database.db)
    const { nextCursor } = await reads.list({}, { limit: 1 })
    const other = reads.list({ job: 'payout' }, { limit: 1, cursor: nextCursor ?? '' })
    await expect(other).rejects.toThrow(PageCursorError)
  })
})

describe('reasons', () => {
  it('are asked for only where a run ended badly, and once', async () => {
    const store = createRunStore(database.db)
    const failed = RECORDS.filter((run) => run.status === 'failed')
    const unread = await store.listUnread(100)
    expect(new Set(unread.map((run) => run.runId))).toEqual(new Set(failed.map((r) => r.runId)))
    expect(await store.listUnread(3)).toHaveLength(3)
    const reason = { type: 'DatabaseUnavailable', message: 'gone', nextRunId: null }
    const end = { ...reason, version: null, isDead: false }
    await store.saveEnds(unread.map(({ runId }) => ({ runId, ...end })))
    expect(await store.listUnread(100)).toEqual([])
    expect(await walk({ errorType: 'DatabaseUnavailable' }, 50)).toHaveLength(failed.length)
    await store.save(RECORDS)
    expect(await store.listUnread(100)).toEqual([])
  })
})

describe('totals', () => {
  it('count ended runs, failures and the average, and show the newest run', async () => {
    const [totals] = await createRunReads(database.db).totals(['payout'])
    const ours = RECORDS.filter((run) => run.job === 'payout')
    const ms = ours.map((run) => 100 * RECORDS.indexOf(run))
    expect(totals).toMatchObject({
      job: 'payout',
      totalRuns: ours.length,
      totalFailures: ours.filter((run) => run.status === 'failed').length,
      averageDurationMs: Math.round(ms.reduce((sum, one) => sum + one, 0) / ours.length),
      lastRun: ours.at(-1)?.startedAt,
    })
  })

  it('follow a run from open to closed, and to removed', async () => {
    const store = createRunStore(database.db)
    const open = runAt(90, { job: 'reconciliation', status: 'running', closedAt: null })
    const read = async () => (await createRunReads(database.db).totals(['reconciliation']))[0]
    await store.save([open])
    expect(await read()).toMatchObject({
      totalRuns: 0,
      lastStatus: 'running',
      lastDurationMs: null,
    })
    await store.save([{ ...open, status: 'success', closedAt: addMs(open.startedAt, 700) }])
    expect(await read()).toMatchObject({
      totalRuns: 1,
      lastStatus: 'success',
      lastDurationMs: 700,
      averageDurationMs: 700,
    })
    await store.remove([open.runId])
    expect(await read()).toMatchObject({ totalRuns: 0, lastRun: null, averageDurationMs: null })
  })

  it.each([
    ['cancelled', 'failed', 'cancelled'],
    ['terminated', 'failed', null],
    ['continued', 'running', null],
  ] as const)('a run that was %s reads %s', async (status, lastStatus, lastError) => {
    const job = `job-${status}`
    await createRunStore(database.db).save([runAt(95, { job, status })])
    const [totals] = await createRunReads(database.db).totals([job])
    expect(totals).toMatchObject({ lastStatus, lastError })
  })

  it('do not show a run that waits for its time as the last', async () => {
    const later = addMs(parseInstant(new Date().toISOString()), 60_000)
    const waits = runAt(96, { job: 'waits', status: 'running', closedAt: null, startedAt: later })
    await createRunStore(database.db).save([waits])
    const [totals] = await createRunReads(database.db).totals(['waits'])
    expect(totals).toMatchObject({ lastRun: null, lastStatus: null })
  })
})

it('two projections at once leave true counts', async () => {
  const store = createRunStore(database.db)
  const many = Array.from({ length: 200 }, (_, i) => runAt(i, { job: 'both' }))
  await Promise.all([store.save(many), store.save(many.toReversed()), store.save(many)])
  const { rows } = await sql<{ kept: number; counted: number }>`
    select (select count(*) from job_run r join job_run_kind k on k.id = r.kind_id
        where k.job = 'both') as kept,
      (select sum(k.runs)::bigint from job_run_kind k where k.job = 'both') as counted`.execute(
    database.db,
  )
  expect(rows).toEqual([{ kept: 200, counted: 200 }])
})
