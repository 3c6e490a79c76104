/** The balance report of the dialect: every transfer, or a connected account's payouts, as movements. */
import type { Answer, SimulatorRequest } from '../http-server.ts'
import type { Book } from './book.ts'
import { accountOf } from './create-payout.ts'
import { listObjects } from './list-objects.ts'
import { renderPayout } from './payout.ts'
import { renderTransfer } from './transfer.ts'

/** Where the report is. */
export const BALANCE_REPORT_PATH = '/v1/balance_transactions'

type Movement = {
  readonly id: string
  readonly type: 'transfer' | 'payout'
  readonly amount: number
  readonly currency: string
  readonly created: number
  readonly sourceId: string
  readonly source: () => string
}

/** A page of the report, of our own balance or of the account that the request names. */
export function listMovements(book: Book, request: SimulatorRequest, atS: number): Answer {
  const { query } = request
  const account = accountOf(request)
  const isExpanded = [...query].some(
    ([name, value]) => /^expand\[\d*\]$/.test(name) && value === 'data.source',
  )
  const type = query.get('type')
  return listObjects(
    {
      url: BALANCE_REPORT_PATH,
      objects: account === '' ? transfersOf(book, atS) : payoutsOf(book, account, atS),
      idOf: ({ id }) => id,
      isMatch: (movement) => type === null || movement.type === type,
      render: (movement) => renderMovement(movement, isExpanded),
    },
    query,
  )
}

function transfersOf(book: Book, atS: number): Movement[] {
  return book.transfers.map((transfer) => ({
    id: transfer.id.replace('tr_', 'txn_'),
    type: 'transfer',
    amount: transfer.amount,
    currency: transfer.currency,
    created: transfer.created,
    sourceId: transfer.id,
    source: () => renderTransfer(transfer, book.reversalsOf(transfer, atS)),
  }))
}

function payoutsOf(book: Book, account: string, atS: number): Movement[] {
  return book.payouts
    .filter((payout) => payout.account === account)
    .map((payout) => ({
      id: payout.id.replace('po_', 'txn_'),
      type: 'payout',
      amount: payout.amount,
      currency: payout.currency,
      created: payout.created,
      sourceId: payout.id,
      source: () => renderPayout(payout, atS),
    }))
}

function renderMovement(movement: Movement, isExpanded: boolean): string {
  const { source, sourceId, amount, ...told } = movement
  const movementText = JSON.stringify({
    ...told,
    object: 'balance_transaction',
    amount: -amount,
    fee: 0,
    net: -amount,
    status: 'available',
  })
  const sourceText = isExpanded ? source() : JSON.stringify(sourceId)
  return `${movementText.slice(0, -1)},"source":${sourceText}}`
}
