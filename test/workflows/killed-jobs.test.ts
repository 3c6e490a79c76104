/**
 * Jobs of every family whose worker is killed in the middle of a step: a new worker takes them up, and
 * what they leave behind is what they leave without the kill. Real processes on both sides.
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
import {
  KILLED_JOBS,
  logDraft,
  NOW,
  ringPath,
  seedForKill,
  stateAfter,
  type KilledJob,
  type SeededIds,
} from '../support/killed-jobs.ts'
import { startPaymentRig } from '../support/payment-rig.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { createWorkerProcesses, type WorkerProcess } from '../support/worker-process.ts'

const QUEUES = 'maintenance,reports,notifications'
const PATIENCE = { timeout: 60_000, interval: 20 }
/** First key of the locks that steps wait for. */
const HELD = 7_117
const TABLES = ['quote', 'rail_hold'] as const

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
}, 150_000)
afterAll(() => stack.disposeAsync())

async function install(railUrl: string): Promise<Installation> {
  const rig = stack.use(await createTemporalRig(services().temporalAddress))
  const { db, url } = stack.use(await createTestDatabase())
  const { namespace } = rig
  const workers = stack.use(await createWorkerProcesses({ namespace, databaseUrl: url }))
  const { home } = workers
  const ids = await seedForKill(db, home)
  const { port } = receiver.address() as AddressInfo // it listens on TCP
  const env = {
    SCHEDULER_ENABLED: 'false',
    TASK_EXECUTOR_CONCURRENCY: '20',
    DATABASE_POOL_MAX: '24',
    STRIPE_API_URL: railUrl,
    NOTIFY_WEBHOOK_URL: `http://127.0.0.1:${port}/`,
    NOTIFY_WEBHOOK_KEYS_FILE: ringPath(home),
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

async function runUnharmed(calm: Installation): Promise<void> {
  await calm.startWorker()
  await untilEnded(await start(calm, KILLED_JOBS))
}

async function runKilled(stormy: Installation): Promise<void> {
  const { db, url, home } = stormy
  await setHolds(db)
  const victim = await stormy.startWorker()
  const holder = createDatabase(url, { max: 1 })
  const runs: Started = []
  const held = KILLED_JOBS.filter(({ hold }) => hold !== undefined)
  const others = KILLED_JOBS.filter(({ hold }) => hold === undefined)
  await holder.connection().execute(async (lock) => {
    for (const at of held.keys()) await sql`select pg_advisory_lock(${HELD}, ${at})`.execute(lock)
    const [late, first] = [
      held.filter(({ isFirst }) => !isFirst),
      held.filter((one) => one.isFirst),
    ]
    for (const jobs of [first, late]) {
      runs.push(...(await start(stormy, jobs)))
      const known = runs.map(({ name }) => name).toSorted()
      await vi.waitFor(async () => expect(await heldSteps(db)).toEqual(known), PATIENCE)
    }
    await lock.transaction().execute(async (trx) => {
      for (const table of TABLES)
        await sql`lock table ${sql.table(table)} in access exclusive mode`.execute(trx)
      runs.push(...(await start(stormy, others)))
      await vi.waitFor(async () => {
        expect(await awaitedTables(db)).toEqual([...TABLES])
        await access(logDraft(home))
      }, PATIENCE)
      victim.kill('SIGKILL')
      await once(victim, 'exit')
    })
  })
  await holder.destroy()
  attempts = await attemptsOf(runs)
  await stormy.startWorker()
  await untilEnded(runs)
}

/** Steps wait in the statement that writes the row, for as long as the test has the lock. */
async function setHolds(db: Database): Promise<void> {
  await sql`
    create function hold_step() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(${sql.lit(HELD)}, tg_argv[0]::int);
      return case tg_op when 'DELETE' then old else new end;
    end $$`.execute(db)
  const held = KILLED_JOBS.flatMap(({ hold }) => (hold === undefined ? [] : [hold]))
  for (const [at, { on, event, when }] of held.entries()) {
    const trigger = `create trigger a_hold_${at} before ${event} on ${on} for each row
      when (${when}) execute function hold_step(${at})`
    await sql.raw(trigger).execute(db)
  }
}

async function heldSteps(db: Database): Promise<string[]> {
  const { rows } = await sql<{ at: number }>`
    select distinct objid::int as at from pg_locks
    where locktype = 'advisory' and classid = ${HELD} and not granted order by 1`.execute(db)
  const held = KILLED_JOBS.filter(({ hold }) => hold !== undefined)
  return rows.map(({ at }) => held[at]?.name ?? '').toSorted()
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
  const filesOf = (state: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(state).filter(([name]) => name.startsWith('files:')))
  expect(filesOf(killed)).toEqual(filesOf(unharmed))
})

it('tells the receiver of a message again under the same id', () => {
  expect(received).toHaveLength(3)
  expect(new Set(received).size).toBe(1)
})
