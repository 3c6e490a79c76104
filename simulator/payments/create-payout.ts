/** `POST /v1/payouts` on behalf of a connected account (`Stripe-Account`). */
import type { Reply, SimulatorRequest } from '../http-server.ts'
import { headerOf, noSuchDestination, refusal, type createKeyedPosts } from './keyed-post.ts'
import type { PaymentDeps } from './payment-server.ts'
import { renderPayout, type PayoutStep, type StoredPayout } from './payout.ts'
import { amountOf, currencyOf, isAnswer, metadataOf } from './transfer-form.ts'

const MINUTE_S = 60
/** The bank is told within the hour, and the money is there a day later. */
const IN_TRANSIT_AFTER_S = 60 * MINUTE_S
const PAID_AFTER_S = 1_440 * MINUTE_S
const DEFAULT_RETURN_MIN = 1_440

const KNOWN_FIELDS = new Set([
  'amount',
  'currency',
  'description',
  'destination',
  'method',
  'source_type',
  'statement_descriptor',
])

type PayoutForm = Omit<StoredPayout, 'id' | 'created' | 'steps'>

/** The handler of payouts. */
export function createPayoutHandler(
  deps: PaymentDeps,
  keyedPost: ReturnType<typeof createKeyedPosts>,
): (request: SimulatorRequest) => Promise<Reply> {
  return keyedPost<PayoutForm>({
    destinationOf: (_form, request) => accountOf(request),
    scopeOf: (request) => `/v1/payouts|${accountOf(request)}|`,
    check: (form, request) => checkForm(form, accountOf(request)),
    move({ form, subject, createdS }) {
      const id = deps.book.nextId('po_sim')
      const steps = stepsOf(deps, subject, createdS)
      const payout: StoredPayout = { id, ...form, created: createdS, steps }
      return { entry: { kind: 'payout', payout }, body: renderPayout(payout, createdS) }
    },
    shortMessage:
      'You have insufficient funds in your Stripe account for this transfer. Your ACH balance is too low.',
  })
}

/** The connected account that a request is made for; empty for the platform itself. */
export function accountOf(request: SimulatorRequest): string {
  return headerOf(request, 'stripe-account') ?? ''
}

function checkForm(
  form: URLSearchParams,
  account: string,
): PayoutForm | ReturnType<typeof refusal> {
  if (account === '' || account.startsWith('acct_invalid')) return noSuchDestination(account)
  const metadata = metadataOf(form, KNOWN_FIELDS)
  if (isAnswer(metadata)) return metadata
  const amount = amountOf(form)
  if (typeof amount !== 'number') return amount
  const currency = currencyOf(form)
  if (typeof currency !== 'string') return currency
  const method = form.get('method') ?? 'standard'
  if (method !== 'standard' && method !== 'instant') {
    return refusal(400, `Invalid method: ${method}`, 'parameter_invalid_string', 'method')
  }
  const description = form.get('description')
  const statementDescriptor = form.get('statement_descriptor')
  return { account, amount, currency, method, metadata, description, statementDescriptor }
}

/** What will become of it; faults change that. */
function stepsOf(deps: PaymentDeps, subject: string, createdS: number): PayoutStep[] {
  const arrivesAt = createdS + PAID_AFTER_S
  const onItsWay: PayoutStep[] = [
    { at: createdS, status: 'pending' },
    { at: createdS + IN_TRANSIT_AFTER_S, status: 'in_transit' },
  ]
  const failed = { status: 'failed', failureCode: 'account_closed' } as const
  if (deps.faults.hits('payoutFailed', subject) !== null) {
    return [...onItsWay, { at: arrivesAt, ...failed }]
  }
  const returned = deps.faults.hits('returned', subject)
  const paid: PayoutStep[] = [...onItsWay, { at: arrivesAt, status: 'paid' }]
  if (returned === null) return paid
  const returnsAt = arrivesAt + (returned.afterMinutes ?? DEFAULT_RETURN_MIN) * MINUTE_S
  return [...paid, { at: returnsAt, ...failed }]
}
