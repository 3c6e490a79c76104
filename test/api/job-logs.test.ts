/** Log lines of runs, from a real worker to whoever reads them. */
import { once } from 'node:events'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { createRunStore } from '../../db/stores/run-store.ts'
import type { Page } from '../../domain/ports/page.ts'
import type { RunLine } from '../../domain/ports/run-log.ts'
import { instantFromMs } from '../../domain/time.ts'
import { rebuildRuns } from '../../operations/project-runs.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { projectionDeps } from '../support/projection-deps.ts'
import { runCommand } from '../support/read-commands.ts'
import { services } from '../support/services.ts'
import { createWorkerProcesses } from '../support/worker-process.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const RUN_ID = 'flight-monitor:all'
const PATH = `/api/admin/scheduler/jobs/${RUN_ID}/logs`
const PATIENCE = { timeout: 60_000, interval: 200 }

let api: ApiRig
let workers: Awaited<ReturnType<typeof createWorkerProcesses>>

beforeAll(async () => {
  api = await createApiRig()
  const { namespace, database } = api
  workers = await createWorkerProcesses({ namespace, databaseUrl: database.url })
})
afterAll(async () => {
  await workers[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

async function linesAt(path: string): Promise<readonly RunLine[]> {
  const { status, body } = await api.ask('GET', path)
  expect(status).toBe(200)
  return (body as Page<RunLine>).items
}

it('of a tick are readable a moment after, also once the kept runs were made anew', async () => {
  expect(await linesAt(PATH)).toEqual([])
  const worker = await workers.start('monitoring', { LOG_LEVEL: 'info' })
  const start = { job: 'flight-monitor', input: {}, trigger: 'api' } as const
  const { workflowId } = await startJob({ client: api.client }, start)
  expect(workflowId).toBe(RUN_ID)
  const handle = api.client.workflow.getHandle(workflowId)
  await handle.result()
  const { runId } = await handle.describe()
  const steps = async () => (await linesAt(PATH)).map(({ event, data }) => ({ event, data }))
  const data = { step: 'startPayouts', attempt: 1, durationMs: expect.any(Number) }
  await expect.poll(steps, PATIENCE).toContainEqual({ event: 'step-done', data })
  const lines = await linesAt(PATH)
  expect(new Set(lines.map((line) => line.runId))).toEqual(new Set([runId]))
  expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted())
  // A worker that is stopped writes what it still has.
  worker.kill('SIGTERM')
  await once(worker, 'exit')
  const deps = projectionDeps(api.client, api.database.db)
  const runStore = createRunStore(api.database.db)
  await rebuildRuns({ ...deps, runStore, serverRetentionDays: 1 })
  expect(await linesAt(PATH)).toEqual(expect.arrayContaining([...lines]))
  expect(await linesAt(`${PATH}?level=error`)).toEqual([])
  expect(await linesAt(`${PATH}?runId=${runId}&limit=1`)).toHaveLength(1)
}, 240_000)

it('are followed until the run has ended', async () => {
  const worker = await workers.start('monitoring', { LOG_LEVEL: 'info' })
  const input = { policyId: 'no-such-policy' }
  const start = { job: 'flight-monitor', input, trigger: 'api' } as const
  // Begins while it is followed already.
  const executeAt = instantFromMs(Date.now() + 3_000)
  const { workflowId } = await startJob({ client: api.client }, { ...start, executeAt })
  const { out, error } = await runCommand(
    api.database.url,
    ['jobs', 'logs', workflowId, '--follow', '--json'],
    { TEMPORAL_ADDRESS: services().temporalAddress, TEMPORAL_NAMESPACE: api.namespace },
  )
  expect(error).toBeNull()
  const { status } = await api.client.workflow.getHandle(workflowId).describe()
  expect(status.name).not.toBe('RUNNING')
  const printed = out.trim().split('\n')
  expect(printed).toHaveLength(new Set(printed).size)
  const kept = await linesAt(`/api/admin/scheduler/jobs/${workflowId}/logs`)
  expect(kept.length).toBeGreaterThan(0)
  expect(printed.map((line) => JSON.parse(line) as unknown)).toEqual(kept)
  worker.kill('SIGTERM')
}, 120_000)

it.each(['level=loud', 'since=yesterday', 'runId=7', 'limit=0', 'cursor=x'])(
  'are not looked for by %s',
  async (query) => {
    expect((await api.ask('GET', `${PATH}?${query}`)).status).toBeGreaterThanOrEqual(400)
  },
)
