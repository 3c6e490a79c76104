/** Until when a holder may cancel a policy, and get the whole premium back. */
import type { PolicyState } from './policy.ts'
import { addMs, SECOND_MS, type Instant } from './time.ts'
import type { Underwriting } from './underwriting.ts'

/** What a cancellation depends on. */
export type CancellablePolicy = {
  readonly state: PolicyState
  readonly outcome: 'PAY' | 'NO_PAY' | null
  readonly insuredScheduledOut: Instant
  /** A retime was so large that a refund was offered until departure. */
  readonly isRefundOffered: boolean
  readonly terms: Pick<Underwriting, 'cancelUntilBeforeS'>
}

/** Why a policy is not cancelled. */
export type CancellationRefusal = {
  readonly code: 'TOO_LATE' | 'NOT_CANCELLABLE'
  readonly reason: string
}

/** The first moment at which it is too late. */
export function cancellableUntil(policy: CancellablePolicy): Instant {
  const { insuredScheduledOut, isRefundOffered, terms } = policy
  if (isRefundOffered) return insuredScheduledOut
  return addMs(insuredScheduledOut, -terms.cancelUntilBeforeS * SECOND_MS)
}

/** Why the holder may not cancel at `now`; null when it is allowed. */
export function cancellationRefusal(
  policy: CancellablePolicy,
  now: Instant,
): CancellationRefusal | null {
  const { state, outcome } = policy
  if (state !== 'BOUND' || outcome !== null) {
    const what = outcome === null ? `is in state ${state}` : `is decided: ${outcome}`
    const reason = `the policy ${what}; only one that is bound and not yet watched can be cancelled`
    return { code: 'NOT_CANCELLABLE', reason }
  }
  const until = cancellableUntil(policy)
  if (now < until) return null
  return { code: 'TOO_LATE', reason: `the holder could cancel before ${until}; now is ${now}` }
}
