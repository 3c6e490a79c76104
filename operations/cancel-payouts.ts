/** Stops payouts before they are sent. */
import type { Clock } from '../domain/ports/clock.ts'
import type { PayoutSelection, PayoutStore } from '../domain/ports/payout-store.ts'

/**
 * Cancels what is CREATED, APPROVED, FAILED or RETURNED; the money waits in suspense and a review decides what
 * becomes of the policy. Payouts that are at the rail or paid are refused and returned by id.
 * Repeatable; a payout that is sent at the same moment is either sent or cancelled, never both.
 */
export async function cancelPayouts(
  deps: { readonly payoutStore: PayoutStore; readonly clock: Clock },
  input: PayoutSelection & { readonly by: string; readonly reason: string },
): Promise<{ cancelled: number; refusedPayoutIds: string[] }> {
  const { by, reason } = input
  return deps.payoutStore.cancel(input, { by, reason, at: await deps.clock.now() })
}
