/** Payouts for people who look at them. Where the money goes is not shown. */
import type { Instant } from '../time.ts'
import type { Page, PageRequest } from './page.ts'

/** Which payouts; what is left out does not matter. */
export type PayoutFilter = {
  readonly state?: string | undefined
  readonly policyNumber?: string | undefined
  readonly batchId?: string | undefined
}

/** One payout of a list. */
export type ListedPayout = {
  readonly payoutId: string
  readonly policyNumber: string
  readonly revision: number
  readonly state: string
  readonly amountMinor: number
  readonly currency: string
  readonly transferId: string | null
  readonly createdAt: Instant
  readonly paidAt: Instant | null
}

/** One payout with how it came about and what was tried. */
export type PayoutDetails = ListedPayout & {
  readonly evaluationId: string
  readonly approvedBy: string | null
  readonly policy: {
    readonly policyNumber: string
    readonly state: string
    readonly product: { readonly code: string; readonly version: number }
    readonly legKey: string
  }
  readonly batch: {
    readonly batchId: string
    readonly size: number
    readonly startedAt: Instant | null
  } | null
  /** The first first. */
  readonly attempts: readonly {
    readonly n: number
    readonly outcome: string
    readonly code: string | null
    readonly provider: string
    readonly providerRef: string | null
    readonly idempotencyKey: string
    readonly sends: number
    readonly startedAt: Instant
    readonly finishedAt: Instant | null
  }[]
  /** What the payout and its attempts posted, in the order of posting. */
  readonly postings: readonly {
    readonly ref: string
    readonly kind: string
    readonly effectiveAt: Instant
    readonly source: string
    readonly destination: string
    readonly amountMinor: number
    readonly currency: string
  }[]
}

/** Reads payouts. */
export interface PayoutReads {
  /** The newest first. Throws PageCursorError. */
  list(filter: PayoutFilter, page: PageRequest): Promise<Page<ListedPayout>>
  /** Null when there is none. */
  find(payoutId: string): Promise<PayoutDetails | null>
}
