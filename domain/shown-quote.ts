/** A quote as both doors show it: without what only binding needs. Pure. */
import type { LegIdentity } from './leg.ts'
import { quoteStateAt, type Quote } from './quote.ts'
import type { Instant } from './time.ts'

/** What is shown of a quote. */
export type ShownQuote = Pick<
  Quote,
  | 'quoteId'
  | 'state'
  | 'sumInsuredMinor'
  | 'premiumMinor'
  | 'currency'
  | 'rate'
  | 'terms'
  | 'quotedAt'
  | 'expiresAt'
  | 'declined'
  | 'policyNumber'
  | 'tenant'
> & {
  readonly product: { readonly code: string; readonly version: number }
  /** The operating leg; `departureDate` is that of the flight as sold. */
  readonly leg: Pick<LegIdentity, 'carrier' | 'flightNumber' | 'origin' | 'destination'> & {
    readonly departureDate: LegIdentity['originLocalDate']
    readonly scheduledOut: Instant
    readonly scheduledIn: Instant
  }
  /** The number that was sold, where it is another than the operating one. */
  readonly marketingIdent: string | null
  readonly pays: Quote['amounts']
}

/** The quote with its state at this moment. */
export function shownQuote(quote: Quote, now: Instant): ShownQuote {
  const { quoteId, product, sold, leg, currency, rate, terms, amounts, declined } = quote
  const ident = sold.carrier + sold.flightNumber
  return {
    quoteId,
    state: quoteStateAt(quote, now),
    product: { code: product.code, version: product.version },
    leg: {
      carrier: leg.carrier,
      flightNumber: leg.flightNumber,
      origin: leg.origin,
      destination: leg.destination,
      departureDate: sold.originLocalDate,
      scheduledOut: leg.scheduledOut,
      scheduledIn: leg.scheduledIn,
    },
    marketingIdent: ident === leg.carrier + leg.flightNumber ? null : ident,
    sumInsuredMinor: quote.sumInsuredMinor,
    premiumMinor: quote.premiumMinor,
    currency,
    pays: amounts,
    rate,
    terms,
    quotedAt: quote.quotedAt,
    expiresAt: quote.expiresAt,
    declined,
    policyNumber: quote.policyNumber,
    tenant: quote.tenant,
  }
}
