/** A minute of passes over the outbox, ten seconds apart: few histories for a short cadence. */
import { proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow'

import type { NotificationRelayActivities } from '../activities/notification-relay.ts'
import type { NotificationRelayInput, NotificationRelayResult } from '../jobs/notification-relay.ts'

const PASSES_A_MINUTE = 6

// A pass that fails is the next one's work: two tries, so that a minute stays a minute.
const { relayNotifications } = proxyActivities<NotificationRelayActivities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumAttempts: 2 },
})

/** Relays. Fails when a pass fails twice: the next minute goes on, and the alarm is told. */
export async function notificationRelay({
  passes = PASSES_A_MINUTE,
}: NotificationRelayInput): Promise<NotificationRelayResult> {
  const account = { passes: 0, queued: 0, suppressed: 0, batchesStarted: 0 }
  const heard = { delivered: 0, bounced: 0 }
  for (;;) {
    const pass = await relayNotifications()
    account.passes += 1
    account.queued += pass.queued
    account.suppressed += pass.suppressed
    account.batchesStarted += pass.batchesStarted
    heard.delivered += pass.delivered
    heard.bounced += pass.bounced
    setCurrentDetails(
      `${account.queued} queued, ${pass.backlog} waiting after pass ${account.passes}`,
    )
    if (account.passes >= passes) return { ...account, ...heard, backlog: pass.backlog }
    await sleep('10 seconds')
  }
}
