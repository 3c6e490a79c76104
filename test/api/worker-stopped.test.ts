/** A real worker process told to stop: what is at work ends within the grace, the rest goes on elsewhere. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

import temporalProto from '@temporalio/proto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { createMaintenanceActivities } from '../../activities/maintenance.ts'
import { createDatabaseCare } from '../../db/stores/database-care.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { createWorkerProcesses } from '../support/worker-process.ts'

const { PENDING_ACTIVITY_STATE_STARTED: STARTED } =
  temporalProto.temporal.api.enums.v1.PendingActivityState

/** Signals that are less apart than half a second are one wish. */
const ECHO_MS = 800
const PATIENCE = { timeout: 60_000, interval: 100 }
/** Maintenance waits three seconds for the lock of a table before it leaves it alone. */
const TABLE = 'job_cursor'

let rig: TemporalRig
let database: TestDatabase
let workers: Awaited<ReturnType<typeof createWorkerProcesses>>

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  database = await createTestDatabase()
  const { namespace } = rig
  workers = await createWorkerProcesses({ namespace, databaseUrl: database.url })
})
afterAll(async () => {
  await workers[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
  await rig[Symbol.asyncDispose]()
})

function startWorker(graceMs: number) {
  return workers.start('maintenance', { WORKER_SHUTDOWN_GRACE_MS: String(graceMs) })
}

async function vacuum(times: number) {
  const { workflowId } = await startJob(rig, {
    job: 'maintenance',
    input: { task: 'vacuum', tables: Array.from({ length: times }, () => TABLE) },
    trigger: 'api',
  })
  const handle = rig.client.workflow.getHandle(workflowId)
  const step = async () => {
    const [pending] = (await handle.describe()).raw.pendingActivities ?? []
    return { attempt: pending?.attempt, isAtWork: pending?.state === STARTED }
  }
  return { handle, step }
}

it('lets what is at work end within its grace; cut after it, the step goes on elsewhere', async () => {
  const patient = await startWorker(30_000)
  const first = await vacuumWhileLocked(1, async () => {
    patient.kill('SIGTERM')
    expect(await once(patient, 'exit')).toEqual([0, null])
  })
  // The step was not given back: all that is left of the run is to be told so.
  await expect.poll(first.step, PATIENCE).toEqual({ attempt: undefined, isAtWork: false })
  const hasty = await startWorker(1_000)
  expect(await first.handle.result()).toMatchObject({ skipped: [{ table: TABLE }] })
  const cut = await vacuumWhileLocked(10, async () => {
    const askedAt = performance.now()
    hasty.kill('SIGTERM')
    expect(await once(hasty, 'exit')).toEqual([0, null])
    expect(performance.now() - askedAt).toBeLessThan(10_000)
  })
  // At once, and not after the silence of a worker that died.
  await expect.poll(cut.step, { timeout: 5_000 }).toMatchObject({ attempt: 2 })
  const elsewhere = createMaintenanceActivities({ databaseCare: createDatabaseCare(database.db) })
  await rig.withWorker('maintenance', elsewhere, async () => {
    const result = (await cut.handle.result()) as { done: string[] }
    expect(result.done).toHaveLength(10)
  })
}, 180_000)

it('a second signal ends it at once, in the middle of the grace, and says so', async () => {
  const worker = await startWorker(60_000)
  const run = await vacuumWhileLocked(10, async () => {
    worker.kill('SIGTERM')
    await pause(ECHO_MS)
    expect(worker.exitCode).toBeNull() // the step has its grace
    expect(worker.printed()).not.toContain('second signal')
    const insistedAt = performance.now()
    worker.kill('SIGTERM')
    expect(await once(worker, 'exit')).toEqual([143, null])
    expect(performance.now() - insistedAt).toBeLessThan(5_000)
    expect(worker.printed()).toContain('stopped at once by a second signal, SIGTERM;')
  })
  // The step was neither ended nor given back: the server finds out and lets another worker begin it.
  expect(await run.step()).toEqual({ attempt: 1, isAtWork: true })
  await run.handle.terminate('seen')
}, 120_000)

/** Starts a run, and once its step waits for the table does `work`. */
async function vacuumWhileLocked(times: number, work: () => Promise<void>) {
  return database.db.transaction().execute(async (trx) => {
    await sql`lock table ${sql.id(TABLE)} in access exclusive mode`.execute(trx)
    const run = await vacuum(times)
    await expect.poll(run.step, PATIENCE).toEqual({ attempt: 1, isAtWork: true })
    await work()
    return run
  })
}
