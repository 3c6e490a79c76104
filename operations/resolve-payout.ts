/**
 * Finds out what became of one payout without an answer. A look-up by group comes before any new key:
 * two keys for one payout could pay it twice.
 */
import { isAbsenceProven, nextStep } from '../domain/payout-resolution.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { PaymentProvider, Transfer } from '../domain/ports/payment-provider.ts'
import type { AttemptKey, PayoutStore, PayoutToResolve } from '../domain/ports/payout-store.ts'
import { addMs, HOUR_MS, type Instant } from '../domain/time.ts'
import { sortTransfer } from './payout-answers.ts'

/**
 * settled: it is paid, or accepted and will be confirmed. unknown: not known yet; submit the same key again, or look up again later (two
 * empty look-ups must lie 10 minutes apart). new-attempt: submit it, it gets a new key. review: nothing
 * moves by itself any more, a person decides.
 */
export type PayoutResolution = 'settled' | 'unknown' | 'new-attempt' | 'review'

/** There is no payout with this id. Never retried. */
export class PayoutNotFoundError extends Error {
  override readonly name = 'PayoutNotFoundError'
  readonly code = 'PAYOUT_NOT_FOUND'

  constructor(payoutId: string) {
    super(`payout ${payoutId} does not exist`)
  }
}

/** The rail's clock may be behind ours by so much. */
const BALANCE_MARGIN_MS = HOUR_MS

type ResolveDeps = {
  readonly payoutStore: PayoutStore
  readonly payments: PaymentProvider
  /** Rails that were used before; an attempt is looked up at the one that it was sent to. */
  readonly otherRails?: readonly PaymentProvider[]
  readonly clock: Clock
}

/**
 * Adopts the transfer that the rail has for the payout, or, when it has none for sure, closes the
 * attempt so that a new one may follow. Does nothing while the same key may still be sent. Repeatable.
 * Throws PayoutNotFoundError, and PaymentLookupError (retryable) when the rail cannot be asked.
 */
export async function resolvePayout(
  deps: ResolveDeps,
  input: { readonly payoutId: string },
): Promise<{ kind: PayoutResolution }> {
  const payout = await deps.payoutStore.readForResolving(input.payoutId)
  if (payout === null) throw new PayoutNotFoundError(input.payoutId)
  const { attempt } = payout
  if (payout.state !== 'SUBMITTED' || attempt === null) return { kind: withoutAttempt(payout) }
  // Another rail knows nothing of it, and its silence must not be taken for absence.
  const rails = [deps.payments, ...(deps.otherRails ?? [])]
  const rail = rails.find(({ id }) => id === attempt.provider)
  if (rail === undefined) return { kind: 'unknown' }
  const now = await deps.clock.now()
  if (nextStep(attempt, now) === 'resend') return { kind: 'unknown' }
  const transfers = await rail.findByGroup({
    group: payout.payoutId,
    payeeRef: payout.payeeRef,
  })
  if (transfers.length > 0) await recordFound(deps, payout, attempt, transfers)
  else if (!isAbsenceProven(attempt, now)) {
    await deps.payoutStore.recordAbsence(attempt, now)
    return { kind: 'unknown' }
  } else {
    // Before a new key could pay twice, money that no look-up finds would still be missing from the balance.
    const { payoutId: group, payeeRef } = payout
    const since = addMs(attempt.startedAt, -BALANCE_MARGIN_MS)
    const onBalance = await rail.findOnBalance({ group, payeeRef, since })
    if (onBalance !== null && onBalance.length > 0) {
      await recordFound(deps, payout, attempt, onBalance)
    } else await deps.payoutStore.abandonAttempt(attempt, now)
  }
  const after = await deps.payoutStore.readForResolving(input.payoutId)
  return { kind: after === null ? 'review' : withoutAttempt(after) }
}

/** One transfer as wanted is adopted; anything else moved money that nobody asked for. */
async function recordFound(
  deps: ResolveDeps,
  payout: PayoutToResolve,
  attempt: AttemptKey,
  transfers: readonly Transfer[],
): Promise<void> {
  const at: Instant = await deps.clock.now()
  const [first] = transfers.map((transfer) => sortTransfer(attempt, payout, transfer))
  if (first?.kind === 'accepted' && transfers.length === 1) {
    await deps.payoutStore.recordAccepted([first.answer], at)
    return
  }
  if (first?.kind === 'in-transit' && transfers.length === 1) {
    await deps.payoutStore.recordInTransit([first.answer], at)
    return
  }
  const transferIds = transfers.map((transfer) => transfer.id)
  const differences =
    first?.kind === 'mismatched' && transfers.length === 1
      ? first.answer.differences
      : { transfers: ['1', String(transfers.length)] as const }
  const transferId = transferIds.join(' ')
  const { payoutId, n } = attempt
  await deps.payoutStore.recordMismatched([{ payoutId, n, transferId, differences }], at)
}

/** What is true of a payout that no open attempt decides. */
function withoutAttempt(payout: PayoutToResolve): PayoutResolution {
  switch (payout.state) {
    case 'PAID':
    case 'IN_TRANSIT':
      return 'settled'
    case 'CREATED':
    case 'APPROVED':
      return 'new-attempt'
    case 'SUBMITTED':
      return payout.attempt === null ? 'review' : 'unknown'
    case 'FAILED':
    case 'RETURNED':
    case 'CANCELLED':
      return 'review'
  }
}
