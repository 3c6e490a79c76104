/** Empties the outbox: facts become notifications, notifications become batches, each with its run. */
import { REVIEW_TOLD_AFTER_MS } from '../domain/notification.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type {
  NotificationStore,
  RecordedDelivery,
  RelayPass,
} from '../domain/ports/notification-store.ts'
import type { Notifiers } from '../domain/ports/notifier.ts'
import { addMs, MINUTE_MS, SECOND_MS } from '../domain/time.ts'
import { notifyOperators, type NotifyOperatorsDeps } from './notify-operators.ts'
import { NOTIFICATION_LEASE_MS } from './send-notifications.ts'

/** What the relay works over. */
export type RelayNotificationsDeps = NotifyOperatorsDeps & {
  readonly notificationStore: NotificationStore
  readonly notifiers: Notifiers
  readonly clock: Clock
  /** Starts the `notification` run of a batch; does nothing when it was started before. */
  readonly startBatch: (batchId: string) => Promise<void>
}

/** What one pass did. */
export type RelayedNotifications = {
  readonly facts: number
  readonly queued: number
  readonly suppressed: number
  readonly batchesStarted: number
  readonly delivered: number
  readonly bounced: number
  /** Queued and not sent, afterwards. */
  readonly backlog: number
  readonly oldestQueuedMs: number | null
}

/** Facts per statement: some tens of milliseconds. */
const FACTS_PER_PAGE = 1_000
/** A storm of more is relayed by the next passes. */
const PAGES_PER_PASS = 20
const REVIEWS_PER_PASS = 100
/** One run of the server is worth a hundred messages: it takes tens of runs a second at most. */
const MESSAGES_PER_BATCH = 100
/** Batches at work at once, of all processes: what is claimed and not sent waits anyway. */
const BATCHES_AT_WORK = 20
/** How long after it was taken a message's delivery is first asked for. */
const DELIVERY_ASKED_AFTER_MS = 30 * SECOND_MS
const DELIVERIES_PER_PASS = 50
/** Older than this, the queue is stuck: a channel is away, or nobody sends. */
const BACKLOG_ALARM_MS = 15 * MINUTE_MS

/**
 * One pass. Safe to repeat and to run at once from many processes: facts and notifications are locked
 * and skipped. A batch whose start got lost is started by the next try of the pass; when there is none, it is
 * claimed again after its lease.
 */
export async function relayNotifications(
  deps: RelayNotificationsDeps,
  pass: RelayPass,
  signal?: AbortSignal,
): Promise<RelayedNotifications> {
  const { notificationStore, clock } = deps
  const openedBefore = addMs(await clock.now(), -REVIEW_TOLD_AFTER_MS)
  await notificationStore.noteLongReviews(openedBefore, REVIEWS_PER_PASS)
  const made = { facts: 0, queued: 0, suppressed: 0 }
  for (let page = 0; page < PAGES_PER_PASS; page += 1) {
    signal?.throwIfAborted()
    const { facts, queued, suppressed } = await notificationStore.queueFacts(FACTS_PER_PAGE)
    made.facts += facts
    made.queued += queued
    made.suppressed += suppressed
    if (facts < FACTS_PER_PAGE) break
  }
  const batchIds = await notificationStore.claimBatches({
    pass,
    batchSize: MESSAGES_PER_BATCH,
    batchesAtMost: BATCHES_AT_WORK,
    leaseMs: NOTIFICATION_LEASE_MS,
  })
  for (const batchId of batchIds) await deps.startBatch(batchId)
  const deliveries = await askForDeliveries(deps, signal)
  const { queued: backlog, oldestMs } = await notificationStore.backlog()
  await tellBacklog(deps, backlog, oldestMs)
  return {
    ...made,
    batchesStarted: batchIds.length,
    ...deliveries,
    backlog,
    oldestQueuedMs: oldestMs,
  }
}

/** What providers took some time ago may have arrived, or not. */
async function askForDeliveries(
  { notificationStore, notifiers }: RelayNotificationsDeps,
  signal: AbortSignal | undefined,
): Promise<{ delivered: number; bounced: number }> {
  const messages = await notificationStore.listUndelivered(
    DELIVERY_ASKED_AFTER_MS,
    DELIVERIES_PER_PASS,
  )
  const heard: RecordedDelivery[] = []
  for (const { notificationId, channel, providerRef } of messages) {
    const report = await notifiers[channel]?.delivery?.(providerRef, signal)
    if (report?.kind === 'delivered') heard.push({ notificationId, kind: 'delivered' })
    if (report?.kind === 'bounced') {
      heard.push({ notificationId, kind: 'bounced', code: report.code })
    }
  }
  await notificationStore.recordDeliveries(heard)
  const delivered = heard.filter(({ kind }) => kind === 'delivered').length
  return { delivered, bounced: heard.length - delivered }
}

async function tellBacklog(
  deps: NotifyOperatorsDeps,
  backlog: number,
  oldestMs: number | null,
): Promise<void> {
  const key = 'notifications:backlog'
  if (oldestMs !== null && oldestMs >= BACKLOG_ALARM_MS) {
    const minutes = Math.floor(oldestMs / MINUTE_MS)
    await notifyOperators(deps, {
      key,
      severity: 'warning',
      subject: 'notifications wait',
      text:
        `${backlog} notifications wait, the oldest for ${minutes} minutes. Look which channel fails: ` +
        '`groundstop notifications list --state QUEUED`. What to do is in docs/runbooks/notification.md.',
    })
    return
  }
  const subject = 'notifications are sent again'
  await notifyOperators(deps, {
    key,
    severity: 'recovered',
    subject,
    text: 'The queue is short again.',
  })
}
