/** What the product asks of a payment rail. */
import type { Money } from '../money.ts'
import type { Instant } from '../time.ts'

/** One transfer to one payee. */
export type TransferRequest = {
  readonly amount: Money
  /** The payee's account at the rail: `acct_...`. */
  readonly payeeRef: string
  /** Finds every transfer of one payout again: the payout's id. */
  readonly group: string
  /** The same key with the same request moves money once. At most 255 characters. */
  readonly idempotencyKey: string
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * in_transit: accepted and on its way. paid: with the payee, as far as the rail knows now. returned: all
 * of it came back, or it never arrived.
 */
export type TransferStatus = 'in_transit' | 'paid' | 'returned'

/** Money moved, as the rail has it. */
export type Transfer = {
  /** The rail's id: `tr_...`, or `po_...` for a payout of a connected account. */
  readonly id: string
  readonly amount: Money
  readonly payeeRef: string
  readonly group: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
  readonly status: TransferStatus
  /** How much of it came back, in minor units. */
  readonly returnedMinor: number
  /** Why it came back, in the rail's words; null when it did not, or the rail does not say. */
  readonly failureCode: string | null
}

/** Where to look for what was made: the group, and the payee that some rails must be asked for. */
export type TransferGroup = Pick<TransferRequest, 'group' | 'payeeRef'>

/** A group on the balance report, from a moment on. */
export type BalanceSearch = TransferGroup & { readonly since: Instant }

/**
 * accepted: the rail moved the money. rejected: the rail refused for good, nothing moved, `code` says
 * why. unknown: the request may or may not have been carried out; only the same key may be sent again.
 */
export type TransferOutcome =
  | { readonly kind: 'accepted'; readonly transfer: Transfer; readonly isReplay: boolean }
  | { readonly kind: 'rejected'; readonly code: string; readonly message: string }
  | {
      readonly kind: 'unknown'
      readonly code: string
      readonly message: string
      readonly retryAfterMs?: number
    }

/** A page of the rail's transfers, newest first. */
export type TransferPage = {
  readonly transfers: readonly Transfer[]
  /** Asks for the page after this one; null at the end of the list. */
  readonly next: string | null
}

/** Never throws for what a service does: every outcome is a value. Throws only on cancellation. */
export interface PaymentProvider {
  readonly id: string
  createTransfer(request: TransferRequest, signal?: AbortSignal): Promise<TransferOutcome>
  /** All transfers of a group, oldest first. Throws PaymentLookupError (retryable) when unreachable. */
  findByGroup(of: TransferGroup, signal?: AbortSignal): Promise<Transfer[]>
  /**
   * What the rail's balance report shows of a group since a moment, oldest first; null when it has no such
   * report. Slow: the report is read as a whole. Throws PaymentLookupError (retryable) when unreachable.
   */
  findOnBalance(of: BalanceSearch, signal?: AbortSignal): Promise<Transfer[] | null>
  /** The transfer as it is now; null when the rail has none. Throws PaymentLookupError (retryable). */
  findById(
    of: { readonly id: string; readonly payeeRef: string },
    signal?: AbortSignal,
  ): Promise<Transfer | null>
}

/** A rail that can be listed as a whole, for reconciliation. */
export interface ListedPaymentProvider extends PaymentProvider {
  /**
   * A page of all transfers made at `createdAfter` or later, by whole seconds; null for the first page.
   * Transfers made while pages are read may be missing. Throws PaymentLookupError (retryable).
   */
  listSince(
    createdAfter: Instant,
    cursor: string | null,
    signal?: AbortSignal,
  ): Promise<TransferPage>
}
