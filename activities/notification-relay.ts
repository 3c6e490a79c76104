/** The step of the relay, as Temporal calls it. Thin: the work is in operations. */
import { Context } from '@temporalio/activity'

import {
  relayNotifications as relay,
  type RelayedNotifications,
  type RelayNotificationsDeps,
} from '../operations/relay-notifications.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** What the step works over. */
export type NotificationRelayDeps = RelayNotificationsDeps & {
  readonly events: Pick<Events, 'notificationsRelayed'>
}

/** The activities of `notification-relay`. May be repeated and run at once. */
export function createNotificationRelayActivities(deps: NotificationRelayDeps) {
  return mapFailures({
    /** One pass over the outbox. */
    async relayNotifications(): Promise<RelayedNotifications> {
      using heartbeats = startHeartbeats()
      const { workflowExecution, activityId, attempt } = Context.current().info
      const passId = `${workflowExecution?.runId ?? 'none'}/${activityId}`
      const pass = await relay(deps, { passId, attempt }, heartbeats.signal)
      deps.events.notificationsRelayed(pass)
      return pass
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type NotificationRelayActivities = ReturnType<typeof createNotificationRelayActivities>
