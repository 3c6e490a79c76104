/** Carries over what a rail says now about a payment that it accepted before. */
import type { Clock } from '../domain/ports/clock.ts'
import type { PaymentEventOutcome } from '../domain/ports/payment-events.ts'
import type { PaymentFactStore } from '../domain/ports/payment-fact-store.ts'
import type { Transfer } from '../domain/ports/payment-provider.ts'
import type { ReviewStore } from '../domain/ports/review-store.ts'

/** What applying facts works over. */
export type PaymentFactDeps = {
  readonly paymentFacts: PaymentFactStore
  readonly reviewStore: ReviewStore
  readonly clock: Clock
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A part came back: what is owed now is for people to say. */
const PARTLY_RETURNED = 'PAYOUT_PARTLY_RETURNED'

/**
 * Moves the payout to what the rail's object says: confirmed, returned, or for people when only a part
 * came back. `waits` when the payout's own attempt has not heard of the transfer yet: look again later.
 * Facts of transfers that no payout accepted are unrelated. Safe to repeat, in any order.
 */
export async function applyPaymentFact(
  deps: PaymentFactDeps,
  provider: string,
  transfer: Transfer,
): Promise<PaymentEventOutcome | 'waits'> {
  const { paymentFacts, reviewStore, clock } = deps
  const { group, id: transferId } = transfer
  if (group === null || !UUID.test(group)) return 'unrelated'
  const payment = await paymentFacts.findPayment({ payoutId: group, provider, transferId })
  if (payment === null) return (await paymentFacts.hasOpenAttempt(group)) ? 'waits' : 'unrelated'
  const { payoutId, n } = payment
  const at = await clock.now()
  if (transfer.status === 'returned') {
    const code = transfer.failureCode ?? 'RETURNED'
    const returned = { payoutId, n, provider, transferId, code }
    return (await paymentFacts.recordReturned(returned, at)) ? 'returned' : 'unchanged'
  }
  if (transfer.status === 'in_transit') return 'unchanged'
  const isConfirmed = await paymentFacts.recordConfirmed({ payoutId, n, transferId }, at)
  if (transfer.returnedMinor > 0) {
    const details = { attempt: n, transferId, returnedMinor: transfer.returnedMinor }
    await reviewStore.open({
      subjectKind: 'payout',
      subjectId: payoutId,
      reasonCode: PARTLY_RETURNED,
      details,
      openedAt: at,
    })
    return 'partly-returned'
  }
  return isConfirmed ? 'confirmed' : 'unchanged'
}
