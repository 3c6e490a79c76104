/** Stops payouts before they are sent. */
import type { Clock } from '../domain/ports/clock.ts'
import type {
  PayoutCancellation,
  PayoutSelection,
  PayoutStore,
} from '../domain/ports/payout-store.ts'

/**
 * Cancels what is CREATED, APPROVED, FAILED or RETURNED; the money waits in suspense and a review decides what
 * becomes of the policy. Payouts that are at the rail or paid, or not `from` the state meant, are refused
 * and returned by id.
 * Repeatable; a payout that is sent at the same moment is either sent or cancelled, never both.
 */
export async function cancelPayouts(
  deps: { readonly payoutStore: PayoutStore; readonly clock: Clock },
  input: PayoutSelection & Pick<PayoutCancellation, 'by' | 'reason' | 'from'>,
): Promise<{ cancelled: number; refusedPayoutIds: string[] }> {
  const { by, reason, from } = input
  return deps.payoutStore.cancel(input, { by, reason, from, at: await deps.clock.now() })
}
