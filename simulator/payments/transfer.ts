/** A transfer as the payment server keeps it, and its JSON in the Stripe v1 dialect. */

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
}

/** The transfer object of `POST /v1/transfers`; the same transfer always gives the same text. */
export function renderTransfer(transfer: StoredTransfer): string {
  return JSON.stringify({
    id: transfer.id,
    object: 'transfer',
    amount: transfer.amount,
    amount_reversed: 0,
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
      data: [],
      has_more: false,
      total_count: 0,
      url: `/v1/transfers/${transfer.id}/reversals`,
    },
    reversed: false,
    source_transaction: null,
    source_type: 'card',
    transfer_group: transfer.transferGroup,
  })
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
