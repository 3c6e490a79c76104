/** A batch of notifications: rounds, waits, and what goes back to the queue. Activities are fakes. */
import { randomUUID } from 'node:crypto'

import { ApplicationFailure } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { NotificationActivities } from '../../activities/notification.ts'
import { notificationResult } from '../../jobs/notification.ts'
import { JobInputError, startJob } from '../../platform/temporal/job-starter.ts'
import { noteCalls, type Calls } from '../support/fake-activities.ts'
import {
  BATCH_ID,
  fakeNotification,
  NOTIFICATION_ID,
  sentAll,
  triedAgain,
} from '../support/fake-notifications.ts'
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

async function run(
  activities: NotificationActivities,
  { calls = [], input = { batchId: BATCH_ID } }: { calls?: Calls; input?: object } = {},
): Promise<Record<string, unknown>> {
  return rig.withWorker(QUEUE, noteCalls(calls, activities), async () => {
    const workflowId = `notification:${randomUUID()}`
    await startJob(rig, { job: 'NOTIFICATION', input, trigger: 'run', workflowId })
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

test('a batch that goes at once takes one step', async () => {
  const calls: Calls = []
  const result = await run(fakeNotification(), { calls })
  expect(calls).toEqual([{ name: 'sendNotifications', input: { batchId: BATCH_ID } }])
  expect(result).toEqual({ sent: 10, suppressed: 0, failed: 0, retried: 0, released: 0 })
  expect(notificationResult.safeParse(result).success).toBe(true)
})

test('what may be tried again soon is waited for, and counted with the rest', async () => {
  expect(await run(triedAgain())).toMatchObject({ sent: 10, retried: 1, released: 0 })
})

test.each([
  { nextInMs: 60_001, released: true },
  { nextInMs: 1, released: false },
])('what may be tried in $nextInMs ms goes back to the queue: $released', async (one) => {
  const calls: Calls = []
  let step = 0
  const activities = fakeNotification({
    sendNotifications: async () => {
      step += 1
      return step === 1 ? sentAll(4, { open: 6, nextInMs: one.nextInMs }) : sentAll(6)
    },
  })
  const result = await run(activities, { calls })
  expect(result).toMatchObject(one.released ? { sent: 4, released: 6 } : { sent: 10, released: 0 })
  expect(calls.some(({ name }) => name === 'releaseNotifications')).toBe(one.released)
})

test('rounds have an end: what still fails one after the other goes back to the queue', async () => {
  const calls: Calls = []
  const sendNotifications = async () => sentAll(1, { open: 50, nextInMs: 1 })
  const result = await run(fakeNotification({ sendNotifications }), { calls })
  expect(result).toMatchObject({ sent: 10, released: 50 })
}, 90_000)

test('notifications by hand are claimed first', async () => {
  const calls: Calls = []
  await run(fakeNotification(), { calls, input: { notificationIds: [NOTIFICATION_ID] } })
  expect(calls).toEqual([
    { name: 'claimNotifications', input: [NOTIFICATION_ID] },
    { name: 'sendNotifications', input: { batchId: BATCH_ID } },
  ])
})

test('notifications that another batch has are left to it', async () => {
  const calls: Calls = []
  const activities = fakeNotification({ claimNotifications: async () => null })
  const result = await run(activities, { calls, input: { notificationIds: [NOTIFICATION_ID] } })
  expect(result).toMatchObject({ sent: 0 })
  expect(calls.map(({ name }) => name)).toEqual(['claimNotifications'])
})

test.each([{}, { batchId: BATCH_ID, notificationIds: [NOTIFICATION_ID] }])(
  'an input with neither or both of batch and ids is refused: %o',
  async (input) => {
    await expect(startJob(rig, { job: 'notification', input, trigger: 'api' })).rejects.toThrow(
      JobInputError,
    )
  },
)

test('a step that fails for a moment is repeated', async () => {
  let tries = 0
  const sendNotifications = async () => {
    tries += 1
    if (tries === 1) throw ApplicationFailure.retryable('gone', 'DatabaseUnavailable')
    return sentAll(10)
  }
  expect(await run(fakeNotification({ sendNotifications }))).toMatchObject({ sent: 10 })
})
