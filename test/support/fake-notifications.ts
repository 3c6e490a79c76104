/** Activities of the notification jobs without a world behind them, and the runs that are recorded. */
import { ApplicationFailure } from '@temporalio/common'

import type { NotificationRelayActivities } from '../../activities/notification-relay.ts'
import type { NotificationActivities, SendStep } from '../../activities/notification.ts'
import type { RelayedNotifications } from '../../operations/relay-notifications.ts'
import type { HistoryCase } from './history-cases.ts'

/** A step that sent `sent` messages and left nothing. */
export function sentAll(sent: number, change: Partial<SendStep> = {}): SendStep {
  return { sent, suppressed: 0, failed: 0, retried: 0, open: 0, nextInMs: null, ...change }
}

/** Activities of `notification`: ten messages, sent at once. */
export function fakeNotification(
  change: Partial<NotificationActivities> = {},
): NotificationActivities {
  return {
    sendNotifications: async () => sentAll(10),
    claimNotifications: async () => BATCH_ID,
    releaseNotifications: async () => undefined,
    ...change,
  }
}

/** A pass that found nothing to do. */
export function quietPass(change: Partial<RelayedNotifications> = {}): RelayedNotifications {
  return {
    facts: 0,
    queued: 0,
    suppressed: 0,
    batchesStarted: 0,
    delivered: 0,
    bounced: 0,
    backlog: 0,
    oldestQueuedMs: null,
    ...change,
  }
}

/** Activities of `notification-relay`: a quiet minute. */
export function fakeNotificationRelay(
  change: Partial<NotificationRelayActivities> = {},
): NotificationRelayActivities {
  return { relayNotifications: async () => quietPass(), ...change }
}

export const BATCH_ID = '7d4b0c1e-9a52-4f0e-8a37-6f1f3f0e9c02'
export const NOTIFICATION_ID = '0b7c2f7a-3d1e-5b6a-9c40-1f2e3d4c5b6a'

/** Answers by the number of the call, from 1. */
function byCall<T>(answer: (call: number) => T): () => Promise<T> {
  let call = 0
  return async () => {
    call += 1
    return answer(call)
  }
}

/** One fails by its own fault, is tried again after a second, and goes. */
export function triedAgain(): NotificationActivities {
  return fakeNotification({
    sendNotifications: byCall((call) =>
      call === 1 ? sentAll(9, { retried: 1, open: 1, nextInMs: 900 }) : sentAll(1),
    ),
  })
}

export const NOTIFICATION_CASES: readonly HistoryCase[] = [
  {
    job: 'notification',
    name: 'all-sent',
    input: { batchId: BATCH_ID },
    activities: () => fakeNotification(),
  },
  {
    job: 'notification',
    name: 'tried-again',
    input: { batchId: BATCH_ID },
    activities: triedAgain,
  },
  {
    job: 'notification',
    name: 'channel-away',
    input: { batchId: BATCH_ID },
    activities: () =>
      fakeNotification({
        sendNotifications: async () => sentAll(0, { retried: 10, open: 10, nextInMs: 90_000 }),
      }),
  },
  {
    job: 'notification',
    name: 'by-hand',
    input: { notificationIds: [NOTIFICATION_ID] },
    activities: () => fakeNotification({ sendNotifications: async () => sentAll(1) }),
  },
  {
    job: 'notification-relay',
    name: 'quiet-minute',
    input: {},
    activities: () => fakeNotificationRelay(),
  },
  {
    job: 'notification-relay',
    name: 'storm-minute',
    input: {},
    activities: () =>
      fakeNotificationRelay({
        relayNotifications: byCall((call) =>
          quietPass({ facts: 20_000, queued: 20_000, batchesStarted: 20, backlog: call * 18_000 }),
        ),
      }),
  },
  {
    job: 'notification-relay',
    name: 'database-away',
    input: {},
    activities: () =>
      fakeNotificationRelay({
        relayNotifications: byCall((call) => {
          if (call === 1) throw ApplicationFailure.retryable('gone', 'DatabaseUnavailable')
          return quietPass()
        }),
      }),
  },
]
