/** What the scheduler's status says of workers that died and of runs that are stuck. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { NativeConnection, Worker } from '@temporalio/worker'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { createRunReads } from '../../db/stores/run-reads.ts'
import { projectRuns } from '../../operations/project-runs.ts'
import { projectionDeps } from '../support/projection-deps.ts'
import '../support/quiet-runtime.ts'
import { services } from '../support/services.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const STATUS = '/api/admin/scheduler/status'

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig()
})
afterAll(() => rig[Symbol.asyncDispose]())

type Status = { workers: { total: number }; stuckRuns: { id: string; type: string }[] }

async function status(): Promise<Status> {
  return (await rig.ask('GET', STATUS)).body as Status
}

it('a worker that was killed is no longer counted', async () => {
  const program = fileURLToPath(new URL('../support/lonely-worker.ts', import.meta.url))
  const args = [program, services().temporalAddress, rig.namespace]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    await expect.poll(async () => (await status()).workers.total, { timeout: 20_000 }).toBe(7)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  const { workersInfo } = await rig.client.workflowService.listWorkers({
    namespace: rig.namespace,
    query: 'WorkerStatus = "Running"',
  })
  // The server itself still lists it.
  expect(workersInfo).toHaveLength(1)
  await expect
    .poll(async () => (await status()).workers.total, { timeout: 30_000, interval: 1_000 })
    .toBe(0)
}, 90_000)

it('a run whose code fails over and over is told, and kept as stuck', async () => {
  const connection = await NativeConnection.connect({ address: services().temporalAddress })
  const worker = await Worker.create({
    connection,
    namespace: rig.namespace,
    taskQueue: 'monitoring',
    workflowsPath: fileURLToPath(new URL('../support/stuck-workflow.ts', import.meta.url)),
  })
  await worker.runUntil(async () => {
    const handle = await rig.client.workflow.start('flightMonitor', {
      args: [{}],
      taskQueue: 'monitoring',
      workflowId: 'flight-monitor:stuck',
    })
    await expect
      .poll(async () => (await status()).stuckRuns, { timeout: 120_000, interval: 2_000 })
      .toEqual([
        { id: 'flight-monitor:stuck', runId: handle.firstExecutionRunId, type: 'FLIGHT_MONITOR' },
      ])
    await projectRuns(projectionDeps(rig.client, rig.database.db), { isFull: true })
    const reads = createRunReads(rig.database.db)
    const { items } = await reads.list({ workflowId: 'flight-monitor:stuck' }, { limit: 1 })
    expect(items).toMatchObject([{ isStuck: true, status: 'running' }])
    await handle.terminate('seen')
  })
  await connection.close()
  await expect.poll(async () => (await status()).stuckRuns, { timeout: 20_000 }).toEqual([])
}, 180_000)
