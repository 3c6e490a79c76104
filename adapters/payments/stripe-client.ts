/**
 * What the parts of the Stripe adapter share: the official SDK over our own connections, and look-ups
 * whose answers are checked. Another server of the same dialect is used by its base URL alone.
 */
import Stripe from 'stripe'

import type { CircuitOptions } from '../circuit.ts'
import { type StripeHttpClient, createStripeHttpClient } from './stripe-http-client.ts'
import { outcomeOfError } from './transfer-outcome.ts'

/** Where requests go unless a base URL says otherwise. */
const STRIPE_BASE_URL = 'https://api.stripe.com'

const DEFAULT_CONCURRENCY = 32
const TIMEOUT_MS = 10_000
/** The API's own limit on a page. */
export const PAGE_LIMIT = 100
/** A payout has one transfer per attempt; a thousand would be a defect worth an error. */
const LOOKUP_PAGES_LIMIT = 10
/** Milliseconds of the API's unit of time. */
export const STRIPE_SECOND_MS = 1_000

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

/** A look-up had no answer; it may be repeated. Nothing can be concluded from it. */
export class PaymentLookupError extends Error {
  override readonly name = 'PaymentLookupError'
  readonly isRetryable = true
}

/** Throws TypeError when the base URL is not an http(s) address, or has a query. */
export function openStripe(
  options: StripeOptions,
): { stripe: Stripe } & Pick<StripeHttpClient, 'openConnections' | typeof Symbol.asyncDispose> {
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
  return {
    stripe,
    openConnections: http.openConnections,
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  }
}

/** A list that does not say whether it goes on may do so when the page is full. */
export function hasMore(answer: {
  readonly data: readonly unknown[]
  readonly has_more?: boolean
}): boolean {
  return answer.has_more ?? answer.data.length === PAGE_LIMIT
}

/** A page of a list. Throws PaymentLookupError, also when the answer is no list. */
export async function lookUpPage<T>(
  list: () => Promise<Stripe.ApiList<T>>,
  what: string,
): Promise<Stripe.ApiList<T>> {
  const answer = await lookUp(list, what)
  if (answer === null || !Array.isArray(answer.data)) {
    throw new PaymentLookupError(`${what} could not be looked up: the answer is not a list`)
  }
  return answer
}

/** What a GET answers; null for what is not there. Throws PaymentLookupError. */
export async function lookUp<T>(get: () => Promise<T>, what: string): Promise<T | null> {
  try {
    return await get()
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError && error.statusCode === 404) return null
    const { code, message } = outcomeOfError(error)
    throw new PaymentLookupError(`${what} could not be looked up: ${code}: ${message}`)
  }
}

/** Everything on the pages of a list that belongs to `what`, oldest first. Throws PaymentLookupError. */
export async function collectPages<T extends { readonly id: string }>(
  list: (after: { starting_after?: string }) => Promise<Stripe.ApiList<T>>,
  options: {
    readonly what: string
    readonly isWanted: (object: T) => boolean
    /** Default: LOOKUP_PAGES_LIMIT, enough for one payout's own. */
    readonly pagesLimit?: number
    readonly signal: AbortSignal | undefined
  },
): Promise<T[]> {
  const found: T[] = []
  let after: string | undefined
  const pagesLimit = options.pagesLimit ?? LOOKUP_PAGES_LIMIT
  for (let page = 0; page < pagesLimit; page += 1) {
    options.signal?.throwIfAborted()
    const from = after === undefined ? {} : { starting_after: after }
    const answer = await lookUpPage(() => list(from), options.what)
    // A server that ignores the filter must not hand us somebody else's transfer.
    found.push(...answer.data.filter(options.isWanted))
    after = answer.data.at(-1)?.id
    if (!hasMore(answer) || after === undefined) return found.toReversed()
  }
  throw new PaymentLookupError(`${options.what}: more than ${PAGE_LIMIT * pagesLimit}`)
}
