/**
 * Transfers to connected accounts over the Stripe v1 API, through the official SDK. Another server of
 * the same dialect is used by its base URL alone. Never retries: the caller decides with the ledger.
 */
import Stripe from 'stripe'
import { currency, minorUnits } from '../../domain/money.ts'
import type {
  PaymentProvider,
  Transfer,
  TransferOutcome,
  TransferPage,
  TransferRequest,
} from '../../domain/ports/payment-provider.ts'
import { instantFromMs, toMs, type Instant } from '../../domain/time.ts'
import {
  createCircuit,
  DEFAULT_CIRCUIT,
  type BreakerState,
  type CircuitOptions,
} from '../circuit.ts'
import { createStripeHttpClient } from './stripe-http-client.ts'
import { outcomeOfError, unknown, UNKNOWN_CODES } from './transfer-outcome.ts'

/** Where transfers go unless a base URL says otherwise. */
export const STRIPE_BASE_URL = 'https://api.stripe.com'

const DEFAULT_CONCURRENCY = 32
const TIMEOUT_MS = 10_000
/** The API's own limit on a key. */
const KEY_LENGTH_LIMIT = 255
/** The API's own limit on a page. */
const PAGE_LIMIT = 100
/** A payout has one transfer per attempt; a thousand would be a defect worth an error. */
const LOOKUP_PAGES_LIMIT = 10
const SECOND_MS = 1_000

/** How the Stripe adapter reaches its server. */
export type StripeOptions = {
  /** Secret key, `sk_...`. Never logged. */
  readonly apiKey: string
  /** Base URL of a server that speaks the dialect, with or without `/v1`; default the official API. */
  readonly baseUrl?: string | null
  /** Requests under way at most, 1 to 1,000; default 32. */
  readonly concurrency?: number
  readonly circuit?: CircuitOptions
  /** Longest wait for an answer; default 10,000 ms. */
  readonly timeoutMs?: number
}

/** The payment provider and what metrics read of it; disposing closes its connections. */
export type StripePayments = PaymentProvider &
  AsyncDisposable & { readonly breakerState: () => BreakerState }

/** A look-up had no answer; it may be repeated. Nothing can be concluded from it. */
export class PaymentLookupError extends Error {
  override readonly name = 'PaymentLookupError'
  readonly isRetryable = true
}

/** Throws TypeError when the base URL is not an http(s) address, or has a query. */
export function createStripePayments(options: StripeOptions): StripePayments {
  const origin = new URL(options.baseUrl ?? STRIPE_BASE_URL)
  if (!/^https?:$/.test(origin.protocol) || origin.search !== '' || origin.hash !== '') {
    throw new TypeError('the Stripe base URL must be an address such as https://api.stripe.com')
  }
  const isSecure = origin.protocol === 'https:'
  // The SDK's paths begin with the version; its settings know no path.
  const prefix = origin.pathname.replace(/\/$/, '').replace(/\/v1$/, '')
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY
  const http = createStripeHttpClient(origin.origin, prefix, concurrency)
  const stripe = new Stripe(options.apiKey, {
    host: origin.hostname,
    port: origin.port === '' ? (isSecure ? 443 : 80) : Number(origin.port),
    protocol: isSecure ? 'https' : 'http',
    httpClient: http,
    maxNetworkRetries: 0,
    timeout: options.timeoutMs ?? TIMEOUT_MS,
    telemetry: false,
  })
  const circuit = createCircuit<TransferOutcome>(isOutage, options.circuit ?? DEFAULT_CIRCUIT)
  const { openMs } = options.circuit ?? DEFAULT_CIRCUIT

  return {
    id: 'stripe',
    breakerState: () => circuit.state,
    /**
     * Cancellation is heeded before the request is sent. Money in motion is waited for, at most the
     * time-out, so that its result is stored rather than looked up later.
     */
    async createTransfer(request, signal) {
      signal?.throwIfAborted()
      if (request.idempotencyKey.length > KEY_LENGTH_LIMIT) {
        throw new RangeError(`idempotency key is longer than ${KEY_LENGTH_LIMIT} characters`)
      }
      const outcome = await circuit.run(
        () => sendTransfer(stripe, request),
        () => unknown(UNKNOWN_CODES.breakerOpen, 'not sent: too many calls failed', openMs),
      )
      return outcome.kind === 'accepted' ? outcome : withoutSecret(outcome, options.apiKey)
    },
    findByGroup: (group, signal) => findByGroup(stripe, group, signal),
    listSince: (createdAfter, cursor, signal) => listSince(stripe, createdAfter, cursor, signal),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  }
}

/** Failures that say something about the service, not about one transfer. */
function isOutage(outcome: TransferOutcome): boolean {
  const { connection, serverError } = UNKNOWN_CODES
  return outcome.kind === 'unknown' && [connection, serverError].some((c) => c === outcome.code)
}

/**
 * `rawRequest` is what `transfers.create` does, without the stack trace that the SDK takes on every
 * call for its error messages: 40 of 240 µs.
 */
async function sendTransfer(stripe: Stripe, request: TransferRequest): Promise<TransferOutcome> {
  try {
    // Checked by `isAnswerTo`: it comes from outside.
    const answer = (await stripe.rawRequest(
      'POST',
      '/v1/transfers',
      {
        amount: request.amount.minor,
        currency: request.amount.currency.toLowerCase(),
        destination: request.payeeRef,
        transfer_group: request.group,
        metadata: { ...request.metadata },
      },
      { idempotencyKey: request.idempotencyKey },
    )) as Stripe.Response<Stripe.Transfer>
    if (!isAnswerTo(request, answer)) {
      return unknown(UNKNOWN_CODES.malformed, 'the answer is not the transfer that was asked for')
    }
    const isReplay = answer.lastResponse.headers['idempotent-replayed'] === 'true'
    // What the rail does not repeat is what it was asked for.
    const group = answer.transfer_group ?? request.group
    return { kind: 'accepted', transfer: { ...toTransfer(answer), group }, isReplay }
  } catch (error) {
    return outcomeOfError(error)
  }
}

/** A server may echo the key in its message. */
function withoutSecret<T extends { message: string }>(outcome: T, secret: string): T {
  return { ...outcome, message: outcome.message.replaceAll(secret, '[key]') }
}

/** The answer comes from outside, whatever the SDK's types say. */
function isAnswerTo(request: TransferRequest, answer: Partial<Stripe.Transfer>): boolean {
  return (
    typeof answer.id === 'string' &&
    answer.object === 'transfer' &&
    answer.amount === request.amount.minor &&
    answer.currency?.toUpperCase() === request.amount.currency &&
    typeof answer.created === 'number'
  )
}

async function findByGroup(
  stripe: Stripe,
  group: string,
  signal: AbortSignal | undefined,
): Promise<Transfer[]> {
  const found: Stripe.Transfer[] = []
  let after: string | undefined
  for (let page = 0; page < LOOKUP_PAGES_LIMIT; page += 1) {
    signal?.throwIfAborted()
    const answer = await lookUp(stripe, {
      transfer_group: group,
      limit: PAGE_LIMIT,
      ...(after === undefined ? {} : { starting_after: after }),
    })
    // A server that ignores the filter must not hand us somebody else's transfer.
    found.push(...answer.data.filter((transfer) => transfer.transfer_group === group))
    after = answer.data.at(-1)?.id
    if (!hasMore(answer) || after === undefined) return found.toReversed().map(toTransfer)
  }
  throw new PaymentLookupError(`group ${group} has more than ${PAGE_LIMIT * LOOKUP_PAGES_LIMIT}`)
}

async function listSince(
  stripe: Stripe,
  createdAfter: Instant,
  cursor: string | null,
  signal: AbortSignal | undefined,
): Promise<TransferPage> {
  signal?.throwIfAborted()
  const created = Math.floor(toMs(createdAfter) / SECOND_MS)
  const answer = await lookUp(stripe, {
    created: { gte: created },
    limit: PAGE_LIMIT,
    ...(cursor === null ? {} : { starting_after: cursor }),
  })
  // A server that ignores the filter goes on to the beginning of its time: newest first, that is the end.
  const wanted = answer.data.filter((transfer) => transfer.created >= created)
  const isOver = wanted.length < answer.data.length || !hasMore(answer)
  return {
    transfers: wanted.map(toTransfer),
    next: isOver ? null : (answer.data.at(-1)?.id ?? null),
  }
}

/** A list that does not say whether it goes on may do so when the page is full. */
function hasMore(answer: {
  readonly data: readonly unknown[]
  readonly has_more?: boolean
}): boolean {
  return answer.has_more ?? answer.data.length === PAGE_LIMIT
}

async function lookUp(
  stripe: Stripe,
  params: Stripe.TransferListParams,
): Promise<Stripe.ApiList<Stripe.Transfer>> {
  let answer: Stripe.ApiList<Stripe.Transfer>
  try {
    answer = await stripe.transfers.list(params)
  } catch (error) {
    const { code, message } = outcomeOfError(error)
    throw new PaymentLookupError(`transfers could not be looked up: ${code}: ${message}`)
  }
  if (!Array.isArray(answer.data)) {
    throw new PaymentLookupError('transfers could not be looked up: the answer is not a list')
  }
  return answer
}

function toTransfer(answer: Stripe.Transfer): Transfer {
  const { destination } = answer
  return {
    id: answer.id,
    amount: {
      minor: minorUnits(answer.amount),
      currency: currency(answer.currency.toUpperCase()),
    },
    payeeRef: typeof destination === 'string' ? destination : (destination?.id ?? ''),
    group: answer.transfer_group,
    // Comes from outside, whatever the SDK's types say.
    metadata: answer.metadata ?? {},
    createdAt: instantFromMs(answer.created * SECOND_MS),
  }
}
