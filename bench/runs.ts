/**
 * How fast kept runs are listed: `node bench/runs.ts [--runs 1000000] [--rounds 40]`. A durable
 * PostgreSQL of its own with that many ended runs of a month, every kind of filter, first and later
 * pages. Exits 1 when the slowest hundredth of any list takes longer than the bound.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { sql } from 'kysely'

import { createDatabase, type Database } from '../db/client.ts'
import { migrate } from '../db/migrate.ts'
import { createRunReads } from '../db/stores/run-reads.ts'
import type { RunFilter, RunReads } from '../domain/ports/run-store.ts'
import { addMs, DAY_MS, instantFromMs } from '../domain/time.ts'
import { startEmbeddedPostgres } from '../platform/embedded/postgres.ts'

const BOUND_MS = 100
const PAGE = 50
/** Pages walked after the first: an offset would show here. */
const PAGES = 5

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '40' },
  },
})

const SINCE = addMs(instantFromMs(Date.now()), -3 * DAY_MS)

/** Common and rare values, pairs that never occur together, and bounds of time. */
const FILTERS: readonly RunFilter[] = [
  {},
  { job: 'flight-monitor' },
  { job: 'reconciliation' },
  { status: 'success' },
  { status: 'failed' },
  { status: 'timeout', job: 'payout' },
  { errorType: 'DatabaseUnavailable' },
  { errorType: 'DatabaseUnavailable', job: 'flight-monitor', trigger: 'cli' },
  { trigger: 'cli', priority: 'CRITICAL' },
  { queue: 'payouts', priority: 'HIGH' },
  { status: 'success', since: SINCE },
  { status: 'failed', until: SINCE },
  { job: 'nobody' },
  { workflowId: 'flight-monitor:all' },
  { workflowId: 'payout:77777', status: 'failed' },
]

async function main(runs: number, rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'groundstop-bench-'))
  // The server's user must pass through it when the benchmark runs as root.
  await chmod(folder, 0o755)
  const port = { port: 0, isExplicit: false }
  const postgres = await startEmbeddedPostgres({ folder, port, isDurable: true })
  try {
    await using db = createDatabase(postgres.url)
    await migrate(db)
    await fill(db, runs)
    await measure(db, runs, rounds)
  } finally {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Nine tenths ticks of one workflow id; one in a hundred failed; the rest spread over jobs. */
async function fill(db: Database, runs: number): Promise<void> {
  const startedAt = performance.now()
  await sql`
    insert into job_run_kind (job, status, trigger, priority, queue, error_type)
    select j.job, s.status, t.trigger, j.priority, j.queue, s.error_type
    from (values ('flight-monitor', 'HIGH', 'monitoring'), ('payout', 'CRITICAL', 'payouts'),
        ('policy-expiration', 'MEDIUM', 'maintenance'), ('reconciliation', 'MEDIUM', 'reports'),
        ('maintenance', 'LOW', 'maintenance')) j (job, priority, queue),
      (values ('success', null), ('failed', 'DatabaseUnavailable'), ('failed', 'ProviderUnavailable'),
        ('timeout', 'RunTimeout'), ('terminated', 'Terminated')) s (status, error_type),
      (values ('schedule'), ('api'), ('cli'), ('run')) t (trigger)`.execute(db)
  await sql`
    insert into job_run (run_id, workflow_id, kind_id, requested_at, started_at, closed_at, duration_ms)
    select groundstop_id('bench|' || g), case when j.job = 'flight-monitor' then 'flight-monitor:all'
        else j.job || ':' || g end, k.id, at.at, at.at, at.at + interval '2 seconds', 2000
    from generate_series(1, ${runs}::integer) g
    cross join lateral (select case when g % 10 <> 0 then 'flight-monitor' when g % 100 <> 0 then 'payout'
      when g % 1000 <> 0 then 'policy-expiration' else 'reconciliation' end as job) j
    cross join lateral (select case when g % 97 = 0 then 'failed' when g % 997 = 0 then 'timeout'
      else 'success' end as status) s
    cross join lateral (select now() - g * (interval '29 days' / ${runs}) as at) at
    join job_run_kind k on k.job = j.job and k.status = s.status
      and k.trigger = case when g % 50 = 0 then 'api' when j.job = 'payout' then 'run'
        else 'schedule' end
      and (s.status <> 'failed' or k.error_type = case when g % 2 = 0 then 'DatabaseUnavailable'
        else 'ProviderUnavailable' end)`.execute(db)
  await sql`vacuum analyze job_run, job_run_kind`.execute(db)
  say(`${runs} runs after ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`)
}

async function measure(db: Database, runs: number, rounds: number): Promise<void> {
  const reads = createRunReads(db)
  say(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}; first page and ${PAGES} more, ms`)
  let worst = 0
  for (const filter of FILTERS) {
    const first: number[] = []
    const later: number[] = []
    for (let i = 0; i < rounds; i += 1) await walk(reads, filter, first, later)
    const p99 = Math.max(percentile(first, 99), percentile(later, 99))
    worst = Math.max(worst, p99)
    const text = [percentile(first, 50), percentile(first, 99), percentile(later, 99)]
    say(`${text.map((ms) => ms.toFixed(1).padStart(7)).join('')}  ${JSON.stringify(filter)}`)
  }
  const startedAt = performance.now()
  await reads.totals(['flight-monitor', 'payout', 'policy-expiration', 'reconciliation'])
  say(`totals of four jobs: ${(performance.now() - startedAt).toFixed(1)} ms`)
  const isHeld = worst <= BOUND_MS
  say(`${isHeld ? 'held' : 'NOT HELD'}: p99 ${worst.toFixed(1)} of ${BOUND_MS} ms, ${runs} runs`)
  process.exitCode = isHeld ? 0 : 1
}

async function walk(
  reads: RunReads,
  filter: RunFilter,
  first: number[],
  later: number[],
): Promise<void> {
  let cursor: string | undefined
  for (let page = 0; page <= PAGES; page += 1) {
    const startedAt = performance.now()
    const { nextCursor } = await reads.list(filter, { limit: PAGE, cursor })
    const list = page === 0 ? first : later
    list.push(performance.now() - startedAt)
    if (nextCursor === null) return
    cursor = nextCursor
  }
}

function percentile(times: readonly number[], percent: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

await main(Number(values.runs), Number(values.rounds))
