/** The payment server: routes of the Stripe v1 dialect over a book and its log. */
import type { Clock } from '../../domain/ports/clock.ts'
import { answerFaults, FAULTS_PATH } from '../fault-routes.ts'
import type { Answer, Handler, SimulatorRequest } from '../http-server.ts'
import { startHttpServer, type RunningServer } from '../http-server.ts'
import type { Book } from './book.ts'
import { createTransferHandler } from './create-transfer.ts'
import { listTransfers } from './list-transfers.ts'
import type { MoneyLog } from './money-log.ts'
import type { PaymentFaultPlan } from './payment-faults.ts'
import { renderError, renderTransfer } from './transfer.ts'

const TRANSFERS_PATH = '/v1/transfers'
/** What the account holds unless a fault says otherwise: more than any run pays. */
const BALANCE_MINOR = 1_000_000_000_000

export type PaymentDeps = {
  readonly book: Book
  readonly log: MoneyLog
  readonly clock: Clock
  readonly faults: PaymentFaultPlan
}

/** Serves transfers, look-ups, the balance, `GET /__log` and `/__faults` on a loopback address. */
export function startPaymentServer(
  deps: PaymentDeps,
  address: { host: string; port: number },
): Promise<RunningServer> {
  return startHttpServer(createPaymentHandler(deps), address)
}

function createPaymentHandler(deps: PaymentDeps): Handler {
  const createTransfer = createTransferHandler(deps)
  return (request) => {
    if (request.path === FAULTS_PATH) return answerFaults(deps.faults, request)
    if (request.path === '/__log') {
      return { status: 200, body: JSON.stringify(deps.book.summary()) }
    }
    const refusal = refuseKey(request)
    if (refusal !== null) return refusal
    if (request.path === TRANSFERS_PATH) {
      if (request.method === 'POST') return createTransfer(request)
      if (request.method === 'GET') return listTransfers(deps.book, request.query)
    }
    if (request.method === 'GET' && request.path.startsWith(`${TRANSFERS_PATH}/`)) {
      return retrieveTransfer(deps.book, request.path.slice(TRANSFERS_PATH.length + 1))
    }
    if (request.method === 'GET' && request.path === '/v1/balance') return balance(deps.book)
    const message = `Unrecognized request URL (${request.method}: ${request.path}).`
    return { status: 404, body: renderError('invalid_request_error', message) }
  }
}

/** 401 unless a secret key comes as bearer token or basic user name; `..._invalid` never works. */
function refuseKey(request: SimulatorRequest): Answer | null {
  const [scheme = '', credential = ''] = (request.headers.authorization ?? '').split(' ')
  const key =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(credential, 'base64').toString().split(':')[0]
      : credential
  const isGood = key !== undefined && key !== '' && !key.endsWith('_invalid')
  if (isGood && /^(bearer|basic)$/i.test(scheme)) return null
  const message = key ? 'Invalid API Key provided' : 'You did not provide an API key.'
  return { status: 401, body: renderError('invalid_request_error', message) }
}

function retrieveTransfer(book: Book, id: string): Answer {
  const transfer = book.byId(decodeURIComponent(id))
  if (transfer !== null) return { status: 200, body: renderTransfer(transfer) }
  const details = { code: 'resource_missing', param: 'id' }
  const body = renderError('invalid_request_error', `No such transfer: '${id}'`, details)
  return { status: 404, body }
}

function balance(book: Book): Answer {
  const { sums } = book.summary()
  const currencies = Object.keys(sums).length === 0 ? ['usd'] : Object.keys(sums)
  const available = currencies.map((currency) => ({
    amount: BALANCE_MINOR - (sums[currency] ?? 0),
    currency,
    source_types: { card: BALANCE_MINOR - (sums[currency] ?? 0) },
  }))
  const body = { object: 'balance', available, livemode: false, pending: [] }
  return { status: 200, body: JSON.stringify(body) }
}
