/**
 * Each job that looks after the book or the platform, until it is done, over a seeded year: `npm run bench:jobs -- --scale 1
 * [--jobs cleanup,report]`. The real worker, servers and workflows. Exits 1 when a job fails or a transaction
 * holds what it locked for longer than a second.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { Client } from '@temporalio/client'
import { sql } from 'kysely'

import { createStripeEvents } from '../adapters/payments/stripe-events.ts'
import { createStripePayments } from '../adapters/payments/stripe.ts'
import { DEMO } from '../cli/demo/demo-book.ts'
import { createSeedBar } from '../cli/demo/seed-bar.ts'
import { seedDemo } from '../cli/demo/seed-demo.ts'
import { planSeed } from '../cli/demo/seed-plan.ts'
import { SEED_RAIL_FAULTS } from '../cli/demo/seed-rail.ts'
import { SHIPPED_FLIGHTS } from '../cli/start/import-book.ts'
import { createDatabase, type Database } from '../db/client.ts'
import { createProductStore } from '../db/stores/product-store.ts'
import { parseLegPack } from '../domain/leg-pack.ts'
import { instantFromMs, parseInstant, type Instant } from '../domain/time.ts'
import { ensureProducts } from '../operations/ensure-products.ts'
import { connectClient } from '../platform/temporal/connection.ts'
import { startJob } from '../platform/temporal/job-starter.ts'
import { describeFailure } from '../platform/temporal/runs.ts'
import { startInstallation, type Installation, type Unattended } from './installation.ts'
import { watchLocks, type LockWatch } from './lock-watch.ts'

/** Nobody waits longer than this for a row that a job holds. */
const LONGEST_LOCK_BOUND_MS = 1_000

/** A job that comes every minute leaves what is over to the next minute. */
const RUNS_AT_MOST = 50

const CAPACITY_MINOR = 1_000_000_000_000

/** Each with its input, and the table whose rows tell what it did. */
const JOBS: readonly { readonly job: string; readonly input: object; readonly table: string }[] = [
  { job: 'maintenance', input: { task: 'analyze' }, table: 'policy' },
  { job: 'policy-expiration', input: {}, table: 'ledger_transaction' },
  { job: 'correction-watch', input: {}, table: 'decision_correction' },
  { job: 'payment-events', input: {}, table: 'payment_event' },
  { job: 'notification-relay', input: {}, table: 'notification' },
  { job: 'reconciliation', input: {}, table: 'review_case' },
  { job: 'book-verification', input: {}, table: 'evaluation' },
  { job: 'hourly-metrics', input: {}, table: 'analytics_figure' },
  { job: 'daily-analytics', input: {}, table: 'analytics_figure' },
  { job: 'weekly-trends', input: {}, table: 'analytics_figure' },
  { job: 'executive-summary', input: {}, table: 'analytics_figure' },
  { job: 'report', input: { period: '2013-01' }, table: 'policy' },
  { job: 'cleanup', input: {}, table: 'run_log_line' },
  { job: 'session-cleanup', input: {}, table: 'auth_session' },
  { job: 'dpop-replay-cache-cleanup', input: {}, table: 'dpop_proof' },
  { job: 'audit-log-archive', input: {}, table: 'audit_event' },
  { job: 'privacy-export-cleanup', input: {}, table: 'privacy_request' },
  { job: 'privacy-request-cleanup', input: {}, table: 'privacy_request' },
  { job: 'log-pruning', input: {}, table: 'run_log_line' },
  { job: 'outbox-and-run-projection', input: {}, table: 'job_run' },
  { job: 'provider-health-check', input: {}, table: 'provider_calls' },
  { job: 'provider-instance-cleanup', input: {}, table: 'provider_process' },
  { job: 'secret-rotation', input: {}, table: 'person_key' },
  { job: 'maintenance', input: { task: 'vacuum' }, table: 'policy' },
  { job: 'maintenance', input: { task: 'reindex' }, table: 'policy' },
]

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    jobs: { type: 'string' },
  },
})

async function main(scale: number, names: readonly string[] | null): Promise<void> {
  const interruption = new AbortController()
  const interrupted = interruption.signal
  void stopAtSignal(interruption)
  const text = gunzipSync(await readFile(SHIPPED_FLIGHTS)).toString('utf8')
  const now = parseInstant(DEMO.clockStart)
  await using installation = await startInstallation(text, now, {
    prepare: (unattended) => seed(unattended, { text, scale, now, interrupted }),
    env: { SCHEDULER_ENABLED: 'false' },
  })
  const server = { address: installation.temporalAddress, namespace: 'default' }
  await using owned = await connectClient(server, { env: {}, keys: null })
  const locks = watchLocks(installation.db)
  say(`\n${'job'.padEnd(34)}${'rows before -> after'.padEnd(42)}${'s'.padStart(8)}  lock ms   MB`)
  let isHeld = true
  for (const one of JOBS) {
    if (names !== null && !names.includes(one.job)) continue
    interrupted.throwIfAborted()
    isHeld = (await measure({ installation, client: owned.client, locks }, one)) && isHeld
  }
  await locks.stop()
  say(isHeld ? 'all jobs succeeded, no lock beyond the bound' : 'NOT HELD')
  process.exitCode = isHeld ? 0 : 1
}

/** At Ctrl-C what was started is stopped, after the run or the day of the seed that is under way. */
async function stopAtSignal(interruption: AbortController): Promise<void> {
  const [signal] = await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  interruption.abort(new Error(`stopped by ${String(signal)}`))
}

async function seed(
  { databaseUrl, clock, paymentsUrl, home }: Unattended,
  of: {
    readonly text: string
    readonly scale: number
    readonly now: Instant
    readonly interrupted: AbortSignal
  },
): Promise<void> {
  const startedAt = performance.now()
  await fetch(`${paymentsUrl}/__faults`, { method: 'POST', body: SEED_RAIL_FAULTS })
  const options = { baseUrl: paymentsUrl, apiKey: 'sk_test_bench' }
  await using payments = createStripePayments(options)
  await using eventSource = createStripeEvents(options)
  await using db = createDatabase(databaseUrl, { max: 1, isRelaxed: true })
  await ensureProducts({ productStore: createProductStore(db) })
  let shown = of.now
  const seedClock = {
    now: () => Promise.resolve(shown),
    set: async (to: Instant) => {
      shown = to
      await clock.set({ now: to })
    },
  }
  const plan = planSeed({ scale: of.scale, seed: 1, year: null }, of.now, instantFromMs(Date.now()))
  await seedDemo(
    {
      ...{ db, payments, eventSource, clock: seedClock, pack: parseLegPack(of.text), ring: null },
      capacityMinor: CAPACITY_MINOR,
      folders: { home, logs: join(home, 'logs'), privacy: join(home, 'privacy') },
    },
    plan,
    { signal: of.interrupted, onProgress: createSeedBar(process.stderr) },
  )
  await seedClock.set(of.now)
  await fetch(`${paymentsUrl}/__faults`, { method: 'DELETE' })
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
  say(`seeded at scale ${of.scale} in ${seconds} s, ${await sizeOf(db)}`)
  say(`this process took ${Math.round(process.resourceUsage().maxRSS / 1024)} MB at most`)
}

async function sizeOf(db: Database): Promise<string> {
  const { rows } = await sql<{ size: string }>`
    select pg_size_pretty(pg_database_size(current_database())) as size`.execute(db)
  return rows[0]?.size ?? ''
}

type Rig = {
  readonly installation: Installation
  readonly client: Client
  readonly locks: LockWatch
}

/** The runs of one job; true when they succeeded within the bound. */
async function measure(
  { installation, client, locks }: Rig,
  { job, input, table }: (typeof JOBS)[number],
): Promise<boolean> {
  const { db } = installation
  const before = await count(db, table)
  installation.takeWorkerPeakRss()
  locks.take()
  const startedAt = performance.now()
  const failure = await run(client, job, input)
  const seconds = (performance.now() - startedAt) / 1_000
  const lockMs = locks.take()
  const rss = Math.round(installation.takeWorkerPeakRss() / 1024 / 1024)
  const name = [job, ...Object.values(input)].join(' ')
  const rows = `${table} ${before} -> ${await count(db, table)}`
  const figures = `${seconds.toFixed(1).padStart(8)} ${lockMs.toFixed(0).padStart(8)} ${String(rss).padStart(4)}`
  const isLong = lockMs > LONGEST_LOCK_BOUND_MS
  say(`${name.padEnd(34)}${rows.padEnd(42)}${figures}${isLong ? '  LOCK TOO LONG' : ''}`)
  if (failure !== null) say(`  FAILED: ${failure}`)
  return failure === null && !isLong
}

/** Runs until nothing is left, as the schedule would. What failed; null when nothing did. */
async function run(client: Client, job: string, input: object): Promise<string | null> {
  try {
    for (let runs = 0; runs < RUNS_AT_MOST; runs += 1) {
      const started = await startJob({ client }, { job, input, trigger: 'api' })
      const { workflowId, runId } = started
      const result: unknown = await client.workflow.getHandle(workflowId, runId).result()
      if (!isIncomplete(result)) return null
    }
    return `not done after ${RUNS_AT_MOST} runs`
  } catch (error) {
    return describeFailure(error)
  }
}

function isIncomplete(result: unknown): boolean {
  return JSON.stringify(result).includes('"isComplete":false')
}

async function count(db: Database, table: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(
    db,
  )
  return rows[0]?.n ?? 0
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

say(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`)
await main(Number(values.scale), values.jobs?.split(',') ?? null)
