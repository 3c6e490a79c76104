/** A quote: what cover would cost and pay, on what terms and until when; its life until it is bound. */
import type { LegIdentity } from './leg.ts'
import { shareOf, type Currency, type MinorUnits } from './money.ts'
import type { ScheduledLeg } from './ports/flight-data-provider.ts'
import type { Rate } from './premium.ts'
import type { Product } from './product.ts'
import type { Instant } from './time.ts'
import type { RefusalCode, Underwriting } from './underwriting.ts'

/** QUOTED is the only one that others follow. */
export type QuoteState = 'QUOTED' | 'BOUND' | 'DECLINED' | 'LAPSED'

/** What each outcome pays, in minor units of the quote's currency. */
export type QuotedAmounts = {
  /** Highest threshold first. */
  readonly tiers: readonly { readonly minDelayMin: number; readonly amountMinor: MinorUnits }[]
  readonly cancelledMinor: MinorUnits
  readonly notReachedMinor: MinorUnits
}

/** A quote. All but its end is fixed when it is made. */
export type Quote = {
  readonly quoteId: string
  readonly productVersionId: string
  readonly product: Product
  /** As asked for; a code share's number when that was sold. */
  readonly sold: LegIdentity
  /** The operating leg in the timetable, whose schedule is insured. */
  readonly leg: ScheduledLeg
  readonly sumInsuredMinor: MinorUnits
  readonly currency: Currency
  readonly premiumMinor: MinorUnits
  readonly rate: Rate
  readonly terms: Underwriting
  readonly amounts: QuotedAmounts
  readonly quotedAt: Instant
  /** From this moment on it cannot be bound. */
  readonly expiresAt: Instant
  readonly state: QuoteState
  /** Why it was declined. */
  readonly declined: {
    readonly code: RefusalCode
    readonly field: string
    readonly reason: string
  } | null
  /** The policy that it became. */
  readonly policyNumber: string | null
  /** Whose policy it becomes. */
  readonly tenant: string
}

/** The amounts of a sum insured under a product; each share is rounded once, as a payout is. */
export function amountsOf(product: Product, sumInsured: MinorUnits): QuotedAmounts {
  return {
    tiers: product.tiers.map(({ minDelayMin, bps }) => ({
      minDelayMin,
      amountMinor: shareOf(sumInsured, bps),
    })),
    cancelledMinor: shareOf(sumInsured, product.cancelBps),
    notReachedMinor: shareOf(sumInsured, product.notReachedBps),
  }
}

/** The state to show: a quote that nobody bound in time has lapsed, whether or not that was written. */
export function quoteStateAt(quote: Pick<Quote, 'state' | 'expiresAt'>, now: Instant): QuoteState {
  return quote.state === 'QUOTED' && now >= quote.expiresAt ? 'LAPSED' : quote.state
}
