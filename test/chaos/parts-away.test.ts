/**
 * The database, and then every worker, is away for three intervals of a schedule: what should have fired
 * meanwhile ran, was skipped by the schedule's own policy or is an alarm, and nothing is doubled. Real
 * processes; the dead-man's switch itself accounts for them.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { Client, Connection } from '@temporalio/client'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'

import { createDatabase, type Database } from '../../db/client.ts'
import { migrate } from '../../db/migrate.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { expectedFires } from '../../domain/expected-fires.ts'
import { instantFromMs, SECOND_MS, toMs, type Instant } from '../../domain/time.ts'
import { findJob } from '../../jobs/registry.ts'
import { projectRuns } from '../../operations/project-runs.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../platform/embedded/postgres.ts'
import { findTemporalProgram, TEMPORAL_CLI } from '../../platform/embedded/temporal-binary.ts'
import { startEmbeddedTemporal } from '../../platform/embedded/temporal-server.ts'
import { projectionDeps, type Told } from '../support/projection-deps.ts'

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const ANY_PORT = { port: 0, isExplicit: false } as const
const PATIENCE = { timeout: 60_000, interval: 100 }

/** Two minutes of the clock are two seconds: a schedule's interval follows its speed. */
const SPEED = 60
const EVERY_MS = 2 * SECOND_MS
const AWAY_MS = 3 * EVERY_MS
/** What the server needs to start a run and to list it, on a busy machine. */
const JUDGED_AFTER_MS = 4 * SECOND_MS

type Absence = { readonly from: Instant; readonly until: Instant }

const stack = new AsyncDisposableStack()
let folder: string
let postgres: EmbeddedPostgres
let db: Database
let client: Client
let worker: ChildProcess | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-away-'))
  // PostgreSQL's user must pass through it when the tests run as root.
  await chmod(folder, 0o755)
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const [address] = await Promise.all([startTemporal(), startPostgres(ANY_PORT)])
  stack.defer(() => postgres.stop())
  db = stack.use(createDatabase(postgres.url))
  await migrate(db)
  await createClockStore(db).set({ speed: SPEED })
  const connection = await Connection.connect({ address })
  stack.defer(() => connection.close())
  client = new Client({ connection })
  await startWorker(address)
}, 120_000)
afterAll(async () => {
  worker?.kill('SIGKILL')
  await stack.disposeAsync()
})

async function startTemporal(): Promise<string> {
  const server = await startEmbeddedTemporal({
    program: await findTemporalProgram(TEMPORAL_CLI, { env: process.env, onProgress: () => {} }),
    port: ANY_PORT,
    uiPort: ANY_PORT,
    namespace: 'default',
    databaseFile: null,
    logFile: join(folder, 'temporal.log'),
    searchAttributes: {},
    retentionDays: 1,
  })
  stack.defer(() => server.stop())
  return server.address
}

async function startPostgres(port: { port: number; isExplicit: boolean }): Promise<void> {
  const options = { folder: join(folder, 'postgres'), port, isDurable: false }
  postgres = await startEmbeddedPostgres(options)
}

/** The product's worker, which applies the schedules; resolves when it takes tasks. */
async function startWorker(address: string): Promise<void> {
  const child = spawn(process.execPath, [CLI, 'worker', '--queues', 'monitoring'], {
    env: {
      PATH: process.env['PATH'],
      GROUNDSTOP_HOME: folder,
      DATABASE_URL: postgres.url,
      TEMPORAL_ADDRESS: address,
      AEROAPI_KEY: 'test-key',
      STRIPE_API_KEY: 'sk_test_1',
      METRICS_PORT: '0',
      SCHEDULER_JOBS: 'flight-monitor',
      LOG_LEVEL: 'fatal',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  worker = child
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')))
  await vi.waitFor(() => expect(printed).toContain('"ready":true'), PATIENCE)
}

/** Ticks that the server knows to have ended well since. */
async function succeededSince(since: Instant): Promise<number> {
  const { count } = await client.workflow.count(
    `WorkflowType = 'flightMonitor' and ExecutionStatus = 'Completed' and StartTime > '${since}'`,
  )
  return count
}

async function away(stop: () => Promise<void>, comeBack: () => Promise<void>): Promise<Absence> {
  const from = instantFromMs(Date.now())
  await stop()
  const backAtMs = toMs(from) + AWAY_MS + SECOND_MS
  await expect.poll(() => Date.now(), PATIENCE).toBeGreaterThan(backAtMs)
  await comeBack()
  const until = instantFromMs(Date.now())
  // It goes on by itself, in the same processes.
  await expect.poll(() => succeededSince(until), PATIENCE).toBeGreaterThanOrEqual(1)
  return { from, until }
}

function databaseAway(): Promise<Absence> {
  const { port } = postgres
  return away(
    () => postgres.stop(),
    () => startPostgres({ port, isExplicit: true }),
  )
}

function workersAway(address: string): Promise<Absence> {
  return away(
    async () => {
      const killed = worker
      killed?.kill('SIGKILL')
      if (killed !== undefined) await once(killed, 'exit')
    },
    () => startWorker(address),
  )
}

it('accounts for every fire while the database, and then all workers, were away', async () => {
  const job = findJob('flight-monitor')
  if (job === undefined) throw new Error('flight-monitor is not in the registry')
  const told: Told = []
  const deps = projectionDeps(client, db, { jobs: [job], told, judgedAfterMs: JUDGED_AFTER_MS })
  await projectRuns(deps, { isFull: true })
  await expect.poll(() => succeededSince(ROUGHLY_NEVER), PATIENCE).toBeGreaterThanOrEqual(2)
  const absences = [await databaseAway(), await workersAway(addressOf(client))]

  const returned = absences.at(-1)?.until ?? ROUGHLY_NEVER
  const look = async () => {
    await projectRuns(deps, { isFull: true })
    return (await markOf()).checkedUntil > returned
  }
  await expect.poll(look, { timeout: 60_000, interval: 1_000 }).toBe(true)
  const { since, checkedUntil } = await markOf()
  const fires = await accounted({ after: since, until: checkedUntil })
  expect(fires.filter(({ became }) => became === 'forgotten')).toEqual([])
  expect(fires.filter(({ runs }) => runs > 1)).toEqual([])
  for (const { from, until } of absences) {
    const within = fires.filter(({ nominal }) => nominal > from && nominal < until)
    expect(within.length).toBeGreaterThanOrEqual(3)
    // Whatever did not run is said to be skipped by policy, or told as an alarm.
    const alarms = within.filter(({ became }) => became === 'missing')
    if (alarms.length > 0) expect(told.map(({ event }) => event)).toContain('firesMissed')
  }
  // Nobody was away before the first absence, and nothing was expected before the schedule was made.
  const { rows: early } = await sql`
    select g.nominal_at from schedule_gap g where g.schedule_id = 'flight-monitor'
      and g.kind = 'missing' and g.nominal_at < ${absences[0]?.from}::timestamptz`.execute(db)
  expect(early).toEqual([])
}, 200_000)

const ROUGHLY_NEVER = instantFromMs(0)

function addressOf({ connection }: Client): string {
  return (connection as Connection).options.address // it is one of ours
}

async function markOf(): Promise<{ since: Instant; checkedUntil: Instant }> {
  const { rows } = await sql<{ since: Instant; checkedUntil: Instant }>`
    select created_at as since, checked_until as "checkedUntil" from schedule_watch
    where schedule_id = 'flight-monitor'`.execute(db)
  const [mark] = rows
  if (mark === undefined) throw new Error('flight-monitor is not watched')
  return mark
}

type Fire = { readonly nominal: Instant; readonly runs: number; readonly became: string }

/** What became of each fire, computed here once more from the interval alone. */
async function accounted(window: { after: Instant; until: Instant }): Promise<Fire[]> {
  const { rows: ran } = await sql<{ nominal: Instant; runs: number }>`
    select r.nominal_at as nominal, count(distinct r.workflow_id) as runs from job_run r
    where r.schedule_id = 'flight-monitor' group by r.nominal_at`.execute(db)
  const { rows: gaps } = await sql<{ nominal: Instant; kind: string }>`
    select g.nominal_at as nominal, g.kind from schedule_gap g
    where g.schedule_id = 'flight-monitor'`.execute(db)
  return expectedFires({ everyMs: EVERY_MS, wall: null }, window, 1_000).map((nominal) => {
    const runs = ran.find((run) => run.nominal === nominal)?.runs ?? 0
    const gap = gaps.find((one) => one.nominal === nominal)?.kind ?? 'forgotten'
    return { nominal, runs, became: runs > 0 ? 'ran' : gap }
  })
}
