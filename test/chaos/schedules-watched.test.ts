/**
 * A schedule every ten seconds on a server that is stopped for several of them: every fire is accounted
 * for afterwards, and what is made up for is never doubled.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { Client, Connection } from '@temporalio/client'
import { NativeConnection, Worker } from '@temporalio/worker'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { createDatabase, type Database } from '../../db/client.ts'
import { migrate } from '../../db/migrate.ts'
import { expectedFires } from '../../domain/expected-fires.ts'
import { addMs, instantFromMs, SECOND_MS, type Instant } from '../../domain/time.ts'
import { findJob, type AnyJob } from '../../jobs/registry.ts'
import { projectRuns } from '../../operations/project-runs.ts'
import { startEmbeddedPostgres } from '../../platform/embedded/postgres.ts'
import { findTemporalProgram, TEMPORAL_CLI } from '../../platform/embedded/temporal-binary.ts'
import {
  startEmbeddedTemporal,
  type EmbeddedTemporal,
} from '../../platform/embedded/temporal-server.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import { ensureSearchAttributes } from '../../platform/temporal/search-attributes.ts'
import { firedWorkflowId } from '../../platform/temporal/watched-schedules.ts'
import { fakePolicyExpiration } from '../support/fake-activities.ts'
import { projectionDeps, type Told } from '../support/projection-deps.ts'
import '../support/quiet-runtime.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const EVERY_MS = 10 * SECOND_MS
const AWAY_MS = 35 * SECOND_MS
const ANY_PORT = { port: 0, isExplicit: false } as const

const stack = new AsyncDisposableStack()
let folder: string
let db: Database
let port = 0

function everyTenSeconds(catchUpMs: number): AnyJob {
  const job = findJob('policy-expiration')
  if (job === undefined) throw new Error('policy-expiration is not in the registry')
  const overlap = 'skip' as const
  const schedule = {
    kind: 'interval',
    everyMs: EVERY_MS,
    pace: 'wall',
    overlap,
    catchUpMs,
    input: {},
  }
  return { ...job, schedule: schedule as AnyJob['schedule'] } as AnyJob
}

async function startServer(): Promise<EmbeddedTemporal> {
  const program = await findTemporalProgram(TEMPORAL_CLI, {
    env: process.env,
    onProgress: () => {},
  })
  const server = await startEmbeddedTemporal({
    program,
    port: port === 0 ? ANY_PORT : { port, isExplicit: true },
    uiPort: ANY_PORT,
    namespace: 'default',
    databaseFile: join(folder, 'temporal.db'),
    logFile: join(folder, 'temporal.log'),
    searchAttributes: {},
    retentionDays: 1,
  })
  port = Number(server.address.split(':')[1])
  return server
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-watch-'))
  await chmod(folder, 0o755)
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const postgres = await startEmbeddedPostgres({
    folder: join(folder, 'postgres'),
    port: ANY_PORT,
    isDurable: false,
  })
  stack.defer(() => postgres.stop())
  db = stack.use(createDatabase(postgres.url))
  await migrate(db)
}, 120_000)

afterAll(() => stack.disposeAsync())

it('accounts for every fire after the server was away for several of them', async () => {
  const told: Told = []
  const job = everyTenSeconds(10 * SECOND_MS)
  const first = await startServer()
  {
    await using live = await connect()
    await ensureSearchAttributes(live.client)
    await applySchedules({ client: live.client }, { speed: 1, jobs: [job] })
    const deps = projectionDeps(live.client, db, { jobs: [job], told })
    await projectRuns(deps, { isFull: true })
    await live.work(() => pause(2 * EVERY_MS + 5 * SECOND_MS))
    await projectRuns(deps, { isFull: true })
  }
  const stopped = instantFromMs(Date.now())
  await first.stop()
  await pause(AWAY_MS)
  const second = await startServer()
  const returned = instantFromMs(Date.now())
  stack.defer(() => second.stop())
  await using live = await connect()
  const deps = projectionDeps(live.client, db, { jobs: [job], told })
  await live.work(() => pause(2 * EVERY_MS + 5 * SECOND_MS))
  await projectRuns(deps, { isFull: true })

  const { rows: marks } = await sql<{ checked_until: Instant; created_at: Instant }>`
    select checked_until, created_at from schedule_watch`.execute(db)
  const [mark] = marks
  if (mark === undefined) throw new Error('nothing was watched')
  const spec = { everyMs: EVERY_MS, wall: null }
  const window = { after: mark.created_at, until: mark.checked_until }
  const expected = expectedFires(spec, window, 1_000)
  expect(expected.at(-1)).not.toBeUndefined()
  expect(mark.checked_until > returned).toBe(true)

  const { rows: ran } = await sql<{ nominal_at: Instant; runs: number }>`
    select nominal_at, count(*) as runs from job_run where nominal_at is not null
    group by nominal_at`.execute(db)
  const { rows: gaps } = await sql<{ nominal_at: Instant; kind: string }>`
    select nominal_at, kind from schedule_gap`.execute(db)
  // Every fire ran once or has its entry, and none of them twice.
  expect(ran.filter(({ runs }) => runs > 1)).toEqual([])
  for (const nominal of expected) {
    const hasRun = ran.some((run) => run.nominal_at === nominal)
    const gap = gaps.find((one) => one.nominal_at === nominal)
    expect({ nominal, isAccounted: hasRun || gap !== undefined }).toMatchObject({
      isAccounted: true,
    })
    const isWellInside = nominal > stopped && nominal < addMs(returned, -EVERY_MS)
    // A run that was open as the server went away ends after its return: fires meanwhile overlap with it.
    if (isWellInside) expect(['missing', 'overlap'], nominal).toContain(gap?.kind)
  }
  expect(told.map(({ event }) => event)).toContain('firesMissed')
  expect(ran.length).toBeGreaterThanOrEqual(3)
}, 240_000)

it('starts a missing run once, under the id that the schedule would give it', async () => {
  await using live = await connect()
  const job = everyTenSeconds(60 * 60 * SECOND_MS)
  const told: Told = []
  const deps = projectionDeps(live.client, db, { jobs: [job], told })
  await applySchedules({ client: live.client }, { speed: 1, jobs: [job] })
  const { rows } = await sql<{ nominal_at: Instant }>`
    select nominal_at from schedule_gap where kind = 'missing'
    order by nominal_at desc limit 1`.execute(db)
  const nominal = rows[0]?.nominal_at
  if (nominal === undefined) throw new Error('nothing is missing')
  const look = async (): Promise<void> => {
    await sql`update schedule_gap set found_at = now() - interval '1 minute'`.execute(db)
    await projectRuns(deps, { isFull: true })
  }
  const healed = () => told.filter(({ event }) => event === 'fireHealed').length
  await live.work(async () => {
    // While a run of the schedule's own is open, nothing is made up for beside it.
    const healedByNow = async () => {
      await look()
      return healed()
    }
    await expect.poll(healedByNow, { timeout: 60_000 }).toBeGreaterThanOrEqual(1)
    await look()
    await look()
  })
  const { rows: runs } = await sql<{ n: number }>`
    select count(*) as n from job_run where nominal_at is not null
    group by nominal_at having count(*) > 1`.execute(db)
  expect(runs).toEqual([])
  // Whoever asks later, open or closed, gets no second one.
  await deps.watched.fire(job.name, nominal)
  expect(await deps.watched.fire(job.name, nominal)).toMatchObject({ kind: 'exists' })
  const handle = live.client.workflow.getHandle(firedWorkflowId(job.name, nominal))
  await handle.terminate('closed').catch(() => undefined) // it may have ended by itself
  expect(await deps.watched.fire(job.name, nominal)).toMatchObject({ kind: 'exists' })
}, 120_000)

/** A client, and a worker that serves the job while `work` goes on. */
async function connect() {
  await using parts = new AsyncDisposableStack()
  const address = `127.0.0.1:${port}`
  const connection = await Connection.connect({ address })
  parts.defer(() => connection.close())
  const native = await NativeConnection.connect({ address })
  parts.defer(() => native.close())
  const owned = parts.move()
  return {
    client: new Client({ connection, namespace: 'default' }),
    async work(during: () => Promise<void>): Promise<void> {
      const worker = await Worker.create({
        connection: native,
        taskQueue: findJob('policy-expiration')?.queue ?? '',
        activities: fakePolicyExpiration(),
        workflowBundle: await testBundle(),
      })
      await worker.runUntil(during)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
