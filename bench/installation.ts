/**
 * A whole installation for a benchmark, on free loopback ports in a temporary folder: durable embedded
 * PostgreSQL that counts statements, Temporal server, local providers and one worker, each a process.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'

import { WORKER_MEMORY } from '../cli/start/parts.ts'
import { createDatabase, type Database } from '../db/client.ts'
import { migrate } from '../db/migrate.ts'
import { createClockStore, type ClockStore } from '../db/stores/clock-store.ts'
import type { Instant } from '../domain/time.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../platform/embedded/postgres.ts'
import { findTemporalProgram, TEMPORAL_CLI } from '../platform/embedded/temporal-binary.ts'
import { startEmbeddedTemporal } from '../platform/embedded/temporal-server.ts'
import { workflowBundle } from '../workers/bundle.ts'
import { cpuSecondsOf } from './processor-time.ts'

const COMMAND_LINE = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
const ANY_PORT = { port: 0, isExplicit: false } as const
const READY_MS = 60_000

export type Installation = AsyncDisposable & {
  readonly db: Database
  readonly clock: ClockStore
  readonly temporalAddress: string
  /** The log of money moved, one JSON line a transfer. */
  readonly moneyLog: string
  readonly flightsUrl: string
  /** The worker's highest resident set since it was last asked for. Bytes. */
  readonly takeWorkerPeakRss: () => number
  /** Processor time that each part has used so far. Seconds. */
  readonly cpuSeconds: () => Readonly<Record<string, number>>
}

/** What is there before the worker comes up. */
export type Unattended = {
  readonly db: Database
  readonly databaseUrl: string
  readonly clock: ClockStore
  readonly paymentsUrl: string
  readonly home: string
}

/** How an installation differs from one with an empty book whose jobs are scheduled. */
export type InstallationOptions = {
  /** Fills the book while nobody works on it. */
  readonly prepare?: (unattended: Unattended) => Promise<void>
  /** Of the worker. */
  readonly env?: NodeJS.ProcessEnv
}

/** Starts everything with the clock stopped at `now`; `legPack` is what the flight server serves. */
export async function startInstallation(
  legPack: string,
  now: Instant,
  { prepare, env: extra = {} }: InstallationOptions = {},
): Promise<Installation> {
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'groundstop-bench-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  // The database's user must pass through it when the benchmark runs as root.
  await chmod(folder, 0o755)
  const packFile = join(folder, 'flights.txt')
  await writeFile(packFile, legPack)

  const postgres = stack.use(await startCountingPostgres(join(folder, 'postgres')))
  const db = stack.use(createDatabase(postgres.url, { max: 4, applicationName: 'bench' }))
  await migrate(db)
  await sql`create extension if not exists pg_stat_statements`.execute(db)
  const clock = createClockStore(db)
  await clock.set({ now, speed: 0 })
  const temporal = stack.use(await startTemporal(folder))
  const clockServer = await serveClock(clock)
  stack.defer(() => void clockServer.close())
  const clockUrl = addressOf(clockServer)

  const home = join(folder, 'home')
  const env = { ...process.env, GROUNDSTOP_HOME: home }
  // As in production: a worker finds its bundle built.
  await workflowBundle(join(home, 'cache'))
  const launch = (name: string, args: readonly string[], extra: NodeJS.ProcessEnv = {}) => {
    const log = openSync(join(folder, `${name}.log`), 'w')
    const child = spawn(process.execPath, [COMMAND_LINE, ...args], {
      env: { ...env, ...extra },
      stdio: ['ignore', 'pipe', log],
    })
    stack.defer(() => stop(child))
    return child
  }
  const moneyLog = join(folder, 'money.jsonl')
  const flights = launch('flights', [
    ...['simulator', 'flights', '--flights', packFile, '--clock', clockUrl],
  ])
  const payments = launch('payments', [
    ...['simulator', 'payments', '--log', moneyLog, '--clock', clockUrl],
  ])
  const services = {
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    AEROAPI_URL: await listening(flights),
    AEROAPI_KEY: 'bench',
    AEROAPI_RATE_PER_S: '100000',
    STRIPE_API_URL: await listening(payments),
    STRIPE_API_KEY: 'sk_test_bench',
    SCHEDULER_ENABLED: 'true',
    METRICS_PORT: '0',
    LOG_LEVEL: 'warn',
    ...extra,
  }
  const { STRIPE_API_URL: paymentsUrl } = services
  await prepare?.({ db, databaseUrl: postgres.url, clock, paymentsUrl, home })
  const worker = launch('worker', ['worker'], { ...services, ...WORKER_MEMORY })
  await firstLine(worker)
  const owned = stack.move()
  return {
    db,
    clock,
    moneyLog,
    temporalAddress: temporal.address,
    flightsUrl: services.AEROAPI_URL,
    cpuSeconds: () => {
      const parts = { worker, flights, payments, temporal, postgres }
      return Object.fromEntries(
        Object.entries(parts).map(([name, part]) => [name, cpuSecondsOf(part.pid ?? 0)]),
      )
    },
    takeWorkerPeakRss: () => takePeakRss(worker.pid ?? 0),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The statement counter is a library that the server loads at start: configured, then restarted. */
async function startCountingPostgres(folder: string): Promise<EmbeddedPostgres> {
  const options = { folder, port: ANY_PORT, isDurable: true }
  {
    await using first = await startEmbeddedPostgres(options)
    await using db = createDatabase(first.url, { max: 1 })
    await sql`alter system set shared_preload_libraries = 'pg_stat_statements'`.execute(db)
    await sql`alter system set pg_stat_statements.track = 'top'`.execute(db)
  }
  return startEmbeddedPostgres(options)
}

async function startTemporal(folder: string): ReturnType<typeof startEmbeddedTemporal> {
  const program = await findTemporalProgram(TEMPORAL_CLI, {
    env: process.env,
    onProgress: (text) => process.stderr.write(`${text}\n`),
  })
  return startEmbeddedTemporal({
    program,
    port: ANY_PORT,
    uiPort: ANY_PORT,
    namespace: 'default',
    databaseFile: join(folder, 'temporal.db'),
    logFile: join(folder, 'temporal.log'),
    searchAttributes: {},
    retentionDays: 1,
  })
}

/** `GET /api/clock` as the API answers it, for the providers. */
async function serveClock(clock: ClockStore): Promise<Server> {
  const server = createServer((_request, response) => {
    clock.read().then(
      (reading) =>
        response.setHeader('content-type', 'application/json').end(JSON.stringify(reading)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function addressOf(server: Server): string {
  // A listening TCP server's address is an object, never a pipe's name.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The URL in the `{"listening": URL}` line that a local provider prints when it is ready. */
async function listening(child: ChildProcess): Promise<string> {
  return (JSON.parse(await firstLine(child)) as { listening: string }).listening
}

/** The first JSON line that a child prints: it is ready then. Rejects when it ends before. */
async function firstLine(child: ChildProcess): Promise<string> {
  const signal = AbortSignal.timeout(READY_MS)
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
  for (;;) {
    const line = text
      .split('\n')
      .slice(0, -1)
      .find((candidate) => candidate.startsWith('{'))
    if (line !== undefined) return line
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended: ${text}`)
    await sleep(50, undefined, { signal })
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await Promise.race([ended, sleep(20_000).then(() => child.kill('SIGKILL'))])
}

function takePeakRss(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = /^VmHWM:\s+(?<kb>\d+) kB$/m.exec(status)?.groups?.['kb'] ?? '0'
  // 5 resets the peak to the present resident set, see proc(5).
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return Number(kilobytes) * 1024
}
