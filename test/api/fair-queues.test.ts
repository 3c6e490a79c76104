/**
 * What a real server hands out of a queue under load: the urgent before the backlog, small tenants beside
 * large ones, nothing while it is paused, and no more than its limit.
 */
import { setTimeout as pause } from 'node:timers/promises'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { createJobControl } from '../../platform/temporal/job-control.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { BUSINESS_NOW, fakeFlightMonitor, fakeMaintenance } from '../support/fake-activities.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'

/** One step at a time: what the server gives next is what begins next. */
const ONE_AT_ONCE = { activitiesAtOnce: 1, tasksAtOnce: 2 }

let rig: TemporalRig
beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
})
afterAll(() => rig[Symbol.asyncDispose]())

function maintain(table: string, priority: 'LOW' | 'CRITICAL') {
  const input = { task: 'vacuum', tables: [table] }
  const workflowId = `maintenance:${table}`
  return startJob(rig, { job: 'maintenance', input, trigger: 'api', priority, workflowId })
}

test('a CRITICAL run starts next, whatever backlog of LOW runs waits', async () => {
  const backlog = 500
  const begun: string[] = []
  const activities = fakeMaintenance({
    maintainDatabase: async ({ task, tables = [] }) => {
      begun.push(tables[0] ?? '')
      await pause(100)
      return { task, done: [], skipped: [], bytesBefore: 0, bytesAfter: 0 }
    },
  })
  await Promise.all(Array.from({ length: backlog }, (_, i) => maintain(`low_${i}`, 'LOW')))
  await maintain('critical', 'CRITICAL')
  await rig.withWorker(
    'maintenance',
    activities,
    () => expect.poll(() => begun, { timeout: 30_000 }).toContain('critical'),
    ONE_AT_ONCE,
  )
  // The server keeps a queue in four parts, each in order, and asks them at random: of 25 asks, fewer than
  // one in a thousand tests misses the part with the critical step each time.
  expect(begun.indexOf('critical')).toBeLessThan(25)
}, 90_000)

test('a tenant with 10 steps is not starved by one with 1,000', async () => {
  const steps = { big: 1_000, small: 10 }
  const tenants = ['big', 'small'] as const
  const begun: string[] = []
  const { promise: bothKnown, resolve: allPlanned } = Promise.withResolvers<void>()
  const { promise: bothWait, resolve: open } = Promise.withResolvers<void>()
  let planned = 0
  const activities = fakeFlightMonitor({
    findPolicyLeg: async ({ policyId }) => {
      planned += 1
      if (planned === tenants.length) allPlanned()
      await bothKnown
      const shards = Array.from({ length: steps[policyId as 'big' | 'small'] }, () => [policyId])
      return { now: BUSINESS_NOW, due: shards.length, claimed: shards.length, shards }
    },
    pollLegs: async ({ legIds }) => {
      await bothWait
      begun.push(legIds[0] ?? '')
      return { polled: 1, changed: 0, failed: 0, decidableLegIds: [] }
    },
  })
  const handles = await Promise.all(
    tenants.map(async (tenant) => {
      const start = { job: 'flight-monitor', input: { policyId: tenant }, tenant }
      const { workflowId } = await startJob(rig, { ...start, trigger: 'api' })
      return { tenant, handle: rig.client.workflow.getHandle(workflowId) }
    }),
  )
  const waiting = async (): Promise<number[]> => {
    const found = await Promise.all(handles.map(({ handle }) => handle.describe()))
    return found.map(({ raw }) => raw.pendingActivities?.length ?? 0)
  }
  await rig.withWorker(
    'monitoring',
    activities,
    async () => {
      await expect.poll(waiting, { timeout: 30_000 }).toEqual([steps.big, steps.small])
      open()
      const ofSmall = () => begun.filter((tenant) => tenant === 'small').length
      await expect.poll(ofSmall, { timeout: 30_000 }).toBe(steps.small)
    },
    { activitiesAtOnce: 2 },
  )
  // In order of arrival the small one would have been done after some 1,000 steps. The server keeps a
  // queue in four parts and hands out some tasks ahead, so that turns are not strict: 267 and 497 of 1,010 were seen.
  expect(begun.length).toBeLessThan((steps.big * 3) / 4)
  await Promise.all(handles.map(({ handle }) => handle.terminate('seen')))
}, 90_000)

/** Steps of the paused queue that one worker carries out together. */
const AT_ONCE = 4

/** Pages of one tick that poll `steps` shards of one leg each. */
function shardsOf(steps: number) {
  const shards = Array.from({ length: steps }, (_, i) => [`leg-${i}`])
  return async () => ({ now: BUSINESS_NOW, due: steps, claimed: steps, shards })
}

test('a queue that is paused under load begins nothing new within 5 s, and drains when resumed', async () => {
  const steps = 120
  const begun: { leg: string; at: number }[] = []
  const activities = fakeFlightMonitor({
    claimDueLegs: shardsOf(steps),
    pollLegs: async ({ legIds }) => {
      begun.push({ leg: legIds[0] ?? '', at: performance.now() })
      await pause(100)
      return { polled: 1, changed: 0, failed: 0, decidableLegIds: [] }
    },
  })
  const control = createJobControl(rig.client)
  await rig.withWorker(
    'monitoring',
    activities,
    async () => {
      const { workflowId } = await startJob(rig, {
        job: 'flight-monitor',
        input: {},
        trigger: 'api',
      })
      await expect.poll(() => begun.length, { timeout: 20_000 }).toBeGreaterThan(10)
      await control.pauseQueue('monitoring', 'the provider is down')
      const pausedAt = performance.now()
      await pause(5_000)
      const bySoon = begun.length
      expect(begun.filter(({ at }) => at > pausedAt + 4_000)).toEqual([])
      expect(bySoon).toBeLessThan(steps)
      await control.resumeQueue('monitoring', 'it is back')
      const result = await rig.client.workflow.getHandle(workflowId).result()
      expect(result).toMatchObject({ polled: steps, failedShards: 0 })
    },
    { activitiesAtOnce: AT_ONCE },
  )
  expect(new Set(begun.map(({ leg }) => leg)).size).toBe(steps)
  // One that was handed out as the pause came may be handed out again: steps happen at least once.
  expect(begun.length).toBeLessThanOrEqual(steps + AT_ONCE)
}, 90_000)
