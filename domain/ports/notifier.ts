/** One channel's way out: hands a message to its provider and says what the provider made of it. */
import type { NotificationChannel } from '../notification.ts'

/** Where a message goes. Personal data: it is read when the message is sent and kept nowhere. */
export type NotifierAddress =
  | { readonly kind: 'email'; readonly email: string; readonly name: string | null }
  | { readonly kind: 'sms'; readonly phone: string }
  | {
      readonly kind: 'push'
      readonly endpoint: string
      readonly p256dh: string
      readonly auth: string
    }
  /** Channels with one fixed receiver: Slack, a webhook. */
  | { readonly kind: 'fixed' }

/** A message ready to be sent. */
export type OutgoingMessage = {
  /**
   * The same for every try of the same message, and given to the receiver in the way of the channel
   * (Message-ID, Topic, Idempotency-Key), so that a try repeated after a crash is known for what it is.
   */
  readonly notificationId: string
  readonly address: NotifierAddress
  readonly subject: string
  readonly text: string
  /** One sentence, for channels with little room. */
  readonly short: string
  readonly html: string
  readonly locale: string
  /** What it is about, without personal data, for machines: `{event, policyNumber, ...}`. */
  readonly data: Readonly<Record<string, string | number | null>>
}

/** What became of one try. `code` is short and stable; `message` has no address in it. */
export type SendOutcome =
  /** The provider took it. `isDelivered`: the receiver itself answered. */
  | { readonly kind: 'sent'; readonly providerRef: string | null; readonly isDelivered: boolean }
  /** Refused for good: the same message would be refused again. `isAddressGone`: so would any other. */
  | { readonly kind: 'refused'; readonly code: string; readonly isAddressGone: boolean }
  /** Not taken now. `isChannelDown`: no message would be taken now. */
  | {
      readonly kind: 'retry'
      readonly code: string
      readonly retryAfterMs: number | null
      readonly isChannelDown: boolean
    }

/** What a provider says later of what it took. */
export type DeliveryReport =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'bounced'; readonly code: string }
  | { readonly kind: 'pending' }

/**
 * A channel. `send` never throws but for its signal's reason; it makes one try. Disposing closes
 * connections.
 */
export interface Notifier extends AsyncDisposable {
  readonly channel: NotificationChannel
  /** The provider, for metrics: `smtp`, `twilio`, `webpush`, `slack`, `webhook`. */
  readonly id: string
  send(message: OutgoingMessage, signal?: AbortSignal): Promise<SendOutcome>
  /** What became of a message that was taken; only where the provider can be asked. */
  readonly delivery?: (providerRef: string, signal?: AbortSignal) => Promise<DeliveryReport>
}

/** The channels that are configured. One that is missing is suppressed. */
export type Notifiers = Readonly<Partial<Record<NotificationChannel, Notifier>>>
