/** What rails tell about payments after they accepted them. */
import type { Instant } from '../time.ts'
import type { AttemptKey } from './payout-store.ts'
import type { PayoutState } from '../payout.ts'

/** The attempt that a rail's object belongs to, as the ledger has it. */
export type KnownPayment = AttemptKey & {
  readonly state: PayoutState
  readonly outcome: string
  readonly amountMinor: number
}

/** Money that came back; `code` says why in the rail's words, `RETURNED` when it gives none. */
export type ReturnedPayment = AttemptKey & {
  readonly provider: string
  readonly transferId: string
  readonly code: string
}

/** Moves payouts by facts that came after the rail's first answer. */
export interface PaymentFactStore {
  /** The attempt of the payout that has this reference; null when none has, or there is no payout. */
  findPayment(input: {
    readonly payoutId: string
    readonly provider: string
    readonly transferId: string
  }): Promise<KnownPayment | null>
  /** True when an attempt of the payout still waits for the rail's first answer. */
  hasOpenAttempt(payoutId: string): Promise<boolean>
  /**
   * IN_TRANSIT to PAID with `paid:` in the ledger; the policy too, unless another payout of it is
   * open. False when it was not in transit by this transfer: nothing changed. Safe to repeat.
   */
  recordConfirmed(
    payment: AttemptKey & { readonly transferId: string },
    at: Instant,
  ): Promise<boolean>
  /**
   * IN_TRANSIT or PAID to RETURNED with `ret:` in the ledger, attempt RETURNED, policy IN_REVIEW and a
   * case `PAYOUT_RETURNED`; the payout leaves its batch, whose run is over. False when it was neither,
   * by this transfer: nothing changed. Safe to repeat.
   */
  recordReturned(payment: ReturnedPayment, at: Instant): Promise<boolean>
}
