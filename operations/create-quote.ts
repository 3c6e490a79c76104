/** Makes a quote: what cover of one leg costs and pays, on what terms, until when. Binds nothing. */
import type { DelayHistory } from '../domain/delay-history.ts'
import type { LegIdentity } from '../domain/leg.ts'
import type { CoverRow, RowProblem } from '../domain/policy-row.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { FlightDataProvider, ScheduledLeg } from '../domain/ports/flight-data-provider.ts'
import type { ProductStore, StoredProduct } from '../domain/ports/product-store.ts'
import type { QuoteStore } from '../domain/ports/quote-store.ts'
import { premiumOf, rateOf } from '../domain/premium.ts'
import { amountsOf } from '../domain/quote.ts'
import type { Quote } from '../domain/quote.ts'
import { DEFAULT_TENANT } from '../domain/role.ts'
import { addMs, SECOND_MS } from '../domain/time.ts'
import { leadRefusal, saleRefusal, sumRefusal, underwritingOf } from '../domain/underwriting.ts'
import type { Refusal, Underwriting } from '../domain/underwriting.ts'
import { findLegForSale } from './leg-for-sale.ts'

/** What quoting works over. */
export type CreateQuoteDeps = {
  readonly quoteStore: Pick<QuoteStore, 'create' | 'readSaleState'>
  readonly productStore: Pick<ProductStore, 'latest'>
  readonly flightData: FlightDataProvider
  readonly delayHistory: () => Promise<DelayHistory>
  readonly clock: Clock
}

/** What is asked for. */
export type QuoteRequest = {
  readonly cover: CoverRow
  /** How long the quote holds, seconds; the product's when left out. */
  readonly ttlS?: number
  /** Names the request: the same ref is the same quote. */
  readonly ref: string
  /** Whose quote it is; the house's when left out. */
  readonly tenant?: string
}

/** A quote, or why there is none. */
export type CreatedQuote =
  | { readonly ok: true; readonly quote: Quote }
  | { readonly ok: false; readonly refusal: Refusal | RowProblem }

/**
 * Quotes the latest version of a product. Idempotent by ref. Throws ProviderSilentError when the
 * provider gives no answer.
 */
export async function createQuote(
  deps: CreateQuoteDeps,
  request: QuoteRequest,
  signal?: AbortSignal,
): Promise<CreatedQuote> {
  const { cover } = request
  const stored = (await deps.productStore.latest([cover.product])).get(cover.product)
  if (stored === undefined) {
    const reason = `no such product: ${cover.product}`
    return { ok: false, refusal: { field: 'product', reason } }
  }
  const closed = saleRefusal(await deps.quoteStore.readSaleState(cover.product))
  if (closed !== null) return { ok: false, refusal: closed }
  const terms = termsOf(stored, request.ttlS)
  const now = await deps.clock.now()
  const found = await findLegForSale(deps.flightData, cover.identity, now, signalOf(signal))
  if (!found.ok) return found
  const refusal =
    leadRefusal(found.leg.scheduledOut, terms, now) ??
    sumRefusal(cover.sumInsuredMinor, stored.product, terms)
  if (refusal !== null) return { ok: false, refusal }
  const priced = price(await deps.delayHistory(), stored, terms, cover, found.leg)
  if (!priced.ok) return priced
  const quote = await deps.quoteStore.create({
    ref: request.ref,
    productVersionId: stored.productVersionId,
    sold: cover.identity,
    leg: found.leg,
    sumInsuredMinor: cover.sumInsuredMinor,
    currency: cover.currency,
    premiumMinor: priced.premiumMinor,
    rate: priced.rate,
    terms,
    amounts: amountsOf(stored.product, cover.sumInsuredMinor),
    quotedAt: now,
    expiresAt: addMs(now, terms.quoteTtlS * SECOND_MS),
    tenant: request.tenant ?? DEFAULT_TENANT,
  })
  return { ok: true, quote }
}

function termsOf({ product }: StoredProduct, ttlS: number | undefined): Underwriting {
  const terms = underwritingOf(product)
  return ttlS === undefined ? terms : { ...terms, quoteTtlS: ttlS }
}

function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}

function price(
  history: DelayHistory,
  { product }: StoredProduct,
  terms: Underwriting,
  cover: CoverRow,
  leg: ScheduledLeg,
) {
  const identity: LegIdentity = { ...cover.identity, ...operatingOf(leg) }
  const rate = rateOf(product, terms, history, identity)
  const field = 'flight_number'
  if (rate === null) {
    const reason =
      `has no rate: fewer than ${terms.minObservations} past legs of this flight, ` +
      `and of ${leg.carrier} from ${leg.origin} to ${leg.destination}`
    return { ok: false, refusal: { code: 'NO_RATE', field, reason } } as const
  }
  const premiumMinor = premiumOf(cover.sumInsuredMinor, rate)
  if (premiumMinor >= cover.sumInsuredMinor) {
    const reason = 'is late so often that cover would cost what it insures'
    return { ok: false, refusal: { code: 'RATE_TOO_HIGH', field, reason } } as const
  }
  return { ok: true, rate, premiumMinor } as const
}

function operatingOf({ carrier, flightNumber, origin, destination }: ScheduledLeg) {
  return { carrier, flightNumber, origin, destination }
}
