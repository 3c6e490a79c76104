/** Where holders' cancellations are carried out. */
import type { CancellationRefusal } from '../cancellation.ts'
import type { Currency, MinorUnits } from '../money.ts'
import type { Instant } from '../time.ts'

/** Which policy, for whom and why. */
export type Cancellation = {
  readonly policyNumber: string
  /** Who does it, for the audit trail. */
  readonly by: string
  readonly reason: string
  readonly at: Instant
}

/** What became of it. */
export type CancelledPolicy =
  | {
      readonly kind: 'cancelled'
      /** False when it was cancelled before. */
      readonly isNew: boolean
      readonly policyNumber: string
      /** The whole premium; null when the policy has none that is known. */
      readonly refundMinor: MinorUnits | null
      readonly currency: Currency
    }
  | { readonly kind: 'refused'; readonly refusal: CancellationRefusal }
  | { readonly kind: 'no-policy' }

/** Cancels policies. */
export interface CancellationStore {
  /**
   * Cancels in one transaction: state, escrow to the pool, premium back, the leg's undecided count,
   * audit. Takes turns with decisions of the leg: a policy is decided or cancelled, never both.
   * Repeating changes nothing.
   */
  cancel(cancellation: Cancellation): Promise<CancelledPolicy>
}
