/** Sends a batch, waits as long as its messages ask for, and gives back what takes longer. */
import { proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow'

import type { NotificationActivities } from '../activities/notification.ts'
import { MINUTE_MS, SECOND_MS } from '../domain/time.ts'
import type { NotificationInput, NotificationResult } from '../jobs/notification.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

/** What has to wait longer goes back to the queue: a run is no place to sit out an outage. */
const LONGEST_WAIT_MS = MINUTE_MS

/** Seven tries of a message are six waits; more rounds are messages that fail one after the other. */
const ROUNDS_AT_MOST = 10

const { claimNotifications, releaseNotifications } =
  proxyActivities<NotificationActivities>(SHORT_STEP)

const { sendNotifications } = proxyActivities<NotificationActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: STEP_RETRY,
})

/** Sends. Returns what became of the messages. */
export async function notification(input: NotificationInput): Promise<NotificationResult> {
  const account: NotificationResult = { sent: 0, suppressed: 0, failed: 0, retried: 0, released: 0 }
  const batchId = input.batchId ?? (await claimNotifications(input.notificationIds ?? []))
  // Nothing of it is free: another batch has it, or it was sent.
  if (batchId === null) return account
  for (let round = 1; ; round += 1) {
    const step = await sendNotifications({ batchId })
    account.sent += step.sent
    account.suppressed += step.suppressed
    account.failed += step.failed
    account.retried += step.retried
    setCurrentDetails(`${account.sent} sent, ${account.failed} failed, ${step.open} open`)
    if (step.open === 0 || step.nextInMs === null) return account
    if (step.nextInMs > LONGEST_WAIT_MS || round >= ROUNDS_AT_MOST) {
      await releaseNotifications({ batchId })
      return { ...account, released: step.open }
    }
    // The server knows no finer timers.
    await sleep(Math.max(SECOND_MS, step.nextInMs))
  }
}
