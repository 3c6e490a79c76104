/** `POST /v1/transfers` and `POST /v1/transfers/{id}/reversals`. */
import type { Reply, SimulatorRequest } from '../http-server.ts'
import { noSuchDestination, refusal, type createKeyedPosts } from './keyed-post.ts'
import type { PaymentDeps } from './payment-server.ts'
import {
  renderReversal,
  renderTransfer,
  reversedAmount,
  type StoredReversal,
  type StoredTransfer,
} from './transfer.ts'
import { amountOf, checkTransferForm, type TransferForm } from './transfer-form.ts'

const DEFAULT_RETURN_MIN = 1_440
const MINUTE_S = 60
const SHORT =
  'Insufficient funds in your account. Your available balance does not cover this transfer.'

type KeyedPosts = ReturnType<typeof createKeyedPosts>
type PostHandler = (request: SimulatorRequest) => Promise<Reply>

/** The handler of transfers. */
export function createTransferHandler(deps: PaymentDeps, keyedPost: KeyedPosts): PostHandler {
  return keyedPost<TransferForm>({
    destinationOf: (form) => form.get('destination') ?? '',
    scopeOf: () => '',
    check(form) {
      const checked = checkTransferForm(form)
      if ('status' in checked) return checked
      const { destination } = checked
      return destination.startsWith('acct_invalid') ? noSuchDestination(destination) : checked
    },
    move({ form, subject, createdS }) {
      const returned = deps.faults.hits('returned', subject)
      const transfer: StoredTransfer = {
        id: deps.book.nextId(),
        ...form,
        created: createdS,
        ...(returned === null
          ? {}
          : { returnsAt: createdS + (returned.afterMinutes ?? DEFAULT_RETURN_MIN) * MINUTE_S }),
      }
      return { entry: { kind: 'transfer', transfer }, body: renderTransfer(transfer) }
    },
    shortMessage: SHORT,
  })
}

type ReversalForm = { readonly transfer: StoredTransfer; readonly amount: number }

const REVERSALS_PATH = /^\/v1\/transfers\/([^/]+)\/reversals$/

/** The id in the path of a transfer's reversals; null when it is another path. */
export function reversedId(path: string): string | null {
  const id = REVERSALS_PATH.exec(path)?.[1]
  return id === undefined ? null : decodeURIComponent(id)
}

/** The handler of reversals; without `amount` all that is left comes back. */
export function createReversalHandler(deps: PaymentDeps, keyedPost: KeyedPosts): PostHandler {
  return keyedPost<ReversalForm>({
    destinationOf: (_form, request) => reversedId(request.path) ?? '',
    scopeOf: (request) => `${request.path}|`,
    check(form, request) {
      const id = reversedId(request.path) ?? ''
      const transfer = deps.book.byId(id)
      if (transfer === null) {
        return refusal(404, `No such transfer: '${id}'`, 'resource_missing', 'id')
      }
      // Only reversals that were asked for: what comes back by itself takes what is left then.
      const rest = transfer.amount - reversedAmount(deps.book.reversalsOf(transfer, 0))
      const amount = form.has('amount') ? amountOf(form) : rest
      if (typeof amount !== 'number') return amount
      if (amount >= 1 && amount <= rest) return { transfer, amount }
      const message = `Reversal amount (${amount}) is greater than what is left (${rest})`
      return refusal(400, message, 'amount_too_large', 'amount')
    },
    move({ form: { transfer, amount }, createdS }) {
      const id = deps.book.nextId('trr_sim')
      const reversal: StoredReversal = { id, transferId: transfer.id, amount, created: createdS }
      return { entry: { kind: 'reversal', reversal }, body: renderReversal(transfer, reversal) }
    },
    shortMessage: SHORT,
  })
}
