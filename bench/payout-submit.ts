/**
 * How fast payouts are sent and settled, without workflows: `node bench/payout-submit.ts [--size 10000]
 * [--batch 500] [--parallel 4] [--concurrency 32] [--flush 100]`. A durable PostgreSQL of its own (or
 * the server at DATABASE_URL), the local payment server as another process, the product's own adapter.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

import { sql } from 'kysely'

import { createStripePayments } from '../adapters/payments/stripe.ts'
import { createDatabase } from '../db/client.ts'
import type { Database } from '../db/client.ts'
import { migrate } from '../db/migrate.ts'
import { createLedgerStore } from '../db/stores/ledger-store.ts'
import { createPayoutStore } from '../db/stores/payout-store.ts'
import type { PaymentProvider } from '../domain/ports/payment-provider.ts'
import type { PayoutStore } from '../domain/ports/payout-store.ts'
import { approvePayouts } from '../operations/approve-payouts.ts'
import { batchPayouts } from '../operations/batch-payouts.ts'
import { submitPayouts } from '../operations/submit-payouts.ts'
import { verifyBooks } from '../operations/verify-books.ts'
import { createSystemClock } from '../platform/clock/system-clock.ts'
import { startEmbeddedPostgres } from '../platform/embedded/postgres.ts'
import { makePayoutBook } from '../test/support/payout-book.ts'
import { cpuSecondsOf, parentOf } from './processor-time.ts'

type Plan = { size: number; batch: number; parallel: number; concurrency: number; flush: number }

/** Calls of each store method: how many, and how long they took in all. */
type Tally = Map<string, { calls: number; ms: number }>

async function main(): Promise<void> {
  const plan = readPlan()
  const folder = await mkdtemp(join(tmpdir(), 'groundstop-bench-'))
  // The server's user must pass through it when the benchmark runs as root.
  await chmod(folder, 0o755)
  const { DATABASE_URL } = process.env
  const postgres =
    DATABASE_URL === undefined
      ? await startEmbeddedPostgres({
          folder,
          port: { port: 0, isExplicit: false },
          isDurable: true,
        })
      : null
  const rail = await startRail()
  try {
    await run(plan, DATABASE_URL ?? postgres?.url ?? '', rail.url)
  } finally {
    rail.process.kill('SIGTERM')
    await postgres?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      size: { type: 'string', default: '10000' },
      batch: { type: 'string', default: '500' },
      parallel: { type: 'string', default: '4' },
      concurrency: { type: 'string', default: '32' },
      flush: { type: 'string', default: '100' },
    },
  })
  const { size, batch, parallel, concurrency, flush } = values
  return {
    size: Number(size),
    batch: Number(batch),
    parallel: Number(parallel),
    concurrency: Number(concurrency),
    flush: Number(flush),
  }
}

async function run(plan: Plan, serverUrl: string, railUrl: string): Promise<void> {
  const url = await createEmptyDatabase(serverUrl)
  await using db = createDatabase(url, { max: 10 })
  await migrate(db)
  await makePayoutBook(db, { size: plan.size })
  await using payments = createStripePayments({
    apiKey: 'sk_test_bench',
    baseUrl: railUrl,
    concurrency: plan.concurrency,
  })
  const tally: Tally = new Map()
  const payoutStore = timed(createPayoutStore(db), tally)
  const server = await serverProcess(db)
  const startedMs = performance.now()
  const startedCpu = process.cpuUsage()
  const serverStarted = cpuSecondsOf(server)
  const settled = await payAll({ payoutStore, payments }, plan)
  const seconds = (performance.now() - startedMs) / 1_000
  const cpu = process.cpuUsage(startedCpu)
  const cpuSeconds = (cpu.user + cpu.system) / 1_000_000
  const serverSeconds = cpuSecondsOf(server) - serverStarted
  const { breaks } = await verifyBooks({ ledgerStore: createLedgerStore(db) })
  report(plan, { settled, seconds, cpuSeconds, serverSeconds, tally, breaks: breaks.length })
  if (settled !== plan.size || breaks.length > 0) process.exitCode = 1
}

async function payAll(
  stores: { payoutStore: PayoutStore; payments: PaymentProvider },
  plan: Plan,
): Promise<number> {
  const deps = { ...stores, clock: createSystemClock() }
  const { batchIds } = await batchPayouts(deps, { batchSize: plan.batch })
  let settled = 0
  const payBatches = async (): Promise<void> => {
    for (let batchId = batchIds.shift(); batchId !== undefined; batchId = batchIds.shift()) {
      await approvePayouts(deps, { batchId })
      const options = { concurrency: plan.concurrency, flushSize: plan.flush }
      const standing = await submitPayouts(deps, { batchId }, options)
      settled += standing.settled
    }
  }
  await Promise.all(Array.from({ length: plan.parallel }, payBatches))
  return settled
}

/** PostgreSQL's first process, whose children are its sessions; this machine's. */
async function serverProcess(db: Database): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
  return parentOf(rows[0]?.pid ?? 0)
}

type Result = {
  readonly settled: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly serverSeconds: number
  readonly tally: Tally
  readonly breaks: number
}

function report(plan: Plan, result: Result): void {
  const { settled, seconds, cpuSeconds, serverSeconds, tally, breaks } = result
  const calls = [...tally.values()].reduce((sum, one) => sum + one.calls, 0)
  const databaseMs = [...tally.values()].reduce((sum, one) => sum + one.ms, 0)
  console.log(`${settled} of ${plan.size} payouts settled in ${seconds.toFixed(2)} s`)
  console.log(`${Math.round(settled / seconds)} payouts/s`)
  console.log(
    `${cpuSeconds.toFixed(2)} s of processor time in the sender, ${serverSeconds.toFixed(2)} s in PostgreSQL`,
  )
  console.log(`${calls} queries, ${(databaseMs / 1_000).toFixed(2)} s of waiting for them in all`)
  for (const [name, { calls: count, ms }] of tally) {
    console.log(`  ${name}: ${count} x ${(ms / count).toFixed(1)} ms`)
  }
  console.log(`${breaks} breaks in the book`)
}

/** The store, with every call counted and timed. */
function timed(store: PayoutStore, tally: Tally): PayoutStore {
  return new Proxy(store, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver)
      if (typeof method !== 'function' || typeof name !== 'string') return method
      return async (...args: unknown[]) => {
        const startedMs = performance.now()
        const answers = args[0]
        const result: unknown = await method.apply(target, args)
        // An empty group of answers makes no statement.
        if (Array.isArray(answers) && answers.length === 0) return result
        const entry = tally.get(name) ?? { calls: 0, ms: 0 }
        tally.set(name, { calls: entry.calls + 1, ms: entry.ms + performance.now() - startedMs })
        return result
      }
    },
  })
}

async function createEmptyDatabase(serverUrl: string): Promise<string> {
  const name = `bench_payouts_${Date.now()}`
  await using server: Database = createDatabase(serverUrl, { max: 1 })
  await sql`create database ${sql.id(name)}`.execute(server)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

async function startRail(): Promise<{ process: ChildProcess; url: string }> {
  const entry = new URL('../simulator/main.ts', import.meta.url)
  const args = [entry.pathname, 'payments', '--port', '0']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout })) {
    const { listening } = JSON.parse(line) as { listening: string } // the simulator's first line
    return { process: child, url: listening }
  }
  throw new Error('the payment server did not start')
}

await main()
