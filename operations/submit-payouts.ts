/**
 * Sends the approved payouts of a selection, each exactly once however often this is repeated or
 * wherever it dies: what is about to be sent is committed before, under its key (A), then sent (B), then
 * what was heard is committed (C). Only answers between B and C can be lost, and the rail gives those
 * again for the same key.
 */
import type { Clock } from '../domain/ports/clock.ts'
import type { PaymentProvider, TransferRequest } from '../domain/ports/payment-provider.ts'
import type {
  OpenAttempt,
  PayoutSelection,
  PayoutStanding,
  PayoutStore,
} from '../domain/ports/payout-store.ts'
import { AnswerBuffer } from './answer-buffer.ts'
import { sortOutcome } from './payout-answers.ts'

/** Requests on the wire at once when the caller does not say. */
const DEFAULT_CONCURRENCY = 32

/** Answers recorded by one statement when the caller does not say. */
const DEFAULT_FLUSH_SIZE = 100

/** How hard the rail is asked, and how often answers are stored. */
export type SubmitOptions = {
  /** Requests on the wire at once, from 1. */
  readonly concurrency?: number
  /** Answers that one statement records. A crash repeats at most these and those on the wire. */
  readonly flushSize?: number
  /** After each record: answers recorded, of all attempts to send. */
  readonly onProgress?: (done: number, total: number) => void
  /** Aborted: nothing new is sent, what is on the wire is awaited and recorded, then its reason is thrown. */
  readonly signal?: AbortSignal
}

type SubmitDeps = {
  readonly payoutStore: PayoutStore
  /** The rail of new attempts. */
  readonly payments: PaymentProvider
  /** Rails that were used before: their open attempts are sent there, and nowhere else. */
  readonly otherRails?: readonly PaymentProvider[]
  readonly clock: Clock
}

/**
 * Opens an attempt for every APPROVED payout, sends all open attempts and returns where the selection
 * stands; what an earlier call settled counts. Attempts too old to be sent again, or whose server error
 * is stored at the rail, are left to `resolvePayout` and returned as unknown. Payouts that the kill switch
 * or a rail without balance keeps are returned as held as well. Throws the signal's reason when aborted, and errors of the database.
 */
export async function submitPayouts(
  deps: SubmitDeps,
  selection: PayoutSelection,
  options: SubmitOptions = {},
): Promise<PayoutStanding> {
  const { payoutStore, payments, clock } = deps
  const provider = payments.id
  await payoutStore.openAttempts(selection, { provider, at: await clock.now() })
  for (const rail of [payments, ...(deps.otherRails ?? [])]) {
    const open = { provider: rail.id, now: await clock.now() }
    const attempts = await payoutStore.listSendableAttempts(selection, open)
    if (attempts.length > 0) await sendAll({ ...deps, payments: rail }, attempts, options)
    options.signal?.throwIfAborted()
  }
  return payoutStore.readStanding(selection, provider)
}

/** B and C: senders take attempts one by one; the buffer records beside them. */
async function sendAll(
  deps: SubmitDeps,
  attempts: readonly OpenAttempt[],
  options: SubmitOptions,
): Promise<void> {
  const buffer = new AnswerBuffer(deps, {
    flushSize: options.flushSize ?? DEFAULT_FLUSH_SIZE,
    total: attempts.length,
    onProgress: options.onProgress,
  })
  let next = 0
  let hasFailed = false
  const sendUntilDone = async (): Promise<void> => {
    while (options.signal?.aborted !== true && !hasFailed && !buffer.hasFailed) {
      const attempt = attempts[next]
      next += 1
      if (attempt === undefined) return
      // The signal is not passed on: an answer that is on its way is worth waiting for.
      const outcome = await deps.payments.createTransfer(requestOf(attempt))
      buffer.add(sortOutcome(attempt, attempt, outcome))
    }
  }
  const senderCount = Math.min(options.concurrency ?? DEFAULT_CONCURRENCY, attempts.length)
  const senders = Array.from({ length: senderCount }, () =>
    sendUntilDone().catch((error: unknown) => {
      hasFailed = true
      throw error
    }),
  )
  const ends = await Promise.allSettled(senders)
  // What the others heard is recorded before a failure is told.
  await buffer.close()
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** The request of an attempt: the same attempt gives the same bytes (the store's hash covers all parts). */
function requestOf(attempt: OpenAttempt): TransferRequest {
  return {
    amount: attempt.amount,
    payeeRef: attempt.payeeRef,
    group: attempt.payoutId,
    idempotencyKey: attempt.idempotencyKey,
    metadata: { payout_id: attempt.payoutId, policy_id: attempt.policyId },
  }
}
