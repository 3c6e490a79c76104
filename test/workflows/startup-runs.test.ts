/** Runs on start-up, on a real server: one for a platform that starts, none where none is wanted. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { MINUTE_MS } from '../../domain/time.ts'
import { ALL_SCHEDULED } from '../../jobs/job-environments.ts'
import { allJobs, findJob, type AnyJob } from '../../jobs/registry.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import { startStartupRuns } from '../../platform/temporal/startup-runs.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'

const NAME = 'provider-health-check'
const PATIENCE = { timeout: 10_000 }

let rig: TemporalRig
let nowMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS

/** It fires once an hour, so that nothing but start-ups starts it. */
function job(change: Partial<AnyJob> = {}): AnyJob {
  const found = findJob(NAME)
  if (found?.schedule?.kind !== 'interval') throw new Error(`${NAME} has no interval`)
  return { ...found, schedule: { ...found.schedule, everyMs: 60 * MINUTE_MS }, ...change }
}

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

/** Each test has minutes of its own, and ends the runs that it leaves open, which lists show a moment later. */
beforeEach(() => {
  nowMs += 10 * MINUTE_MS
})

async function ids(): Promise<string[]> {
  const found: string[] = []
  const open = rig.client.workflow.list({ query: 'ExecutionStatus = "Running"' })
  for await (const { workflowId } of open) found.push(workflowId)
  return found
}

async function startUp(jobs: readonly AnyJob[], atMs: number): Promise<number> {
  const applied = await applySchedules(rig, { speed: 1, jobs })
  return (await startStartupRuns({ ...rig, jobs, nowMs: atMs }, applied, ALL_SCHEDULED)).length
}

test('some job of the registry runs on start-up, and each that does may run at any time', () => {
  const wanted = allJobs().filter(({ schedule }) => schedule?.onStartup === true)
  expect(wanted.map(({ name }) => name)).toEqual([NAME])
})

test('ten processes that start at once start it once, with the schedule’s input', async () => {
  const started = await Promise.all(Array.from({ length: 10 }, () => startUp([job()], nowMs)))
  expect(started.reduce((sum, count) => sum + count)).toBe(1)
  await expect.poll(ids, PATIENCE).toHaveLength(1)
  const [id] = await ids()
  const { memo, typedSearchAttributes } = await rig.client.workflow.getHandle(id ?? '').describe()
  expect(memo).toMatchObject({ trigger: 'startup', input: {} })
  expect(JSON.stringify(typedSearchAttributes)).toContain('startup')
  await endAll()
})

/** What a start-up did is over, so that only its id and its time can keep the next from doing it. */
async function endAll(): Promise<void> {
  await expect.poll(ids, PATIENCE).not.toEqual([])
  for (const id of await ids()) await rig.client.workflow.getHandle(id).terminate('it crashed')
  await expect.poll(ids, PATIENCE).toEqual([])
}

test('a process that dies and comes back within the minute does not start it again, a later one does', async () => {
  // Starts are by the server's clock, so these minutes are the present ones.
  const sinceMs = Date.now()
  const slotEndMs = (Math.floor(sinceMs / MINUTE_MS) + 1) * MINUTE_MS
  expect(await startUp([job()], sinceMs)).toBe(1)
  await endAll()
  expect(await startUp([job()], slotEndMs - 1)).toBe(0)
  // In the next minute of the clock, but less than a minute after the start.
  expect(await startUp([job()], slotEndMs)).toBe(0)
  expect(await startUp([job()], slotEndMs + MINUTE_MS)).toBe(1)
  await endAll()
})

test('a paused schedule starts nothing', async () => {
  await applySchedules(rig, { speed: 1, jobs: [job()] })
  const handle = rig.client.schedule.getHandle(NAME)
  await handle.pause('the provider asks us to')
  expect(await startUp([job()], nowMs)).toBe(0)
  await handle.unpause('it is over')
  expect(await startUp([job()], nowMs)).toBe(1)
  await endAll()
})

test('a run that is open is enough', async () => {
  const { workflow, queue } = job()
  await rig.client.workflow.start(workflow, { taskQueue: queue, workflowId: 'open', args: [{}] })
  await expect.poll(ids, PATIENCE).toEqual(['open'])
  expect(await startUp([job()], nowMs)).toBe(0)
  await endAll()
})

test('a job that is not enabled here, or does not ask for it, is not started', async () => {
  const environments = {
    development: 'by-hand',
    staging: 'scheduled',
    production: 'scheduled',
  } as const
  expect(await startUp([job({ environments })], nowMs)).toBe(0)
  const { schedule } = job()
  if (schedule === undefined) throw new Error('it has a schedule')
  expect(await startUp([job({ schedule: { ...schedule, onStartup: false } })], nowMs)).toBe(0)
})
