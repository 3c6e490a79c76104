/** Turns a quote into a policy: looks at the leg once more, then has everything done in one transaction. */
import { holderProblems } from '../domain/policy-row.ts'
import type { PolicyRow, RowProblem } from '../domain/policy-row.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { FlightDataProvider } from '../domain/ports/flight-data-provider.ts'
import type { BoundQuote, QuoteStore } from '../domain/ports/quote-store.ts'
import { quoteStateAt } from '../domain/quote.ts'
import type { Quote } from '../domain/quote.ts'
import type { Instant } from '../domain/time.ts'
import { leadRefusal, sumRefusal } from '../domain/underwriting.ts'
import type { Refusal } from '../domain/underwriting.ts'
import { findLegForSale } from './leg-for-sale.ts'
import { FOREIGN_HOLDER, newPolicyPage } from './policy-page.ts'

/** What binding works over. */
export type BindQuoteDeps = {
  readonly quoteStore: QuoteStore
  readonly flightData: FlightDataProvider
  readonly clock: Clock
  /** Founding capital of each currency's pool, minor units, paid when the currency is first used. */
  readonly capacityMinor: number
}

/** Which quote, for whom. */
export type BindQuoteInput = {
  readonly quoteId: string
  /** `Q-` and the quote's id when left out. */
  readonly policyNumber?: string
  readonly payeeRef: string
  /** Who binds, for the audit trail. */
  readonly by?: string
}

/** What became of it. */
export type QuoteBound =
  | BoundQuote
  | { readonly kind: 'invalid'; readonly problems: readonly RowProblem[] }
  | { readonly kind: 'no-quote' }

/**
 * Binds a quote. Idempotent: again with the same number and payee it tells of the policy that is
 * there. Throws ProviderSilentError when the provider gives no answer; the quote is then still open.
 */
export async function bindQuote(
  deps: BindQuoteDeps,
  input: BindQuoteInput,
  signal?: AbortSignal,
): Promise<QuoteBound> {
  const { quoteId, payeeRef } = input
  const policyNumber = (input.policyNumber ?? `Q-${quoteId}`).trim()
  const problems = holderProblems({ policy_number: policyNumber, payee_ref: payeeRef })
  if (problems.length > 0) return { kind: 'invalid', problems }
  const quote = await deps.quoteStore.find(quoteId)
  if (quote === null) return { kind: 'no-quote' }
  const holder = { holderRef: payeeRef.trim(), tenant: quote.tenant }
  if ((await deps.quoteStore.foreignHolders([holder])).size > 0) {
    return { kind: 'invalid', problems: [{ field: 'payee_ref', reason: FOREIGN_HOLDER }] }
  }
  const now = await deps.clock.now()
  // A closed quote is told of as it is; only an open one is worth the provider's answer.
  const isOpen = quoteStateAt(quote, now) === 'QUOTED'
  const refusal = isOpen ? await gateOf(deps, quote, now, signal) : null
  const row: PolicyRow = {
    policyNumber,
    product: quote.product.code,
    identity: quote.sold,
    sumInsuredMinor: quote.sumInsuredMinor,
    currency: quote.currency,
    payeeRef: payeeRef.trim(),
    boundAt: null,
    premiumMinor: quote.premiumMinor,
    tenant: quote.tenant,
  }
  const { product, productVersionId, leg } = quote
  const bindable = { line: 0, row, leg, product: { product, productVersionId } }
  const boundBy = input.by === undefined ? {} : { boundBy: input.by }
  const page = { ...newPolicyPage([bindable], now, deps.capacityMinor), ...boundBy }
  return (await deps.quoteStore.bind({ quoteId, page, refusal })) ?? { kind: 'no-quote' }
}

async function gateOf(
  { flightData }: BindQuoteDeps,
  quote: Quote,
  now: Instant,
  signal: AbortSignal | undefined,
): Promise<Refusal | null> {
  const { leg: quoted, terms, product } = quote
  const refusal =
    leadRefusal(quoted.scheduledOut, terms, now) ??
    sumRefusal(quote.sumInsuredMinor, product, terms)
  if (refusal !== null) return refusal
  const options = signal === undefined ? { quoted } : { quoted, signal }
  const found = await findLegForSale(flightData, quote.sold, now, options)
  return found.ok ? null : found.refusal
}
