/** Builds what the notification jobs work with: channels, queue, outbox. */
import { createNotificationRelayActivities } from '../activities/notification-relay.ts'
import { createNotificationActivities } from '../activities/notification.ts'
import type { Database } from '../db/client.ts'
import { createExplanationSource } from '../db/stores/explanation-source.ts'
import { createNotificationStore } from '../db/stores/notification-store.ts'
import { createOperatorNoticeStore } from '../db/stores/operator-notice-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { createNotifiers } from './notifiers.ts'
import type { ActivityFamily } from './queues.ts'
import type { WorkerServicesDeps } from './services.ts'

/** Tries of a message that fails by its own fault, the first included. */
const ATTEMPTS = { development: 5, staging: 7, production: 7 } as const

/** The activities of both jobs; disposing closes the channels' connections. */
export type NotificationServices = AsyncDisposable & {
  readonly activities: Readonly<Record<'notification' | 'notification-relay', ActivityFamily>>
}

/** Connects lazily: a channel that is away shows with the first message. */
export function createNotificationServices(
  { config, secrets, events, rings, startNotification }: WorkerServicesDeps,
  { db, clock }: { readonly db: Database; readonly clock: Clock },
): NotificationServices {
  const channels = createNotifiers(config.notify, secrets.notify, {
    events,
    webhookKeys: rings.webhook,
  })
  const { notifiers } = channels
  const notificationStore = createNotificationStore(db, rings.payload)
  return {
    activities: {
      notification: createNotificationActivities({
        explanations: createExplanationSource(db),
        notificationStore,
        notifiers,
        attemptsAtMost: ATTEMPTS[config.environment],
        events,
      }),
      'notification-relay': createNotificationRelayActivities({
        clock,
        notificationStore,
        notifiers,
        operatorNoticeStore: createOperatorNoticeStore(db),
        startBatch: startNotification,
        events,
      }),
    },
    [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
  }
}
