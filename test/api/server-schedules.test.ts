/** What the product counts on in the server's schedules. Nobody works here: what a fire starts stays open. */
import { Client, Connection } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { findJob, type AnyJob } from '../../jobs/registry.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import { planSchedules } from '../../platform/temporal/schedules-plan.ts'
import { firedWorkflowId } from '../../platform/temporal/watched-schedules.ts'
import { instantFromMs } from '../../domain/time.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'

const PATIENCE = { timeout: 20_000 }

let rig: TemporalRig
beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
})
afterAll(() => rig[Symbol.asyncDispose]())

function jobOf(name: string): AnyJob {
  const job = findJob(name)
  if (job === undefined) throw new Error(`no job ${name}`)
  return job
}

/** The job on a schedule of every second. */
function everySecond(name: string, overlap: 'skip' | 'queue-one' | 'beside'): AnyJob {
  const job = jobOf(name)
  const schedule = { kind: 'interval', everyMs: 1_000, pace: 'wall', overlap, input: {} }
  return { ...job, schedule: { ...schedule, catchUpMs: 10_000 } } as AnyJob
}

async function scheduled(job: AnyJob) {
  await applySchedules(rig, { speed: 1, jobs: [job] })
  return rig.client.schedule.getHandle(job.name)
}

async function runsOf(name: string) {
  const runs = []
  const query = `TemporalScheduledById = "${name}"`
  for await (const run of rig.client.workflow.list({ query })) runs.push(run)
  return runs
}

test('a fire while a run is open is skipped and counted', async () => {
  const handle = await scheduled(everySecond('flight-monitor', 'skip'))
  const skipped = async () => (await handle.describe()).info.numActionsSkippedOverlap
  await expect.poll(skipped, PATIENCE).toBeGreaterThan(1)
  const runs = await runsOf('flight-monitor')
  expect(runs).toHaveLength(1)
  // Its id is the nominal second, which it also carries: that is how fires are accounted for.
  const [nominal] = runs[0]?.searchAttributes['TemporalScheduledStartTime'] ?? []
  if (!(nominal instanceof Date)) throw new Error('the run carries no nominal time')
  const nominalAt = instantFromMs(nominal.getTime())
  expect(runs[0]?.workflowId).toBe(firedWorkflowId('flight-monitor', nominalAt))
  await handle.delete()
})

test('a fire may run beside an open run, and none fires while the schedule is paused', async () => {
  const handle = await scheduled(everySecond('cache-refresh', 'beside'))
  const count = async () => (await runsOf('cache-refresh')).length
  await expect.poll(count, PATIENCE).toBeGreaterThan(1)
  await handle.pause('the provider is down')
  const { info } = await handle.describe()
  const { promise: threeFires, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, 3_000)
  await threeFires
  const later = await handle.describe()
  expect(later.info.numActionsTaken - info.numActionsTaken).toBeLessThanOrEqual(1)
  expect(later.state).toMatchObject({ paused: true, note: 'the provider is down' })
  await handle.delete()
})

test('start-ups side by side, and ten in a crash loop, leave one schedule of each job', async () => {
  const jobs = ['reconciliation', 'policy-expiration', 'cleanup'].map(jobOf)
  /** One that dies while it applies, `diesAfter` milliseconds on. */
  const dying = async (diesAfter: number): Promise<void> => {
    const connection = await Connection.connect({ address: services().temporalAddress })
    const client = new Client({ connection, namespace: rig.namespace })
    setTimeout(() => void connection.close(), diesAfter)
    await applySchedules({ client }, { speed: 1, jobs }).catch(() => undefined) // it died
  }
  for (let i = 0; i < 10; i += 1) await dying(i * 5)
  await Promise.all([0, 1].map(() => applySchedules(rig, { speed: 1, jobs })))
  const ids = async () => {
    const found = []
    for await (const { scheduleId } of rig.client.schedule.list()) found.push(scheduleId)
    return found.toSorted()
  }
  await expect.poll(ids, PATIENCE).toEqual(['cleanup', 'policy-expiration', 'reconciliation'])
  const plan = await planSchedules(rig, { speed: 1, jobs })
  expect(plan.map(({ action }) => action)).toEqual(['unchanged', 'unchanged', 'unchanged'])
})
