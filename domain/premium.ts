/**
 * What cover costs: the share of the sum insured that the product would have paid on past legs of the
 * same flight, or of the same route when the flight has too few, with a loading. Integers throughout.
 */
import { bpsOf } from './decision.ts'
import type { DelayHistory, DelayRecord } from './delay-history.ts'
import type { LegIdentity } from './leg.ts'
import { BPS_WHOLE, minorUnits, type MinorUnits } from './money.ts'
import type { Product } from './product.ts'
import type { Underwriting } from './underwriting.ts'

/** What a premium is computed from; kept with the quote, so that it can be computed again. */
export type Rate = {
  /** Whose past legs were counted. */
  readonly basis: 'FLIGHT' | 'ROUTE'
  readonly observations: number
  /** What the product would have paid on all of them, in basis points of a sum insured. */
  readonly paidBps: number
  /** Added to the burn, basis points of it. */
  readonly loadingBps: number
  /** No cover costs less than this share of the sum insured. */
  readonly leastBps: number
}

/** What the product would have paid on these legs, in basis points of a sum insured on each. */
export function paidBpsOf(product: Product, record: DelayRecord): number {
  const late = record.lateMin.reduce((sum, delayMin) => sum + bpsOf(product, delayMin), 0)
  return late + record.cancelled * product.cancelBps + record.notReached * product.notReachedBps
}

/**
 * The rate of a leg (its operating identity): by flight with at least `minObservations` past legs, else
 * by route with as many, else null: nobody knows what this cover is worth.
 */
export function rateOf(
  product: Product,
  terms: Underwriting,
  history: DelayHistory,
  leg: LegIdentity,
): Rate | null {
  const candidates = [
    ['FLIGHT', history.ofFlight(leg.carrier, leg.flightNumber)],
    ['ROUTE', history.ofRoute(leg.carrier, leg.origin, leg.destination)],
  ] as const
  for (const [basis, record] of candidates) {
    if (record === null || record.observations < terms.minObservations) continue
    return {
      basis,
      observations: record.observations,
      paidBps: paidBpsOf(product, record),
      loadingBps: terms.loadingBps,
      leastBps: terms.leastRateBps,
    }
  }
  return null
}

/**
 * The premium of a sum insured, rounded up to a whole minor unit, at least one. Exact for every safe
 * integer. Throws RangeError on a sum that is not positive and on a rate without observations.
 */
export function premiumOf(sumInsured: MinorUnits, rate: Rate): MinorUnits {
  if (sumInsured <= 0) throw new RangeError(`sum insured is not positive: ${sumInsured}`)
  if (rate.observations <= 0) throw new RangeError('a rate needs observations')
  const sum = BigInt(sumInsured)
  const whole = BigInt(BPS_WHOLE)
  const loaded = sum * BigInt(rate.paidBps) * (whole + BigInt(rate.loadingBps))
  const byBurn = dividedUp(loaded, BigInt(rate.observations) * whole * whole)
  const least = dividedUp(sum * BigInt(rate.leastBps), whole)
  const greatest = [byBurn, least, 1n].reduce((a, b) => (a > b ? a : b))
  return minorUnits(Number(greatest))
}

function dividedUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor
}
