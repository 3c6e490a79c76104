/** The steps of a payout run, as Temporal calls them. Thin: the work is in operations. */
import { Context } from '@temporalio/activity'

import { approvePayouts as approveBatch } from '../operations/approve-payouts.ts'
import { cancelPayouts as cancelUnsent } from '../operations/cancel-payouts.ts'
import { openPayoutReview } from '../operations/open-payout-review.ts'
import {
  planPayoutRetry,
  type PayoutRetryPlan,
  type PayoutWaitKind,
} from '../operations/plan-payout-retry.ts'
import { resolvePayout } from '../operations/resolve-payout.ts'
import { submitPayouts as submitTransfers } from '../operations/submit-payouts.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Transfers of one batch on the wire at once; the adapter's own bound holds for the process. */
const SUBMIT_CONCURRENCY = 32

/** Results stored by one statement: few round trips, little to look up again after a crash. */
const SUBMIT_FLUSH_SIZE = 100

/** A batch, or some payouts by id. */
export type PayoutTarget = { readonly batchId: string } | { readonly payoutIds: readonly string[] }

/** How many payouts of a batch may be sent, and how many are held back. */
export type Approval = {
  readonly approved: number
  readonly held: number
  /** Of those held: a second person is needed. Absent when there are none. */
  readonly awaitingSecond?: number
}

/** How one round of transfers ended. */
export type Submission = {
  /** Paid, counting those that an earlier attempt of this step had settled already. */
  readonly settled: number
  readonly rejectedPayoutIds: readonly string[]
  /** Sent, but what became of them is not known. */
  readonly unknownPayoutIds: readonly string[]
  /**
   * Kept back by a control; those of them that were approved are among the unknown as well, where
   * runs from before this field look for what is still open.
   */
  readonly heldPayoutIds?: readonly string[]
  /** Accepted by the rail, which will confirm them; absent when there are none. */
  readonly inTransit?: number
}

/** What the steps need: the operations' own needs, and the speed of the business clock. */
export type PayoutDeps = Parameters<typeof approveBatch>[0] &
  Parameters<typeof submitTransfers>[0] &
  Parameters<typeof resolvePayout>[0] &
  Parameters<typeof cancelUnsent>[0] &
  Parameters<typeof openPayoutReview>[0] & {
    /** Virtual seconds per wall second: 1 on wall time, 0 while stopped. */
    readonly clockSpeed: () => Promise<number>
    readonly events: Events
  }

/** The activities of `payout`. All may be repeated: the database and the rail know what was done. */
export function createPayoutActivities(deps: PayoutDeps) {
  return mapFailures({
    /** Approves what may be paid of a batch; the kill switch or a limit holds the rest. */
    async approvePayouts(
      input: PayoutTarget & { readonly approvedBy?: string; readonly reason?: string },
    ): Promise<Approval> {
      const { workflowExecution, activityId } = Context.current().info
      // Every try of this step is the same request of the same person.
      const requestId = `${workflowExecution?.runId ?? 'none'}/${activityId}`
      const approval = await approveBatch(deps, { ...input, requestId })
      const { approved, heldPayoutIds, awaitingSecond } = approval
      const batchId = labelOf(input)
      if (approved > 0) deps.events.payoutsApproved({ batchId, count: approved })
      const held = heldPayoutIds.length
      if (held > 0) deps.events.payoutsHeld({ batchId, count: held })
      return { approved, held, ...(awaitingSecond === undefined ? {} : { awaitingSecond }) }
    },

    /** Sends every approved transfer that has no stored result, each under its own key. */
    async submitPayouts(input: PayoutTarget): Promise<Submission> {
      using heartbeats = startHeartbeats()
      const options = {
        concurrency: SUBMIT_CONCURRENCY,
        flushSize: SUBMIT_FLUSH_SIZE,
        onProgress: heartbeats.onProgress,
        signal: heartbeats.signal,
      }
      const submission = await submitTransfers(deps, input, options)
      tellSubmitted(deps.events, input, submission)
      return submission
    },

    /**
     * Looks payouts up at the rail before anything is sent under a new key. Those that cannot be
     * looked up now stay as they are. Returns how many are still to be sent or looked up again.
     */
    async resolvePayouts(input: {
      readonly payoutIds: readonly string[]
    }): Promise<{ readonly open: number }> {
      using heartbeats = startHeartbeats(input.payoutIds.length)
      let open = input.payoutIds.length
      for (const [i, payoutId] of input.payoutIds.entries()) {
        heartbeats.signal.throwIfAborted()
        const kind = await resolveOne(deps, payoutId)
        if (kind === 'unreachable') break // The rail is out: the others would wait for nothing.
        if (kind === 'settled' || kind === 'review') open -= 1
        heartbeats.onProgress(i + 1, input.payoutIds.length)
      }
      return { open }
    },

    /** Opens a review case for each payout that has none open for this reason. */
    async openPayoutReviews(input: {
      readonly payoutIds: readonly string[]
      readonly reason: string
    }): Promise<void> {
      using _heartbeats = startHeartbeats(input.payoutIds.length)
      for (const payoutId of input.payoutIds) {
        await openPayoutReview(deps, { payoutId, reason: input.reason })
        deps.events.payoutReviewOpened({ payoutId, reason: input.reason })
      }
    },

    /** Cancels what has not been sent; what may have moved money stays as it is. */
    async cancelPayouts(
      input: PayoutTarget & { readonly by: string; readonly reason: string },
    ): Promise<{ readonly cancelled: number; readonly refused: number }> {
      const { cancelled, refusedPayoutIds } = await cancelUnsent(deps, input)
      return { cancelled, refused: refusedPayoutIds.length }
    },

    /** When to try again, in wall time, or to wait for people. */
    async planPayoutRetry(input: {
      readonly kind: PayoutWaitKind
      readonly rounds: number
    }): Promise<PayoutRetryPlan> {
      return planPayoutRetry({ speed: await deps.clockSpeed() }, input)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type PayoutActivities = ReturnType<typeof createPayoutActivities>

function tellSubmitted(events: Events, target: PayoutTarget, submission: Submission): void {
  const batchId = labelOf(target)
  if (submission.settled > 0) events.payoutsSettled({ batchId, count: submission.settled })
  for (const payoutId of submission.rejectedPayoutIds) events.payoutRejected({ payoutId })
  const held = new Set(submission.heldPayoutIds)
  for (const payoutId of submission.unknownPayoutIds.filter((id) => !held.has(id))) {
    events.payoutUnknown({ payoutId })
  }
}

/** Log lines name the batch; a payout that goes alone has none. */
function labelOf(target: PayoutTarget): string {
  return 'batchId' in target ? target.batchId : 'none'
}

async function resolveOne(
  deps: PayoutDeps,
  payoutId: string,
): Promise<'settled' | 'unknown' | 'new-attempt' | 'review' | 'unreachable'> {
  try {
    return (await resolvePayout(deps, { payoutId })).kind
  } catch (error) {
    if (error instanceof Error && error.name === 'PaymentLookupError') return 'unreachable'
    throw error
  }
}
