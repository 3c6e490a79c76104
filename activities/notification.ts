/** The steps of a batch of notifications, as Temporal calls them. Thin: the work is in operations. */
import {
  NOTIFICATION_LEASE_MS,
  sendNotifications as sendBatch,
  type SendNotificationsDeps,
  type SentNotifications,
} from '../operations/send-notifications.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** What the steps work over. */
export type NotificationDeps = SendNotificationsDeps & {
  readonly events: Pick<Events, 'notificationsHandled'>
}

/** Counts of one step; no address and no id leaves it. */
export type SendStep = Omit<SentNotifications, 'counts'>

/** The activities of `notification`. May be repeated: the database knows what was sent. */
export function createNotificationActivities(deps: NotificationDeps) {
  return mapFailures({
    /** Sends what is due of the batch. */
    async sendNotifications({ batchId }: { readonly batchId: string }): Promise<SendStep> {
      using heartbeats = startHeartbeats()
      const { signal } = heartbeats
      const onProgress = (done: number): void => heartbeats.onProgress(done, done)
      const { counts, ...step } = await sendBatch(deps, batchId, { signal, onProgress })
      for (const one of counts) deps.events.notificationsHandled({ batchId, ...one })
      return step
    },

    /** Makes a batch of queued notifications; null when none of them is free. */
    async claimNotifications(notificationIds: readonly string[]): Promise<string | null> {
      return deps.notificationStore.claimThese(notificationIds, { leaseMs: NOTIFICATION_LEASE_MS })
    },

    /** Gives what is open of the batch back to the queue. */
    async releaseNotifications({ batchId }: { readonly batchId: string }): Promise<void> {
      await deps.notificationStore.releaseBatch(batchId)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type NotificationActivities = ReturnType<typeof createNotificationActivities>
