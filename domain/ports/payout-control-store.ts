/** Where the controls of payouts are kept: the kill switch, the day's ceiling, rails that ran dry. */
import type { PauseChange, PayoutPause } from '../payout-controls.ts'
import type { Instant } from '../time.ts'

/** Who changed it, why and when; kept in the audit trail. */
export type ControlNote = { readonly by: string; readonly reason: string; readonly at: Instant }

/** The controls as they stand. */
export type PayoutControls = {
  readonly pause: PayoutPause
  /** Who moved the kill switch last, and when (wall time); null when nobody did. */
  readonly changedBy: string | null
  readonly changedAt: Instant | null
  /** What rules approved on the business day, by currency. */
  readonly today: readonly { readonly currency: string; readonly approvedMinor: string }[]
  /** Setting `payouts.dailyCeilingMinor` as stored. */
  readonly dailyCeilingMinor: unknown
  /** Setting `payouts.approvalLimitMinor` as stored. */
  readonly approvalLimitMinor: unknown
  /** Rails whose balance did not cover what was sent. */
  readonly dryRails: readonly {
    readonly provider: string
    readonly currency: string
    readonly since: Instant
    readonly nextProbeAt: Instant
  }[]
}

/** The controls of payouts. */
export interface PayoutControlStore {
  /**
   * Changes the kill switch and writes the audit event, both or neither. A change that changes
   * nothing is not recorded. `unknown-product` when a product is named that never existed.
   */
  changePause(
    change: PauseChange,
    note: ControlNote,
  ): Promise<
    | { readonly kind: 'done'; readonly before: PayoutPause; readonly after: PayoutPause }
    | { readonly kind: 'unknown-product'; readonly known: readonly string[] }
  >
  /** The controls on the business day of `at`. */
  read(at: Instant): Promise<PayoutControls>
}
