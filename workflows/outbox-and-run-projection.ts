/**
 * A minute of passes. Steps are local: a queue that an operator paused, or whose workers' slots are
 * all taken, still runs what watches it.
 */
import {
  isCancellation,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
} from '@temporalio/workflow'

import type { OutboxAndRunProjectionActivities } from '../activities/outbox-and-run-projection.ts'
import { MINUTE_MS, SECOND_MS, toMs } from '../domain/time.ts'
import type {
  OutboxAndRunProjectionInput,
  OutboxAndRunProjectionResult,
} from '../jobs/outbox-and-run-projection.ts'
import { nominalTime } from './shared/nominal-time.ts'

/** Between the beginnings of two passes. */
const SLOT_MS = 5 * SECOND_MS

/** No pass begins later: it would still be at work when the next minute's run is to start. */
const LAST_BEGIN_MS = MINUTE_MS - 4 * SECOND_MS

/** Timers are not finer. */
const LEAST_WAIT_MS = SECOND_MS

const { projectRuns } = proxyLocalActivities<OutboxAndRunProjectionActivities>({
  startToCloseTimeout: '40 seconds',
  // The next pass is the retry.
  retry: { maximumAttempts: 1 },
})

/** Passes until the minute is over, at least one. Returns what they did together. */
export async function outboxAndRunProjection(
  _input: OutboxAndRunProjectionInput,
): Promise<OutboxAndRunProjectionResult> {
  const beganAtMs = toMs(nominalTime())
  const total = { ...NOTHING }
  for (;;) {
    const passAtMs = Date.now()
    await pass(total)
    const nextAtMs = Math.max(passAtMs + SLOT_MS, Date.now() + LEAST_WAIT_MS)
    if (nextAtMs > beganAtMs + LAST_BEGIN_MS) break
    await sleep(nextAtMs - Date.now())
  }
  setCurrentDetails(
    `${total.passes} passes, ${total.failedPasses} failed: ${total.changed} runs moved`,
  )
  return total
}

type Total = {
  -readonly [Field in keyof OutboxAndRunProjectionResult]: OutboxAndRunProjectionResult[Field]
}

const NOTHING: Total = {
  passes: 0,
  failedPasses: 0,
  listed: 0,
  changed: 0,
  endsRead: 0,
  pruned: 0,
  isCurrent: false,
}

async function pass(total: Total): Promise<void> {
  total.passes += 1
  try {
    const done = await projectRuns({ isFull: total.passes === 1 })
    total.listed += done.listed
    total.changed += done.changed
    total.endsRead += done.endsRead
    total.pruned += done.pruned
    total.isCurrent = done.isCurrent
  } catch (error) {
    if (isCancellation(error)) throw error
    // One lost pass is covered by the next; many are for somebody to be told.
    total.failedPasses += 1
    total.isCurrent = false
    if (total.failedPasses >= FAILED_PASSES_AT_MOST) throw error
  }
}

/** A minute of failures fails its run, so that somebody is told. */
const FAILED_PASSES_AT_MOST = 6
