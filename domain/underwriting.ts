/**
 * What may be sold, on what terms, and why not: the gates of a quote and of its binding. Books taken
 * over from elsewhere were sold under other rules and do not pass here.
 */
import type { LegFacts, WatchedLeg } from './leg-facts.ts'
import { shareOf, type MinorUnits } from './money.ts'
import type { ScheduledLeg } from './ports/flight-data-provider.ts'
import type { Product } from './product.ts'
import { MINUTE_MS, msBetween, SECOND_MS, type Instant } from './time.ts'

/** The terms on which a product version is sold. */
export type Underwriting = {
  /** Least and greatest time from binding to the scheduled departure, both allowed. Seconds. */
  readonly minLeadS: number
  readonly maxLeadS: number
  /** Past legs that a rate needs. */
  readonly minObservations: number
  /** Greatest sum insured of one policy, minor units of its currency. */
  readonly siMaxMinor: number
  /** Greatest total of the sums insured on one physical leg, minor units, each currency by itself. */
  readonly clusterLimitMinor: number
  /** The holder may cancel for a full refund until this long before departure. Seconds. */
  readonly cancelUntilBeforeS: number
  /** How long a quote holds. Seconds. */
  readonly quoteTtlS: number
  /** Added to the burn in a premium, basis points of it. */
  readonly loadingBps: number
  /** No cover costs less than this share of the sum insured. */
  readonly leastRateBps: number
}

const HOUR_S = 3_600
const DAY_S = 24 * HOUR_S

/**
 * The terms of a product that states none. A day's lead keeps out those who know already that their
 * flight is in trouble; timetables reach about a year ahead.
 */
export const DEFAULT_UNDERWRITING: Underwriting = {
  minLeadS: DAY_S,
  maxLeadS: 330 * DAY_S,
  minObservations: 10,
  siMaxMinor: 100_000,
  clusterLimitMinor: 10_000_000,
  cancelUntilBeforeS: DAY_S,
  quoteTtlS: 15 * 60,
  loadingBps: 3_000,
  leastRateBps: 100,
}

/** The terms of a product version. */
export function underwritingOf(product: Product): Underwriting {
  return product.underwriting ?? DEFAULT_UNDERWRITING
}

/** Why cover is not sold. */
export type RefusalCode =
  | 'SALES_CLOSED'
  | 'COVER_DISARMED'
  | 'LEAD_TOO_SHORT'
  | 'LEAD_TOO_LONG'
  | 'SUM_TOO_LARGE'
  | 'SUM_TOO_SMALL'
  | 'NO_SUCH_LEG'
  | 'SCHEDULE_CHANGED'
  | 'SCHEDULE_UNVERIFIED'
  | 'LEG_CANCELLED'
  | 'LEG_DELAYED'
  | 'LEG_DEPARTED'
  | 'LEG_UNCLEAR'
  | 'NO_RATE'
  | 'RATE_TOO_HIGH'
  | 'CLUSTER_LIMIT'
  | 'POOL_SHORT'

/** A refusal in words; `field` is the column of the request that would have to differ. */
export type Refusal = {
  readonly code: RefusalCode
  readonly field: 'product' | 'departure_date' | 'flight_number' | 'sum_insured'
  readonly reason: string
}

/** What people decided about the sale of a product. */
export type SaleState = {
  /** Of any cover. */
  readonly isOpen: boolean
  /** Of this product's. */
  readonly isArmed: boolean
}

/** Whether the product is sold at present at all. */
export function saleRefusal({ isOpen, isArmed }: SaleState): Refusal | null {
  const field = 'product'
  if (!isOpen) return { code: 'SALES_CLOSED', field, reason: 'no new cover is sold at present' }
  if (!isArmed) return { code: 'COVER_DISARMED', field, reason: 'is not sold at present' }
  return null
}

/** An estimate this much after the timetable is a delay that is known already. */
export const KNOWN_DELAY_MS = 15 * MINUTE_MS

/** Whether the time to departure is within the terms. */
export function leadRefusal(
  scheduledOut: Instant,
  terms: Underwriting,
  now: Instant,
): Refusal | null {
  const leadMs = msBetween(now, scheduledOut)
  const field = 'departure_date'
  const when = `departs at ${scheduledOut}, now is ${now}`
  if (leadMs < terms.minLeadS * SECOND_MS) {
    const reason = `${when}: cover is sold until ${hours(terms.minLeadS)} before departure`
    return { code: 'LEAD_TOO_SHORT', field, reason }
  }
  if (leadMs > terms.maxLeadS * SECOND_MS) {
    const reason = `${when}: cover is sold from ${hours(terms.maxLeadS)} before departure on`
    return { code: 'LEAD_TOO_LONG', field, reason }
  }
  return null
}

function hours(seconds: number): string {
  return `${Number((seconds / HOUR_S).toFixed(2))} h`
}

/** Whether the sum is within the terms, and large enough that every payout is something. */
export function sumRefusal(
  sumInsured: MinorUnits,
  product: Product,
  terms: Underwriting,
): Refusal | null {
  const field = 'sum_insured'
  if (sumInsured > terms.siMaxMinor) {
    const reason = `is more than ${product.code} insures: ${terms.siMaxMinor} minor units`
    return { code: 'SUM_TOO_LARGE', field, reason }
  }
  const shares = [product.cancelBps, product.notReachedBps, ...product.tiers.map(({ bps }) => bps)]
  const smallest = Math.min(...shares.filter((bps) => bps > 0))
  if (Number.isFinite(smallest) && shareOf(sumInsured, smallest) === 0) {
    const reason = `is too small: ${smallest / 100} % of it, a payout of ${product.code}, is nothing`
    return { code: 'SUM_TOO_SMALL', field, reason }
  }
  return null
}

/** Whether a timetable's leg may be insured at all, and is still the one that was quoted. */
export function scheduleRefusal(leg: ScheduledLeg, quoted: ScheduledLeg = leg): Refusal | null {
  const field = 'flight_number'
  if (leg.isTimeUnverified === true) {
    const reason =
      'its times are not certain enough to be insured: another source must confirm them'
    return { code: 'SCHEDULE_UNVERIFIED', field, reason }
  }
  const [before, now] = [shown(quoted), shown(leg)]
  if (before === now) return null
  const reason = `was quoted as ${before} and is now ${now}: ask for a new quote`
  return { code: 'SCHEDULE_CHANGED', field, reason }
}

function shown({ carrier, flightNumber, scheduledOut, scheduledIn }: ScheduledLeg): string {
  return `${carrier}${flightNumber} from ${scheduledOut} to ${scheduledIn}`
}

/** Whether something is known of the leg already that makes a payout likely or the leg unclear. */
export function factsRefusal(leg: WatchedLeg, facts: LegFacts): Refusal | null {
  const field = 'flight_number'
  if (facts.cancelled !== null) {
    return { code: 'LEG_CANCELLED', field, reason: 'is reported cancelled' }
  }
  const hasLeft = facts.actualOut ?? facts.actualOff ?? facts.landing ?? facts.arrival
  if (hasLeft !== null || facts.diversion !== null) {
    return { code: 'LEG_DEPARTED', field, reason: 'has left the gate already' }
  }
  if (facts.ambiguous !== null) {
    return { code: 'LEG_UNCLEAR', field, reason: 'the provider shows more than one such leg' }
  }
  if (isLate(leg.scheduledOut, facts.estimatedOut) || isLate(leg.scheduledIn, facts.estimatedIn)) {
    return { code: 'LEG_DELAYED', field, reason: 'is expected to be late already' }
  }
  return null
}

function isLate(scheduled: Instant, estimated: Instant | null): boolean {
  return estimated !== null && msBetween(scheduled, estimated) >= KNOWN_DELAY_MS
}

/** Whether one more sum fits under the leg's limit beside those that are insured on it. */
export function clusterRefusal(
  insured: bigint,
  sumInsured: MinorUnits,
  terms: Underwriting,
): Refusal | null {
  const rest = BigInt(terms.clusterLimitMinor) - insured
  if (BigInt(sumInsured) <= rest) return null
  const left = rest > 0n ? rest : 0n
  const reason = `is more than may still be insured on this leg: ${left} minor units`
  return { code: 'CLUSTER_LIMIT', field: 'sum_insured', reason }
}

/** Refusals of money that is not there. */
export const POOL_SHORT: Refusal = {
  code: 'POOL_SHORT',
  field: 'sum_insured',
  reason: 'the pool has not enough money left to reserve this sum',
}
