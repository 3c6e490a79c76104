/** Where quotes are kept and bound. */
import type { Quote } from '../quote.ts'
import type { Refusal, SaleState } from '../underwriting.ts'
import type { BindPage } from './policy-store.ts'
import type { TenantHolders } from './tenant-holders.ts'

/** A quote to be kept; `ref` names the request, and the same ref is the same quote. */
export type NewQuote = Omit<
  Quote,
  'quoteId' | 'product' | 'state' | 'declined' | 'policyNumber'
> & {
  readonly ref: string
}

/** What a quote is to be bound with. */
export type QuoteBinding = {
  readonly quoteId: string
  /** The one policy that the quote becomes, with its leg. */
  readonly page: BindPage
  /** What was found wrong before: the quote is declined with it. */
  readonly refusal: Refusal | null
}

/** What became of a binding. */
export type BoundQuote =
  /** `isNew` is false when the same policy was bound from it before. */
  | { readonly kind: 'bound'; readonly quote: Quote; readonly isNew: boolean }
  | { readonly kind: 'declined'; readonly quote: Quote }
  | { readonly kind: 'lapsed'; readonly quote: Quote }
  /** It became another policy: another number or another payee. */
  | { readonly kind: 'bound-otherwise'; readonly quote: Quote }
  /** The policy number belongs to another policy; the quote is still open. */
  | { readonly kind: 'number-taken' }

/** Quotes: made, looked up, bound once. */
export interface QuoteStore extends TenantHolders {
  /** Keeps a quote and returns it; a ref that is known returns the quote of that ref. */
  create(quote: NewQuote): Promise<Quote>
  /** Whether the product is sold at present; binding asks again under its locks. */
  readSaleState(product: string): Promise<SaleState>
  /** Null when there is none. */
  find(quoteId: string): Promise<Quote | null>
  /**
   * Binds in one transaction: the quote's state, the leg's limit and what is known of it, policy,
   * premium, escrow out of the pool. A gate that fails declines the quote, time that ran out lapses it;
   * either leaves nothing else behind. Binding again with the same number and payee changes nothing.
   * Null when there is no such quote.
   */
  bind(binding: QuoteBinding): Promise<BoundQuote | null>
}
