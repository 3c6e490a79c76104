/** Where payees of payouts are corrected. */
import type { Instant } from '../time.ts'

/** A correction that somebody asks for. */
export type PayeeCorrection = {
  readonly payoutId: string
  /** The payee's account at the rail, `acct_...`. */
  readonly payeeRef: string
  readonly by: string
  readonly reason: string
  readonly at: Instant
}

/**
 * done: also when it was the payee already. refused: nothing changed; `state` is the payout's. foreign: the
 * payee is another tenant's holder, and nothing changed.
 */
export type PayeeCorrected =
  | { readonly kind: 'done'; readonly isChanged: boolean; readonly state: string }
  | { readonly kind: 'no-such-payout' }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'refused'; readonly state: string }

/** Corrects payees. */
export interface PayeeStore {
  /**
   * Of a payout that is CREATED, FAILED or RETURNED, and of its policy, so that later payouts go there
   * too. A first approval is forgotten: it was given to another payee. In the audit trail.
   */
  correct(correction: PayeeCorrection): Promise<PayeeCorrected>
}
