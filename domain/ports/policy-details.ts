/** One policy with everything that happened to it, for people who look it up. */
import type { Instant } from '../time.ts'

/** One policy with its leg, decision and payout. */
export type PolicyDetails = {
  readonly policyNumber: string
  readonly policyId: string
  /** Whose policy it is. */
  readonly tenant: string
  readonly product: { readonly code: string; readonly version: number }
  readonly state: string
  readonly marketingIdent: string | null
  readonly sumInsuredMinor: number
  readonly currency: string
  /** Null when it is not known. */
  readonly premiumMinor: number | null
  readonly boundAt: Instant
  readonly coverEnd: Instant
  readonly insuredScheduledOut: Instant
  readonly insuredScheduledIn: Instant
  readonly leg: {
    readonly legId: string
    readonly legKey: string
    readonly carrier: string
    readonly flightNumber: string
    readonly origin: string
    readonly destination: string
    /** `YYYY-MM-DD` on the wall of the origin. */
    readonly departureDate: string
    readonly phase: string
    readonly lastPolledAt: Instant | null
    readonly nextPollAt: Instant | null
  }
  /** Changes of the insured schedule, oldest first; the schedule above is the newest. */
  readonly endorsements: readonly {
    readonly n: number
    readonly oldScheduledOut: Instant
    readonly oldScheduledIn: Instant
    readonly newScheduledOut: Instant
    readonly newScheduledIn: Instant
    readonly announcedAt: Instant
    /** The holder may cancel for a full refund until departure. */
    readonly isRefundOffered: boolean
  }[]
  /** Null until decided. */
  readonly decision: {
    readonly outcome: 'PAY' | 'NO_PAY'
    readonly bps: number
    readonly amountMinor: number
    readonly delayMin: number | null
    readonly reasons: readonly string[]
    readonly decidedAt: Instant
  } | null
  /** All revisions, oldest first. Where the money goes is not shown. */
  readonly payouts: readonly {
    readonly payoutId: string
    readonly revision: number
    readonly state: string
    readonly amountMinor: number
    readonly currency: string
    readonly transferId: string | null
    readonly createdAt: Instant
    readonly paidAt: Instant | null
  }[]
}

/** Looks single policies up. */
export interface PolicyDetailsStore {
  /** The policy with this number; null when there is none. */
  find(policyNumber: string): Promise<PolicyDetails | null>
}
