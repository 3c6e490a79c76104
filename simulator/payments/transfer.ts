/** A transfer and its reversals as the payment server keeps them, and their JSON in the Stripe v1 dialect. */

export type StoredTransfer = {
  readonly id: string
  readonly amount: number
  /** Lower-case ISO 4217, as the dialect writes it. */
  readonly currency: string
  readonly destination: string
  readonly transferGroup: string | null
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
  /** Virtual time, epoch seconds. */
  readonly created: number
  /** When all of it comes back by itself; absent: never. Virtual time, epoch seconds. */
  readonly returnsAt?: number
}

export type StoredReversal = {
  readonly id: string
  readonly transferId: string
  readonly amount: number
  readonly created: number
}

/** What of a transfer came back. */
export function reversedAmount(reversals: readonly StoredReversal[]): number {
  return reversals.reduce((sum, { amount }) => sum + amount, 0)
}

/** The transfer object; the same transfer with the same reversals always gives the same text. */
export function renderTransfer(
  transfer: StoredTransfer,
  reversals: readonly StoredReversal[] = [],
): string {
  const reversed = reversedAmount(reversals)
  return JSON.stringify({
    id: transfer.id,
    object: 'transfer',
    amount: transfer.amount,
    amount_reversed: reversed,
    balance_transaction: transfer.id.replace('tr_', 'txn_'),
    created: transfer.created,
    currency: transfer.currency,
    description: transfer.description,
    destination: transfer.destination,
    destination_payment: transfer.id.replace('tr_', 'py_'),
    livemode: false,
    metadata: transfer.metadata,
    reversals: {
      object: 'list',
      data: reversals.map((reversal) => reversalObject(transfer, reversal)),
      has_more: false,
      total_count: reversals.length,
      url: `/v1/transfers/${transfer.id}/reversals`,
    },
    reversed: reversed === transfer.amount,
    source_transaction: null,
    source_type: 'card',
    transfer_group: transfer.transferGroup,
  })
}

/** The object of `POST /v1/transfers/{id}/reversals`. */
export function renderReversal(transfer: StoredTransfer, reversal: StoredReversal): string {
  return JSON.stringify(reversalObject(transfer, reversal))
}

function reversalObject(transfer: StoredTransfer, reversal: StoredReversal) {
  return {
    id: reversal.id,
    object: 'transfer_reversal',
    amount: reversal.amount,
    balance_transaction: reversal.id.replace('trr_', 'txn_'),
    created: reversal.created,
    currency: transfer.currency,
    metadata: {},
    transfer: transfer.id,
  }
}

export type ErrorType = 'api_error' | 'invalid_request_error' | 'idempotency_error'

/** An error object of the dialect: `{"error": {type, code, message, param}}`. */
export function renderError(
  type: ErrorType,
  message: string,
  details: { code?: string; param?: string } = {},
): string {
  return JSON.stringify({ error: { type, message, ...details } })
}
