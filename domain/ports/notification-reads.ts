/** Notifications as people list them: never with an address. */
import type {
  MessageLocale,
  NotificationChannel,
  NotificationState,
  NotificationTemplate,
} from '../notification.ts'
import type { Instant } from '../time.ts'
import type { DueMessage } from './notification-store.ts'
import type { Page, PageRequest } from './page.ts'

/** Which notifications. */
export type NotificationFilter = {
  readonly state?: string | undefined
  readonly channel?: string | undefined
  readonly template?: string | undefined
  readonly audience?: string | undefined
  readonly policyNumber?: string | undefined
}

/** A notification in a list. */
export type ListedNotification = {
  readonly notificationId: string
  readonly template: NotificationTemplate
  readonly version: number
  readonly locale: MessageLocale
  readonly channel: NotificationChannel
  readonly audience: 'holder' | 'operator'
  /** Null for operators. */
  readonly policyNumber: string | null
  readonly state: NotificationState
  /** Why it was not sent or did not arrive. */
  readonly reason: string | null
  readonly attempts: number
  /** What the last try met. */
  readonly lastCode: string | null
  readonly providerRef: string | null
  readonly nextAttemptAt: Instant
  readonly sentAt: Instant | null
  readonly createdAt: Instant
  /** The notification that this one sends again. */
  readonly resendOf: string | null
}

/** Reads notifications. */
export interface NotificationReads {
  /** Newest first. */
  list(filter: NotificationFilter, page: PageRequest): Promise<Page<ListedNotification>>
  /** One, and what it would be sent with; null when there is none. */
  find(
    notificationId: string,
  ): Promise<{ readonly listed: ListedNotification; readonly message: DueMessage } | null>
}
