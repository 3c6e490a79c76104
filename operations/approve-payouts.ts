/** Releases payouts for sending, unless a rule holds them. */
import type { Clock } from '../domain/ports/clock.ts'
import type { PayoutSelection, PayoutStore } from '../domain/ports/payout-store.ts'

/** Who approved when no person did. */
const APPROVED_BY_RULE = 'rule:auto'

/**
 * Approves the CREATED payouts of the selection and returns how many and which are held: by the kill
 * switch (setting `payouts.paused`; it holds what was approved before as well), or by the limit for
 * rules (`payouts.approvalLimitMinor`, in minor units; none when unset). With `approvedBy` a person approves: the limit does not hold, the kill
 * switch does, and FAILED payouts get another attempt, their reviews resolved. Repeatable.
 */
export async function approvePayouts(
  deps: { readonly payoutStore: PayoutStore; readonly clock: Clock },
  input: PayoutSelection & { readonly approvedBy?: string },
): Promise<{ approved: number; heldPayoutIds: string[] }> {
  const { approvedBy } = input
  return deps.payoutStore.approve(input, {
    by: approvedBy ?? APPROVED_BY_RULE,
    isByPerson: approvedBy !== undefined,
    at: await deps.clock.now(),
  })
}
