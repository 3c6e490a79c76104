/**
 * What a notification is: what it may tell, over which channels, the states it goes through, and when
 * one that could not be sent is tried again. Wording is in `messages/`; nothing here sends.
 */
import { DAY_MS, MINUTE_MS, SECOND_MS } from './time.ts'

/** The states of a notification; NOTIFICATION_TRANSITIONS says which follow which. */
export type NotificationState =
  | 'QUEUED'
  | 'SENT'
  | 'DELIVERED'
  | 'BOUNCED'
  | 'FAILED'
  | 'SUPPRESSED'

/**
 * The only legal moves. SENT means that the channel's provider took it; FAILED that none did, for good.
 * DELIVERED and BOUNCED are heard only where a channel tells. Sending again is another notification.
 */
export const NOTIFICATION_TRANSITIONS: Readonly<
  Record<NotificationState, readonly NotificationState[]>
> = {
  QUEUED: ['SENT', 'SUPPRESSED', 'FAILED'],
  SENT: ['DELIVERED', 'BOUNCED'],
  DELIVERED: [],
  BOUNCED: [],
  FAILED: [],
  SUPPRESSED: [],
}

/** Whether a notification may go from one state to the other in one step. */
export function canMoveNotification(from: NotificationState, to: NotificationState): boolean {
  return NOTIFICATION_TRANSITIONS[from].includes(to)
}

/** All ways to reach somebody. Holders have the first three, operators e-mail and the last two. */
export const NOTIFICATION_CHANNELS = ['email', 'sms', 'push', 'slack', 'webhook'] as const

/** A way to reach somebody. */
export type NotificationChannel = (typeof NOTIFICATION_CHANNELS)[number]

/** What a holder may choose from. */
export const HOLDER_CHANNELS = ['email', 'sms', 'push'] as const

/** A channel that a holder may choose. */
export type HolderChannel = (typeof HOLDER_CHANNELS)[number]

/** Where operators are told. */
export const OPERATOR_CHANNELS = ['email', 'slack', 'webhook'] as const

/** Languages that there are messages in. */
export const MESSAGE_LOCALES = ['en', 'de'] as const

/** A language of messages. */
export type MessageLocale = (typeof MESSAGE_LOCALES)[number]

/** What holders are told: each has its words in every language. */
export const HOLDER_TEMPLATES = [
  'policy-bound',
  'policy-cancelled',
  'policy-endorsed',
  'policy-in-review',
  'policy-not-paid',
  'payout-paid',
  'payout-returned',
  'appeal-received',
  'appeal-stands',
  'appeal-upheld',
] as const

/** A message to a holder. */
export type HolderTemplate = (typeof HOLDER_TEMPLATES)[number]

/** All templates. */
export type NotificationTemplate = HolderTemplate | 'operator-notice'

/** Facts of the outbox, as its table and triggers name them. */
export type NotificationFact =
  | 'APPEAL_RECEIVED'
  | 'APPEAL_STANDS'
  | 'APPEAL_UPHELD'
  | 'BOUND'
  | 'CANCELLED'
  | 'ENDORSED'
  | 'IN_REVIEW'
  | 'NOT_PAID'
  | 'PAID'
  | 'RETURNED'

/** The message that tells a fact. */
export const TEMPLATE_OF_FACT: Readonly<Record<NotificationFact, HolderTemplate>> = {
  BOUND: 'policy-bound',
  CANCELLED: 'policy-cancelled',
  ENDORSED: 'policy-endorsed',
  IN_REVIEW: 'policy-in-review',
  NOT_PAID: 'policy-not-paid',
  PAID: 'payout-paid',
  RETURNED: 'payout-returned',
  APPEAL_RECEIVED: 'appeal-received',
  APPEAL_STANDS: 'appeal-stands',
  APPEAL_UPHELD: 'appeal-upheld',
}

/**
 * The wording in force. A change of words raises it; what was queued before keeps the old number, and
 * the old words stay in `messages/` until nothing queued has it.
 */
export const TEMPLATE_VERSIONS: Readonly<Record<NotificationTemplate, number>> = {
  'policy-bound': 2,
  'policy-cancelled': 2,
  'policy-endorsed': 1,
  'policy-in-review': 1,
  'policy-not-paid': 2,
  'payout-paid': 1,
  'payout-returned': 1,
  'appeal-received': 1,
  'appeal-stands': 1,
  'appeal-upheld': 1,
  'operator-notice': 1,
}

/** Why a notification was not sent or did not arrive; what a provider says comes as its own code. */
export const NOTIFICATION_REASONS = {
  noContact: 'NO_CONTACT',
  noAddress: 'NO_ADDRESS',
  optedOut: 'OPTED_OUT',
  channelNotConfigured: 'CHANNEL_NOT_CONFIGURED',
  noLongerTrue: 'NO_LONGER_TRUE',
  byOperator: 'BY_OPERATOR',
  attemptsExhausted: 'ATTEMPTS_EXHAUSTED',
  tooOld: 'TOO_OLD',
  addressGone: 'ADDRESS_GONE',
} as const

/** A review of this age is told to the holders whose policies wait for it. */
export const REVIEW_TOLD_AFTER_MS = DAY_MS

/** The first wait between two tries; each further one is twice as long. */
const FIRST_WAIT_MS = SECOND_MS
/** No wait is longer: a channel that came back is noticed within this. */
const LONGEST_WAIT_MS = 15 * MINUTE_MS
/** What could not be told within this is no news any more. */
export const TOO_OLD_AFTER_MS = 3 * DAY_MS

/** What is known of a message that could not be sent just now. */
export type FailedTry = {
  /** Tries that failed by the message's own fault so far, this one included. */
  readonly attempts: number
  /** Such tries in all before it is given up. */
  readonly attemptsAtMost: number
  /** Since it was queued. */
  readonly ageMs: number
  /** What the provider asked for; null when it did not say. */
  readonly retryAfterMs: number | null
  /** The channel as a whole is away: no message's own fault, so nothing is counted against it. */
  readonly isChannelDown: boolean
}

/** Try again after a wait, or give up with a reason. */
export type RetryPlan =
  | { readonly kind: 'retry'; readonly inMs: number }
  | { readonly kind: 'give-up'; readonly reason: string }

/**
 * What to do with a message that could not be sent. Exponential from a second: by the tries, or while
 * the channel is away by the message's age, as its tries are not counted then.
 */
export function planRetry(failed: FailedTry): RetryPlan {
  const { attempts, attemptsAtMost, ageMs, isChannelDown } = failed
  if (ageMs >= TOO_OLD_AFTER_MS) return { kind: 'give-up', reason: NOTIFICATION_REASONS.tooOld }
  if (!isChannelDown && attempts >= attemptsAtMost) {
    return { kind: 'give-up', reason: NOTIFICATION_REASONS.attemptsExhausted }
  }
  const doubledMs = FIRST_WAIT_MS * 2 ** Math.min(Math.max(attempts, 1) - 1, 20)
  const backoffMs = isChannelDown ? Math.max(FIRST_WAIT_MS, Math.floor(ageMs / 2)) : doubledMs
  const askedMs = Math.min(failed.retryAfterMs ?? 0, DAY_MS)
  return { kind: 'retry', inMs: Math.max(Math.min(backoffMs, LONGEST_WAIT_MS), askedMs) }
}
