/**
 * A payout of a connected account to its bank, as the payment server keeps it: what will become of it is
 * drawn when it is made, so that its status follows from the time alone.
 */

export type PayoutStatus = 'pending' | 'in_transit' | 'paid' | 'failed' | 'canceled'

/** From when on a payout has a status. */
export type PayoutStep = {
  /** Virtual time, epoch seconds. */
  readonly at: number
  readonly status: PayoutStatus
  readonly failureCode?: string
}

export type StoredPayout = {
  readonly id: string
  /** The connected account that it was made for. */
  readonly account: string
  readonly amount: number
  readonly currency: string
  readonly method: 'standard' | 'instant'
  readonly statementDescriptor: string | null
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
  /** Virtual time, epoch seconds. */
  readonly created: number
  /** In order of time; the first is `pending`, at once. */
  readonly steps: readonly PayoutStep[]
}

/** The step that holds at a time, epoch seconds. */
export function stepAt(payout: StoredPayout, atS: number): PayoutStep {
  const step = payout.steps.findLast(({ at }) => at <= atS)
  return step ?? { at: payout.created, status: 'pending' }
}

/** The payout object as it is at a time. */
export function renderPayout(payout: StoredPayout, atS: number): string {
  const { status, failureCode } = stepAt(payout, atS)
  const arrival = payout.steps.find((step) => step.status === 'paid')?.at ?? payout.created
  return JSON.stringify({
    id: payout.id,
    object: 'payout',
    amount: payout.amount,
    arrival_date: arrival,
    automatic: false,
    balance_transaction: payout.id.replace('po_', 'txn_'),
    created: payout.created,
    currency: payout.currency,
    description: payout.description,
    destination: payout.id.replace('po_', 'ba_'),
    failure_balance_transaction: status === 'failed' ? payout.id.replace('po_', 'txn_f') : null,
    failure_code: failureCode ?? null,
    failure_message: failureCode === undefined ? null : 'The bank account was not usable.',
    livemode: false,
    metadata: payout.metadata,
    method: payout.method,
    reconciliation_status: 'not_applicable',
    source_type: 'card',
    statement_descriptor: payout.statementDescriptor,
    status,
    type: 'bank_account',
  })
}
