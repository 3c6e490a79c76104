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

/** Money moved, as the rail has it. */
export type Transfer = {
  /** The rail's id: `tr_...`. */
  readonly id: string
  readonly amount: Money
  readonly payeeRef: string
  readonly group: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
}

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
  findByGroup(group: string, signal?: AbortSignal): Promise<Transfer[]>
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
