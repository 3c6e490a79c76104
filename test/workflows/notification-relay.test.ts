/** A minute of the relay: passes ten seconds apart, and a pass that fails. Activities are fakes. */
import { randomUUID } from 'node:crypto'

import { ApplicationFailure } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { notificationRelayResult } from '../../jobs/notification-relay.ts'
import { allJobs } from '../../jobs/registry.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { fakeNotificationRelay, quietPass } from '../support/fake-notifications.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const QUEUE = 'notifications'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

function start(input: object = {}): Promise<{ result(): Promise<unknown> }> {
  return rig.client.workflow.start('notificationRelay', {
    args: [input],
    taskQueue: QUEUE,
    workflowId: `notification-relay:${randomUUID()}`,
  })
}

test('passes are ten seconds apart, and the result is their sum', async () => {
  const at: number[] = []
  const activities = fakeNotificationRelay({
    relayNotifications: async () => {
      at.push(Date.now())
      return quietPass({ queued: 3, suppressed: 1, batchesStarted: 1, backlog: at.length })
    },
  })
  const result = await rig.withWorker(QUEUE, activities, async () =>
    (await start({ passes: 2 })).result(),
  )
  expect(result).toEqual({
    passes: 2,
    queued: 6,
    suppressed: 2,
    batchesStarted: 2,
    delivered: 0,
    bounced: 0,
    backlog: 2,
  })
  expect(notificationRelayResult.safeParse(result).success).toBe(true)
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(9_000)
})

test('a pass that fails twice fails the run: the next minute goes on', async () => {
  let passes = 0
  const relayNotifications = async () => {
    passes += 1
    throw ApplicationFailure.retryable('gone', 'DatabaseUnavailable')
  }
  const activities = fakeNotificationRelay({ relayNotifications })
  await rig.withWorker(QUEUE, activities, async () => {
    await expect((await start()).result()).rejects.toMatchObject({
      cause: { cause: { type: 'DatabaseUnavailable' } },
    })
  })
  expect(passes).toBe(2)
})

test('it fires on wall time, however fast the business clock runs', () => {
  const job = allJobs().find(({ name }) => name === 'notification-relay')
  if (job === undefined) throw new Error('not registered')
  const fields = [1, 120].map((speed) => desiredSchedule(job, { speed })?.fields['everyMs'])
  expect(fields).toEqual([60_000, 60_000])
})
