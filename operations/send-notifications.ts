/** Sends what is due of a batch: composes, hands over by channel, and writes down what became of it. */
import {
  NOTIFICATION_REASONS,
  planRetry,
  type NotificationChannel,
} from '../domain/notification.ts'
import type {
  DueMessage,
  NotificationStore,
  RecordedOutcome,
} from '../domain/ports/notification-store.ts'
import type { Notifiers, SendOutcome } from '../domain/ports/notifier.ts'
import { MINUTE_MS } from '../domain/time.ts'
import { forEachConcurrently } from './bounded-concurrency.ts'
import { composeMessage, type ComposeDeps } from './compose-message.ts'

/** What sending works over. */
export type SendNotificationsDeps = ComposeDeps & {
  readonly notificationStore: NotificationStore
  readonly notifiers: Notifiers
  /** Tries of a message that fails by its own fault. */
  readonly attemptsAtMost: number
}

/** Progress and cancellation. */
export type SendOptions = {
  readonly signal?: AbortSignal
  /** Told after each group. */
  readonly onProgress?: (done: number) => void
}

/** What one step did, and how the batch stands. */
export type SentNotifications = {
  readonly sent: number
  readonly suppressed: number
  readonly failed: number
  /** Could not be sent now. */
  readonly retried: number
  readonly open: number
  /** Wall milliseconds until the first open one may be tried; null when none is open. */
  readonly nextInMs: number | null
  /** By channel and outcome, for metrics. */
  readonly counts: readonly {
    readonly channel: NotificationChannel
    readonly outcome: RecordedOutcome['kind']
    readonly count: number
  }[]
}

/** Messages on their way at once, by channel: what a provider takes from one sender without complaint. */
const CONCURRENCY: Readonly<Record<NotificationChannel, number>> = {
  email: 5,
  sms: 5,
  push: 10,
  // One message a second and channel is the documented limit.
  slack: 1,
  webhook: 5,
}

/**
 * Messages between two writes. A process that dies has sent at most these without a record, and they
 * are sent again under the same ids.
 */
const MESSAGES_PER_GROUP = 20

/** Longer than a group takes when each of its messages times out. */
export const NOTIFICATION_LEASE_MS = 15 * MINUTE_MS

/**
 * Sends everything of the batch that may be tried now. Safe to repeat: what was sent and written down
 * is passed over; what was sent and not written down is sent again with the id that it had. Rejects on
 * the signal, after what is on its way was written down.
 */
export async function sendNotifications(
  deps: SendNotificationsDeps,
  batchId: string,
  options: SendOptions = {},
): Promise<SentNotifications> {
  const { notificationStore } = deps
  const tally = new Map<
    string,
    { channel: NotificationChannel; outcome: RecordedOutcome['kind'] }[]
  >()
  let done = 0
  for (;;) {
    options.signal?.throwIfAborted()
    const page = { limit: MESSAGES_PER_GROUP, leaseMs: NOTIFICATION_LEASE_MS }
    const messages = await notificationStore.takeMessages(batchId, page)
    if (messages.length === 0) break
    const outcomes: RecordedOutcome[] = []
    try {
      await sendGroup(deps, messages, outcomes, options.signal)
    } finally {
      await notificationStore.recordOutcomes(batchId, outcomes)
    }
    const channels = new Map(messages.map((one) => [one.notificationId, one.channel]))
    for (const { notificationId, kind: outcome } of outcomes) {
      const channel = channels.get(notificationId) ?? 'email'
      const key = `${channel}|${outcome}`
      tally.set(key, [...(tally.get(key) ?? []), { channel, outcome }])
    }
    done += messages.length
    options.onProgress?.(done)
  }
  return { ...totalsOf(tally), ...(await notificationStore.standing(batchId)) }
}

type Tally = ReadonlyMap<
  string,
  readonly { channel: NotificationChannel; outcome: RecordedOutcome['kind'] }[]
>

function totalsOf(tally: Tally): Omit<SentNotifications, 'open' | 'nextInMs'> {
  const counts = [...tally.values()].flatMap((all) =>
    all[0] === undefined ? [] : [{ ...all[0], count: all.length }],
  )
  const total = (kind: RecordedOutcome['kind']): number =>
    counts.filter(({ outcome }) => outcome === kind).reduce((sum, { count }) => sum + count, 0)
  return {
    sent: total('sent'),
    suppressed: total('suppressed'),
    failed: total('failed'),
    retried: total('retry'),
    counts,
  }
}

/** Channels side by side, each within its own bound; one that is away is not asked for every message. */
async function sendGroup(
  deps: SendNotificationsDeps,
  messages: readonly DueMessage[],
  outcomes: RecordedOutcome[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const byChannel = Map.groupBy(messages, ({ channel }) => channel)
  const channels = [...byChannel].map(async ([channel, ofChannel]) => {
    let down: SendOutcome | null = null
    await forEachConcurrently(
      ofChannel,
      { concurrency: CONCURRENCY[channel], signal },
      async (message) => {
        const outcome = down ?? (await tryToSend(deps, message, signal))
        if (outcome.kind === 'retry' && outcome.isChannelDown) down = outcome
        outcomes.push(recordOf(deps, message, outcome))
      },
    )
  })
  const ends = await Promise.allSettled(channels)
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** What is not sent at all, beside what a channel may answer. */
type TryOutcome = SendOutcome | { readonly kind: 'suppressed'; readonly reason: string }

async function tryToSend(
  deps: SendNotificationsDeps,
  message: DueMessage,
  signal: AbortSignal | undefined,
): Promise<TryOutcome> {
  const { channel, address, notificationId, locale } = message
  const notifier = deps.notifiers[channel]
  const suppressed = (reason: string): TryOutcome => ({ kind: 'suppressed', reason })
  if (notifier === undefined) return suppressed(NOTIFICATION_REASONS.channelNotConfigured)
  if (address === null) return suppressed(NOTIFICATION_REASONS.noAddress)
  const composed = await composeMessage(deps, message)
  if (composed === null) return suppressed(NOTIFICATION_REASONS.noLongerTrue)
  const outcome = await notifier.send({ ...composed, notificationId, address, locale }, signal)
  // A channel may be there for holders and have nobody to tell operators by.
  const isNobodyThere =
    outcome.kind === 'refused' && outcome.code === NOTIFICATION_REASONS.channelNotConfigured
  return isNobodyThere ? suppressed(outcome.code) : outcome
}

function recordOf(
  { attemptsAtMost }: SendNotificationsDeps,
  { notificationId, attempts, ageMs }: DueMessage,
  outcome: TryOutcome,
): RecordedOutcome {
  switch (outcome.kind) {
    case 'sent': {
      const { providerRef, isDelivered } = outcome
      return { notificationId, kind: 'sent', providerRef, isDelivered }
    }
    case 'suppressed':
      return { notificationId, kind: 'suppressed', reason: outcome.reason }
    case 'refused': {
      const { code: reason, isAddressGone } = outcome
      return { notificationId, kind: 'failed', reason, isAddressGone }
    }
    case 'retry': {
      const { isChannelDown, retryAfterMs, code } = outcome
      const tried = isChannelDown ? attempts : attempts + 1
      const plan = planRetry({
        attempts: tried,
        attemptsAtMost,
        ageMs,
        retryAfterMs,
        isChannelDown,
      })
      if (plan.kind === 'give-up') {
        return { notificationId, kind: 'failed', reason: plan.reason, isAddressGone: false }
      }
      return { notificationId, kind: 'retry', code, inMs: plan.inMs, isCounted: !isChannelDown }
    }
  }
}
