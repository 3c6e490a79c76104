/** Pays a policy more than it got, when a correction or an appeal says so. */
import type { Money } from '../domain/money.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { TopUpOutcome, TopUpStore } from '../domain/ports/top-up-store.ts'

/** Who decided the top-up, what of, and why. */
export type TopUpRequest = {
  readonly policyId: string
  /** Names the decision, such as `review:<case>`: the same decision makes one payout, ever. */
  readonly decisionRef: string
  /** A paying evaluation of the policy's leg and product; the policy's own when left out. */
  readonly evaluationId?: string
  /** What is owed beyond all earlier payouts: above zero, in the policy's currency. */
  readonly difference: Money
  readonly by: string
  readonly reason: string
}

/**
 * Makes the next payout revision of a policy whose outcome is PAY, from the pool. It is batched, approved
 * and paid like any other; above the approval limit two people must approve it. Refusals are values and
 * change nothing. Repeatable with the same `decisionRef`.
 */
export async function topUpPayout(
  deps: { readonly topUpStore: TopUpStore; readonly clock: Clock },
  request: TopUpRequest,
): Promise<TopUpOutcome> {
  const { evaluationId, ...topUp } = request
  const at = await deps.clock.now()
  return deps.topUpStore.topUp({ ...topUp, evaluationId: evaluationId ?? null, at })
}
