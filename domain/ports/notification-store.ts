/** The queue of notifications: filled from facts, claimed in batches, each try's outcome written down. */
import type { NotificationChannel, NotificationTemplate, MessageLocale } from '../notification.ts'
import type { OperatorNotice } from '../messages/render.ts'
import type { Money } from '../money.ts'
import type { PayoutState } from '../payout.ts'
import type { Instant } from '../time.ts'
import type { NotifierAddress } from './notifier.ts'

/** What one sweep over the outbox made. */
export type QueuedFacts = {
  /** Facts taken from the outbox. */
  readonly facts: number
  /** Notifications made of them, suppressed ones included. */
  readonly queued: number
  /** Of those: not to be sent, as nobody is to be reached. */
  readonly suppressed: number
}

/** A message to be sent, with where it goes. Never leaves the process that sends it. */
export type DueMessage = {
  readonly notificationId: string
  readonly template: NotificationTemplate
  readonly version: number
  readonly locale: MessageLocale
  readonly channel: NotificationChannel
  /** Tries before this one. */
  readonly attempts: number
  readonly ageMs: number
  /** Null: there is none any more. */
  readonly address: NotifierAddress | null
  readonly displayName: string | null
  /** Null for operators. */
  readonly policyNumber: string | null
  readonly payout: {
    readonly payoutId: string
    readonly state: PayoutState
    readonly amount: Money
    readonly paidAt: Instant | null
  } | null
  readonly notice: OperatorNotice | null
}

/** What is written down of one try. */
export type RecordedOutcome = { readonly notificationId: string } & (
  | { readonly kind: 'sent'; readonly providerRef: string | null; readonly isDelivered: boolean }
  | { readonly kind: 'suppressed'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly isAddressGone: boolean }
  /** `isCounted`: a try by the message's own fault. */
  | {
      readonly kind: 'retry'
      readonly code: string
      readonly inMs: number
      readonly isCounted: boolean
    }
)

/** How a batch stands. */
export type BatchStanding = {
  /** Still to be sent. */
  readonly open: number
  /** Wall milliseconds until the first of them may be tried; null when none is open. */
  readonly nextInMs: number | null
}

/** The backlog, for the alarm. */
export type Backlog = {
  readonly queued: number
  /** Age of the oldest that is queued, wall milliseconds; null when none is. */
  readonly oldestMs: number | null
}

/** A message that was taken and may have arrived by now. */
export type UndeliveredMessage = {
  readonly notificationId: string
  readonly channel: NotificationChannel
  readonly providerRef: string
}

/** What is written down of a delivery. */
export type RecordedDelivery = { readonly notificationId: string } & (
  | { readonly kind: 'delivered' }
  | { readonly kind: 'bounced'; readonly code: string }
)

/** A pass of the relay: the same id in every try, the first of which is 1. */
export type RelayPass = { readonly passId: string; readonly attempt: number }

/** Stores notifications. Statements are set-based and may be repeated. */
export interface NotificationStore {
  /** Turns at most `limit` facts into notifications, in one transaction with their removal. */
  queueFacts(limit: number): Promise<QueuedFacts>
  /** Notes as facts what reviews opened before `openedBefore` keep holders waiting for; once per case. */
  noteLongReviews(openedBefore: Instant, limit: number): Promise<number>
  /**
   * Claims what is due in batches, as long as fewer than `batchesAtMost` are at work. A claim holds for
   * `leaseMs` of wall time; a batch whose run died is claimed anew after that. A later try of a pass is given
   * what earlier ones claimed and nobody has sent as well: they may have died before they started it.
   */
  claimBatches(claim: {
    readonly pass: RelayPass
    readonly batchSize: number
    readonly batchesAtMost: number
    readonly leaseMs: number
  }): Promise<readonly string[]>
  /** Claims these of the queue, free ones only; null when none of them is. */
  claimThese(
    notificationIds: readonly string[],
    claim: { readonly leaseMs: number },
  ): Promise<string | null>
  /** Messages of a batch that may be tried now, with a fresh lease. */
  takeMessages(
    batchId: string,
    page: { readonly limit: number; readonly leaseMs: number },
  ): Promise<readonly DueMessage[]>
  /** Writes outcomes down. What is not the batch's, or is not queued any more, is passed over. */
  recordOutcomes(batchId: string, outcomes: readonly RecordedOutcome[]): Promise<void>
  standing(batchId: string): Promise<BatchStanding>
  /** Gives what is still open back to the queue, for a later batch. */
  releaseBatch(batchId: string): Promise<void>
  backlog(): Promise<Backlog>
  /** Messages of channels that can be asked, sent `olderThanMs` to three days ago; the oldest first. */
  listUndelivered(olderThanMs: number, limit: number): Promise<readonly UndeliveredMessage[]>
  recordDeliveries(deliveries: readonly RecordedDelivery[]): Promise<void>
}
