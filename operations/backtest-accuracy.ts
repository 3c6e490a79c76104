/** How right a backtest was: its decisions against what the carriers themselves reported. */
import type { LegPack, PackLeg } from '../domain/leg-pack.ts'
import type { Product } from '../domain/product.ts'
import type { LegBacktest } from './backtest.ts'

/** Counts of one product's decisions. A leg in review is neither right nor wrong. */
export type Accuracy = {
  readonly legs: number
  /** Decided more than was due. */
  readonly falsePays: number
  /** Decided less than was due, without people looking at the difference. */
  readonly falseDenials: number
  /** Of both, those that the look after the decision found and set right. */
  readonly foundLater: number
  /** Left to people, as a whole or for a difference. */
  readonly inReview: number
  readonly reviewShare: number
}

/** Of the product at `index`; `results` are those of the pack's legs in its order. */
export function accuracyOf(
  results: readonly LegBacktest[],
  pack: LegPack,
  products: readonly Product[],
  index: number,
): Accuracy {
  const product = products[index]
  if (product === undefined) throw new RangeError('no such product')
  let falsePays = 0
  let falseDenials = 0
  let foundLater = 0
  let inReview = 0
  for (const [i, { outcomes, disputedBps, correctedBps }] of results.entries()) {
    const leg = pack.legs[i]
    const outcome = outcomes[index]
    if (leg === undefined || outcome === undefined) throw new RangeError('results of another pack')
    const disputed = disputedBps[index] ?? null
    if (outcome === 'REVIEW' || disputed !== null) inReview += 1
    if (outcome === 'REVIEW') continue
    const due = dueBps(leg, product)
    const isFalsePay = outcome > due
    const isFalseDenial = outcome < due && (disputed ?? 0) < due
    if (isFalsePay) falsePays += 1
    if (isFalseDenial) falseDenials += 1
    if ((isFalsePay || isFalseDenial) && correctedBps[index] === due) foundLater += 1
  }
  const legs = results.length
  const reviewShare = legs === 0 ? 0 : inReview / legs
  return { legs, falsePays, falseDenials, foundLater, inReview, reviewShare }
}

/** By the carrier's own report of its delay, with no instant and no zone in between. */
function dueBps({ status, arrivalDelayMin }: PackLeg, product: Product): number {
  if (status === 'C') return product.cancelBps
  if (status === 'D') return product.notReachedBps
  if (arrivalDelayMin === null) throw new TypeError('an arrived leg without a delay')
  return product.tiers.find(({ minDelayMin }) => arrivalDelayMin >= minDelayMin)?.bps ?? 0
}
