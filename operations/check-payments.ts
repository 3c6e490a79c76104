/** Looks accepted payments up that the rail confirms later, or may still give back. */
import { IN_TRANSIT_LIMIT_MS, nextCheckAt } from '../domain/payment-confirmation.ts'
import type { PaymentToCheck } from '../domain/ports/payment-events.ts'
import { msBetween, type Instant } from '../domain/time.ts'
import { applyPaymentFact } from './apply-payment-fact.ts'
import { openPayoutReview } from './open-payout-review.ts'
import type { EventDeps } from './payment-events.ts'

/** What a round of look-ups came to. */
export type CheckedPayments = {
  readonly checked: number
  readonly confirmed: number
  readonly returned: number
  /** In transit for too long: each has a review case. */
  readonly stale: number
  /** Whether more are due. */
  readonly hasMore: boolean
}

/**
 * Looks up at most `limit` payments that are due and plans their next look-up. Throws PaymentLookupError
 * (retryable) when a rail cannot be asked; those before it are done. Safe to repeat.
 */
export async function checkPayments(
  deps: EventDeps,
  input: { readonly limit: number },
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void } = {},
): Promise<CheckedPayments> {
  const now = await deps.clock.now()
  const payments = await deps.eventStore.listDueChecks(now, input.limit)
  const counts = { checked: 0, confirmed: 0, returned: 0, stale: 0 }
  for (const payment of payments) {
    options.signal?.throwIfAborted()
    const outcome = await checkOne(deps, payment, now, options.signal)
    counts.checked += 1
    if (outcome !== 'unchanged') counts[outcome] += 1
    options.onProgress?.(counts.checked)
  }
  return { ...counts, hasMore: payments.length === input.limit }
}

async function checkOne(
  deps: EventDeps,
  payment: PaymentToCheck,
  now: Instant,
  signal: AbortSignal | undefined,
): Promise<'confirmed' | 'returned' | 'stale' | 'unchanged'> {
  const { payoutId, provider, transferId, payeeRef, acceptedAt } = payment
  const rail = deps.rails.find(({ id }) => id === provider)
  // A rail that is not configured any more cannot be asked; its payments stay due.
  const transfer =
    rail === undefined ? null : await rail.findById({ id: transferId, payeeRef }, signal)
  const outcome = transfer === null ? 'unchanged' : await applyPaymentFact(deps, provider, transfer)
  const state = (await deps.eventStore.readState(payoutId)) ?? payment.state
  await deps.eventStore.planCheck(payment, nextCheckAt({ state, acceptedAt }, now))
  if (outcome === 'confirmed' || outcome === 'returned') return outcome
  const isStale = state === 'IN_TRANSIT' && msBetween(acceptedAt, now) >= IN_TRANSIT_LIMIT_MS
  if (!isStale) return 'unchanged'
  const { isNew } = await openPayoutReview(deps, { payoutId, reason: 'PAYOUT_STALE' })
  return isNew ? 'stale' : 'unchanged'
}
