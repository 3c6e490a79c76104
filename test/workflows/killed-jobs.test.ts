/**
 * Jobs of every family whose worker is killed in the middle of a step: a new worker takes them up, and
 * what they leave behind is what they leave without the kill. The new worker is killed as well, in the
 * middle of others, or of a later step of the same. Real processes on both sides.
 */
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it, test, vi } from 'vitest'

import { createDatabase, type Database } from '../../db/client.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { manualClock } from '../support/builders.ts'
import { createTestDatabase } from '../support/database.ts'
import { KILLED_JOBS, stateAfter, type KilledJob } from '../support/killed-jobs.ts'
import {
  agedLogsLeft,
  logDraft,
  onAgedLogGone,
  payloadRing,
  payloadRingPath,
  placeAgedLogs,
  webhookRingPath,
} from '../support/killed-jobs-files.ts'
import { HELD, HELD_TABLE, NOW, seedForKill, type SeededIds } from '../support/killed-jobs-seed.ts'
import { ChangingKeys } from '../support/payload-keys.ts'
import { startPaymentRig } from '../support/payment-rig.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { createWorkerProcesses, type WorkerProcess } from '../support/worker-process.ts'

const QUEUES = 'maintenance,reports,notifications,monitoring'
/** Shorter than a transaction may be idle. */
const PATIENCE = { timeout: 45_000, interval: 20 }
const TABLES = ['dead_letter', 'quote'] as const

const FIRST = KILLED_JOBS.filter(({ isSecond }) => isSecond !== true)
const SECOND = KILLED_JOBS.filter(({ isSecond }) => isSecond === true)
const HELD_JOBS = KILLED_JOBS.filter(({ hold }) => hold !== undefined)

type Installation = {
  readonly rig: TemporalRig
  readonly db: Database
  readonly url: string
  readonly home: string
  readonly ids: SeededIds
  readonly startWorker: () => Promise<WorkerProcess>
}

const stack = new AsyncDisposableStack()
let receiver: Server
let received: string[]
let unharmed: Record<string, unknown>
let killed: Record<string, unknown>
let attempts: Record<string, number>
/** Between the kill and the next worker. */
let halfBuilt: string[]
let agedLogs: number

beforeAll(async () => {
  received = []
  receiver = createServer((request, response) => {
    received.push(String(request.headers['webhook-id']))
    response.end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  stack.defer(() => void receiver.close())
  const rail = stack.use(await startPaymentRig(manualClock(NOW)))
  await fetch(new URL('/v1/transfers', rail.url), {
    method: 'POST',
    headers: {
      authorization: 'Bearer sk_test_1',
      'content-type': 'application/x-www-form-urlencoded',
      'idempotency-key': 'stray',
    },
    body: 'amount=12300&currency=usd&destination=acct_stray',
  }).then(({ status }) => expect(status).toBe(200))
  const [calm, stormy] = await Promise.all([install(rail.url), install(rail.url)])
  await Promise.all([runUnharmed(calm), runKilled(stormy)])
  unharmed = await stateAfter(calm.db, calm.home)
  killed = await stateAfter(stormy.db, stormy.home)
}, 180_000)
afterAll(() => stack.disposeAsync())

async function install(railUrl: string): Promise<Installation> {
  const keys = new ChangingKeys(payloadRing())
  const rig = stack.use(await createTemporalRig(services().temporalAddress, undefined, keys))
  const { db, url } = stack.use(await createTestDatabase())
  const { namespace } = rig
  const workers = stack.use(
    await createWorkerProcesses({ namespace, databaseUrl: url, isEncrypted: true }),
  )
  const { home } = workers
  const ids = await seedForKill(db, home)
  const { port } = receiver.address() as AddressInfo // it listens on TCP
  const env = {
    SCHEDULER_ENABLED: 'false',
    TASK_EXECUTOR_CONCURRENCY: '20',
    DATABASE_POOL_MAX: '32',
    STRIPE_API_URL: railUrl,
    // Nobody listens there.
    AEROAPI_URL: 'http://127.0.0.1:9',
    NOTIFY_WEBHOOK_URL: `http://127.0.0.1:${port}/`,
    NOTIFY_WEBHOOK_KEYS_FILE: webhookRingPath(home),
    PAYLOAD_KEYS_FILE: payloadRingPath(home),
  }
  return { rig, db, url, home, ids, startWorker: () => workers.start(QUEUES, env) }
}

async function start({ rig, ids }: Installation, jobs: readonly KilledJob[]) {
  return Promise.all(
    jobs.map(async ({ name, job, input }) => {
      const { workflowId } = await startJob(rig, { job, input: input(ids), trigger: 'api' })
      return { name, handle: rig.client.workflow.getHandle(workflowId) }
    }),
  )
}

type Started = Awaited<ReturnType<typeof start>>

/** Each ends well, at its first run: retries of a step are no retries of the run. */
async function untilEnded(runs: Started): Promise<void> {
  const ends = await Promise.allSettled(runs.map(({ handle }) => handle.result()))
  const failed = ends.flatMap((end, i) =>
    end.status === 'rejected' ? [{ name: runs[i]?.name, cause: String(end.reason.cause) }] : [],
  )
  expect(failed).toEqual([])
}

/** The relay's batches are runs of their own. */
async function untilSent(db: Database): Promise<void> {
  await vi.waitFor(async () => {
    const { rows } = await sql`
      select content->>'subject' as subject from notification where state = 'QUEUED'`.execute(db)
    expect(rows).toEqual([])
  }, PATIENCE)
}

async function runUnharmed(calm: Installation): Promise<void> {
  await calm.startWorker()
  await untilEnded(await start(calm, FIRST))
  await placeAgedLogs(calm.home)
  await untilEnded(await start(calm, ownRuns(SECOND)))
  await untilSent(calm.db)
}

function ownRuns(jobs: readonly KilledJob[]): KilledJob[] {
  return jobs.filter(({ goesOnFrom }) => goesOnFrom === undefined)
}

async function runKilled(stormy: Installation): Promise<void> {
  const { db, url } = stormy
  await setHolds(db)
  await using early = createDatabase(url, { max: 1 })
  await using late = createDatabase(url, { max: 1 })
  await late.connection().execute(async (locks) => {
    await takeHolds(locks, SECOND)
    const runs = await early.connection().execute((lock) => killFirst(stormy, lock))
    attempts = await attemptsOf(runs)
    const second = await stormy.startWorker()
    const isSlow = ({ name }: { name: string }) => SLOW.some((one) => one === name)
    await untilEnded(runs.filter((run) => !isSlow(run)))
    runs.push(...(await killSecond(stormy, second, runs)))
    attempts = { ...attempts, ...(await attemptsOf(runs.filter(({ name }) => isOfSecond(name)))) }
    await sql`select pg_advisory_unlock_all()`.execute(locks)
    await stormy.startWorker()
    await untilEnded(runs)
  })
  await untilSent(db)
}

/** Steps whose heartbeats are waited for longest, and a run that is killed again. */
const SLOW = [
  'maintenance: reindex',
  'maintenance: vacuum',
  'notification',
  'reconciliation',
  'secret-rotation: payloads',
]

function isOfSecond(name: string): boolean {
  return SECOND.some((one) => one.name === name)
}

async function killFirst(stormy: Installation, lock: Database): Promise<Started> {
  const { db, home } = stormy
  const victim = await stormy.startWorker()
  const runs: Started = []
  await takeHolds(lock, FIRST)
  await sql`select pg_advisory_lock(${HELD}, ${HELD_TABLE})`.execute(lock)
  const begin = async (which: (job: KilledJob) => boolean): Promise<void> => {
    runs.push(...(await start(stormy, FIRST.filter(which))))
    const known = runs.map(({ name }) => name)
    const held = HELD_JOBS.map(({ name }) => name).filter((name) => known.includes(name))
    await vi.waitFor(async () => expect(await heldSteps(db)).toEqual(held.toSorted()), PATIENCE)
  }
  await begin(({ isFirst }) => isFirst === true)
  await begin(
    ({ hold, isFirst, isShort }) => hold !== undefined && isFirst !== true && isShort !== true,
  )
  await lock.transaction().execute(async (trx) => {
    for (const table of TABLES)
      await sql`lock table ${sql.table(table)} in access exclusive mode`.execute(trx)
    // A rebuild makes its new index, and then waits for those who write.
    await sql`lock table rail_hold in row exclusive mode`.execute(trx)
    await begin(({ hold, isShort }) => hold === undefined && isShort !== true)
    await vi.waitFor(async () => {
      expect(await awaitedTables(db)).toEqual([...TABLES])
      expect(await maintenanceAtWork(db)).toBe(1)
    }, PATIENCE)
    await begin(({ isShort }) => isShort === true)
    await vi.waitFor(async () => {
      expect(await halfBuiltIndexes(db)).not.toEqual([])
      await access(logDraft(home))
    }, PATIENCE)
    victim.kill('SIGKILL')
    await once(victim, 'exit')
    // What a worker that is gone has asked for is not gone on with.
    await vi.waitFor(async () => expect(await maintenanceAtWork(db)).toBe(0), PATIENCE)
    halfBuilt = await halfBuiltIndexes(db)
  })
  await sql`select pg_advisory_unlock_all()`.execute(lock)
  return runs
}

/** Beside what goes on to its next step. Files go last: nothing but the kill stops them. */
async function killSecond(
  stormy: Installation,
  victim: WorkerProcess,
  earlier: Started,
): Promise<Started> {
  const { db, home } = stormy
  await placeAgedLogs(home)
  const isHeld = ({ hold }: KilledJob) => hold !== undefined
  const runs = await start(stormy, ownRuns(SECOND).filter(isHeld))
  for (const { name, goesOnFrom } of SECOND) {
    const before = earlier.find((run) => run.name === goesOnFrom)
    if (before !== undefined) runs.push({ ...before, name })
  }
  const known = SECOND.filter(isHeld).map(({ name }) => name)
  await vi.waitFor(async () => expect(await heldSteps(db)).toEqual(known.toSorted()), PATIENCE)
  using _watcher = killWhenAgedLogsGo(home, victim)
  const exit = once(victim, 'exit')
  runs.push(
    ...(await start(
      stormy,
      SECOND.filter((one) => !isHeld(one)),
    )),
  )
  await exit
  agedLogs = await agedLogsLeft(home)
  return runs
}

function killWhenAgedLogsGo(home: string, victim: WorkerProcess): Disposable {
  const watcher = onAgedLogGone(home, () => victim.kill('SIGKILL'))
  return { [Symbol.dispose]: () => watcher.close() }
}

/** Steps wait in the statement that writes the row, for as long as the test has the lock. */
async function setHolds(db: Database): Promise<void> {
  await sql`
    create function hold_step() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(${sql.lit(HELD)}, tg_argv[0]::int);
      return case tg_op when 'DELETE' then old else new end;
    end $$`.execute(db)
  for (const [at, { hold }] of HELD_JOBS.entries()) {
    if (hold === undefined) continue
    const { on, event, when } = hold
    const trigger = `create trigger a_hold_${at} before ${event} on ${on} for each row
      when (${when}) execute function hold_step(${at})`
    await sql.raw(trigger).execute(db)
  }
}

async function takeHolds(lock: Database, jobs: readonly KilledJob[]): Promise<void> {
  for (const [at, job] of HELD_JOBS.entries()) {
    if (jobs.includes(job)) await sql`select pg_advisory_lock(${HELD}, ${at})`.execute(lock)
  }
}

async function heldSteps(db: Database): Promise<string[]> {
  const { rows } = await sql<{ at: number }>`
    select distinct objid::int as at from pg_locks
    where locktype = 'advisory' and classid = ${HELD} and not granted order by 1`.execute(db)
  return rows.map(({ at }) => HELD_JOBS[at]?.name ?? '').toSorted()
}

async function maintenanceAtWork(db: Database): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from pg_stat_activity
    where datname = current_database() and state = 'active'
      and query ~ '^(reindex|vacuum)'`.execute(db)
  return rows[0]?.n ?? 0
}

async function halfBuiltIndexes(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select i.relname as name from pg_index x join pg_class i on i.oid = x.indexrelid
    where not x.indisvalid order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

async function awaitedTables(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select distinct c.relname as name from pg_locks k join pg_class c on c.oid = k.relation
    where not k.granted order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

/** As the server has them while no worker is there. */
async function attemptsOf(runs: Started): Promise<Record<string, number>> {
  const all = await Promise.all(
    runs.map(async ({ name, handle }) => {
      const { raw } = await handle.describe()
      return [name, raw.pendingActivities?.length ?? 0] as const
    }),
  )
  return Object.fromEntries(all)
}

it('kills each of them in the middle of a step', () => {
  expect(attempts).toEqual(Object.fromEntries(KILLED_JOBS.map(({ name }) => [name, 1])))
})

const withRows = KILLED_JOBS.filter(({ state }) => state !== undefined).map(({ name }) => name)

test.each(withRows)('%s leaves the rows that it leaves without the kill', (name) => {
  expect(killed[name]).toEqual(unharmed[name])
  expect(killed[name]).not.toEqual([])
})

it('leaves the same files', () => {
  expect(killed['files']).toEqual(unharmed['files'])
})

it('tells the receiver of a message again under the same id', () => {
  // Of the message by hand and that of the relay; once by the one installation, more often by the other.
  expect(received.length).toBeGreaterThan(4)
  expect(new Set(received).size).toBe(2)
})

it('finds and removes the index that a killed rebuild left half built', () => {
  expect(halfBuilt).toContain('rail_hold_pkey_ccnew')
})

it('is killed when some files have gone and others have not', () => {
  expect(agedLogs).toBeGreaterThan(0)
  expect(agedLogs).toBeLessThan(10_000)
})
