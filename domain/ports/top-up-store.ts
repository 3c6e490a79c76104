/** Where further payouts of a paid policy are made. */
import type { Money } from '../money.ts'
import type { Instant } from '../time.ts'

/** A decision that a policy is owed more than it got. */
export type TopUp = {
  readonly policyId: string
  /** Names the decision, 1 to 200 characters: a repeat of it makes no other payout. */
  readonly decisionRef: string
  /** The paying evaluation that the payout rests on; null for the policy's own. */
  readonly evaluationId: string | null
  /** What is owed beyond all earlier payouts. */
  readonly difference: Money
  readonly by: string
  readonly reason: string
  readonly at: Instant
}

/**
 * no-such-policy. not-paying: its outcome is not PAY. not-higher: the difference is not above zero.
 * other-currency: than the policy's. unsettled: an earlier payout is neither paid nor cancelled.
 * no-such-evaluation: none that pays, of the policy's leg and product. above-insured: all payouts
 * together would exceed the sum insured. pool-short: the pool does not hold the difference.
 * decision-reused: the decision made a payout of another amount.
 */
export type TopUpRefusal =
  | 'no-such-policy'
  | 'not-paying'
  | 'not-higher'
  | 'other-currency'
  | 'unsettled'
  | 'no-such-evaluation'
  | 'above-insured'
  | 'pool-short'
  | 'decision-reused'

/** made: now, or (isNew false) by an earlier request of the same decision. refused: nothing changed. */
export type TopUpOutcome =
  | {
      readonly kind: 'made'
      readonly payoutId: string
      /** 1 for the first payout after revision 0. */
      readonly revision: number
      readonly isNew: boolean
    }
  | { readonly kind: 'refused'; readonly why: TopUpRefusal }

/** Makes further payouts. */
export interface TopUpStore {
  /**
   * Payout, ledger (from the pool: the reservation is closed for good), pool, policy back to TRIGGERED
   * and the audit trail in one transaction. Safe to repeat and to call at once.
   */
  topUp(topUp: TopUp): Promise<TopUpOutcome>
}
