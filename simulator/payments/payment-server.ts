/** The payment server: routes of the Stripe v1 dialect over a book and its log. */
import type { Clock } from '../../domain/ports/clock.ts'
import { toMs } from '../../domain/time.ts'
import { answerFaults, FAULTS_PATH } from '../fault-routes.ts'
import type { Answer, Handler, SimulatorRequest } from '../http-server.ts'
import { startHttpServer, type RunningServer } from '../http-server.ts'
import type { Book } from './book.ts'
import { accountOf, createPayoutHandler } from './create-payout.ts'
import { createReversalHandler, createTransferHandler, reversedId } from './create-transfer.ts'
import { BALANCE_REPORT_PATH, listMovements } from './balance-report.ts'
import { createKeyedPosts } from './keyed-post.ts'
import { listObjects } from './list-objects.ts'
import type { MoneyLog } from './money-log.ts'
import type { PaymentFaultPlan } from './payment-faults.ts'
import { renderPayout } from './payout.ts'
import { eventId } from './rail-events.ts'
import { renderEventOf } from './event-object.ts'
import { renderError, renderTransfer, type StoredTransfer } from './transfer.ts'
import { startWebhooks, type WebhookOptions } from './webhooks.ts'

const TRANSFERS_PATH = '/v1/transfers'
const PAYOUTS_PATH = '/v1/payouts'
/** What the account holds unless a fault says otherwise: more than any run pays. */
const BALANCE_MINOR = 1_000_000_000_000

export type PaymentDeps = {
  readonly book: Book
  readonly log: MoneyLog
  readonly clock: Clock
  readonly faults: PaymentFaultPlan
}

/**
 * Serves transfers, reversals, payouts, events, look-ups, the balance, `GET /__log` and `/__faults` on a
 * loopback address; with `webhooks` it tells its events too.
 */
export async function startPaymentServer(
  deps: PaymentDeps,
  options: { host: string; port: number; webhooks?: WebhookOptions | null },
): Promise<RunningServer> {
  const server = await startHttpServer(createPaymentHandler(deps), options)
  if (options.webhooks === undefined || options.webhooks === null) return server
  const webhooks = startWebhooks(deps, options.webhooks)
  return {
    url: server.url,
    port: server.port,
    async [Symbol.asyncDispose]() {
      await webhooks[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

function createPaymentHandler(deps: PaymentDeps): Handler {
  const keyedPost = createKeyedPosts(deps)
  const createTransfer = createTransferHandler(deps, keyedPost)
  const createReversal = createReversalHandler(deps, keyedPost)
  const createPayout = createPayoutHandler(deps, keyedPost)
  return async (request) => {
    const { path, method } = request
    if (path === FAULTS_PATH) return answerFaults(deps.faults, request)
    if (path === '/__log') {
      return { status: 200, body: JSON.stringify(deps.book.summary(await nowS(deps))) }
    }
    const refused = refuseKey(request)
    if (refused !== null) return refused
    if (method === 'POST') {
      if (path === TRANSFERS_PATH) return createTransfer(request)
      if (path === PAYOUTS_PATH) return createPayout(request)
      if (reversedId(path) !== null) return createReversal(request)
    }
    const read = method === 'GET' ? readObjects(deps, request, await nowS(deps)) : null
    if (read !== null) return read
    const message = `Unrecognized request URL (${method}: ${path}).`
    return { status: 404, body: renderError('invalid_request_error', message) }
  }
}

async function nowS({ clock }: PaymentDeps): Promise<number> {
  return Math.floor(toMs(await clock.now()) / 1_000)
}

/** What a GET answers; null when nothing is served there. */
function readObjects({ book }: PaymentDeps, request: SimulatorRequest, atS: number): Answer | null {
  const { path, query } = request
  const show = (transfer: StoredTransfer) =>
    renderTransfer(transfer, book.reversalsOf(transfer, atS))
  if (path === TRANSFERS_PATH) return listTransfers(book, query, show)
  if (path === PAYOUTS_PATH) return listPayouts(book, request, atS)
  if (path === BALANCE_REPORT_PATH) return listMovements(book, request, atS)
  if (path === '/v1/events') return listEvents(book, request, atS)
  if (path === '/v1/balance') return balance(book, atS)
  if (path.startsWith(`${TRANSFERS_PATH}/`)) {
    const id = decodeURIComponent(path.slice(TRANSFERS_PATH.length + 1))
    const transfer = book.byId(id)
    return transfer === null ? missing('transfer', id) : { status: 200, body: show(transfer) }
  }
  if (!path.startsWith(`${PAYOUTS_PATH}/`)) return null
  const id = decodeURIComponent(path.slice(PAYOUTS_PATH.length + 1))
  const payout = book.payoutById(id)
  // Another account's payout is not there for this one.
  return payout === null || payout.account !== accountOf(request)
    ? missing('payout', id)
    : { status: 200, body: renderPayout(payout, atS) }
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

function listTransfers(
  book: Book,
  query: URLSearchParams,
  render: (transfer: StoredTransfer) => string,
): Answer {
  const group = query.get('transfer_group')
  const destination = query.get('destination')
  return listObjects(
    {
      url: TRANSFERS_PATH,
      objects: group === null ? book.transfers : book.byGroup(group),
      idOf: ({ id }) => id,
      isMatch: (transfer) => destination === null || transfer.destination === destination,
      render,
    },
    query,
  )
}

function listPayouts(book: Book, request: SimulatorRequest, atS: number): Answer {
  const account = accountOf(request)
  return listObjects(
    {
      url: PAYOUTS_PATH,
      objects: book.payouts,
      idOf: ({ id }) => id,
      isMatch: (payout) => payout.account === account,
      render: (payout) => renderPayout(payout, atS),
    },
    request.query,
  )
}

/** Events of the platform's own objects, or of a connected account's when the request names one. */
function listEvents(book: Book, request: SimulatorRequest, atS: number): Answer {
  const { query } = request
  const account = accountOf(request) || null
  const types = [...query].flatMap(([name, type]) =>
    name === 'type' || /^types\[\d*\]$/.test(name) ? [type] : [],
  )
  return listObjects(
    {
      url: '/v1/events',
      objects: book.events(atS),
      idOf: eventId,
      isMatch: (event) =>
        event.account === account && (types.length === 0 || types.includes(event.type)),
      render: (event) => renderEventOf(book, event),
    },
    query,
  )
}

function missing(what: string, id: string): Answer {
  const details = { code: 'resource_missing', param: 'id' }
  const body = renderError('invalid_request_error', `No such ${what}: '${id}'`, details)
  return { status: 404, body }
}

function balance(book: Book, atS: number): Answer {
  const { sums } = book.summary(atS)
  const currencies = Object.keys(sums).length === 0 ? ['usd'] : Object.keys(sums)
  const available = currencies.map((currency) => ({
    amount: BALANCE_MINOR - (sums[currency] ?? 0),
    currency,
    source_types: { card: BALANCE_MINOR - (sums[currency] ?? 0) },
  }))
  const body = { object: 'balance', available, livemode: false, pending: [] }
  return { status: 200, body: JSON.stringify(body) }
}
