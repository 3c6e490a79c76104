/** A review case as it stands at the moment of a decision: what waits behind it and what it may cost. */
import { bpsOf } from './decision.ts'
import { BPS_WHOLE, minorUnits, shareOf, type BasisPoints } from './money.ts'
import type { PayoutState } from './payout.ts'
import type { Product } from './product.ts'
import type { PayBasis, ReviewDecision } from './review-decision.ts'
import type { ReviewState } from './review-state.ts'
import type { Instant } from './time.ts'

/** Policies of the case under one product version, insured arrival and currency. */
export type ReviewGroup = {
  readonly productVersionId: string
  readonly product: Product
  readonly insuredScheduledIn: Instant
  readonly currency: string
  /** How many policies there are of each sum insured. */
  readonly sums: readonly ReviewSum[]
}

/** Policies of a group that have one sum insured and got the same. */
export type ReviewSum = {
  readonly sumInsuredMinor: number
  /** All payouts so far; left out where nothing is decided. */
  readonly gotMinor?: number
  readonly policies: number
}

/** A sum of money by currency; minor units. */
export type CurrencySum = { readonly currency: string; readonly minor: bigint }

/** The first of two persons' decision. Plain JSON. */
export type ReviewProposal = {
  readonly decision: ReviewDecision
  readonly by: string
  readonly reason: string
  readonly at: Instant
  readonly requestId: string
  /** What was at stake when it was made; decimal text. */
  readonly atStake: readonly { readonly currency: string; readonly minor: string }[]
}

/** The payout that a case is about. */
export type ReviewedPayout = {
  readonly payoutId: string
  readonly batchId: string | null
  readonly state: PayoutState
  readonly hasOpenAttempt: boolean
  readonly amountMinor: number
  readonly currency: string
}

/** A case with all that a decision about it depends on. */
export type ReviewSnapshot = {
  readonly caseId: string
  readonly state: ReviewState
  readonly subjectKind: string
  readonly subjectId: string
  readonly reasonCode: string
  readonly assignee: string | null
  readonly waitUntil: Instant | null
  readonly proposal: ReviewProposal | null
  readonly resolution: string | null
  /** The request of the last decision. */
  readonly decisionRef: string | null
  /** Policies that wait for it; empty when money does not depend on the case. */
  readonly groups: readonly ReviewGroup[]
  /** Decided policies that may be owed more, with what they got; empty unless the case is about that. */
  readonly differences: readonly ReviewGroup[]
  /** Of these, policies with a payout that is neither paid nor cancelled. */
  readonly unsettledPolicies: number
  /** Other policies of the leg are still watched. */
  readonly isLegWatched: boolean
  readonly payout: ReviewedPayout | null
  /** Setting `reviews.twoPersonLimitMinor`: what one person may decide alone; null is no limit. */
  readonly twoPersonLimit: unknown
}

/** What a group is paid on this basis: 0 when its product pays nothing for it. */
export function bpsOnBasis(product: Product, basis: PayBasis): BasisPoints {
  if ('bps' in basis) return basis.bps
  if ('delayMin' in basis) return bpsOf(product, basis.delayMin)
  return basis.event === 'CANCELLED' ? product.cancelBps : product.notReachedBps
}

/** The most that a product pays. */
export function greatestBps(product: Product): BasisPoints {
  const shares = [product.cancelBps, product.notReachedBps, ...product.tiers.map(({ bps }) => bps)]
  return Math.min(BPS_WHOLE, Math.max(...shares))
}

/** What one policy gets beyond what it got when it is paid this share in all; minor units. */
export function shareBeyond({ sumInsuredMinor, gotMinor }: ReviewSum, bps: BasisPoints): bigint {
  const beyond = BigInt(shareOf(minorUnits(sumInsuredMinor), bps)) - BigInt(gotMinor ?? 0)
  return beyond > 0n ? beyond : 0n
}

/** What the groups get more when each is paid its share; a row per currency, sorted by it. */
export function sumShares(
  groups: readonly ReviewGroup[],
  bpsOfGroup: (group: ReviewGroup) => BasisPoints,
): CurrencySum[] {
  const byCurrency = new Map<string, bigint>()
  for (const group of groups) {
    const bps = bpsOfGroup(group)
    let minor = byCurrency.get(group.currency) ?? 0n
    for (const sum of group.sums) minor += shareBeyond(sum, bps) * BigInt(sum.policies)
    byCurrency.set(group.currency, minor)
  }
  return [...byCurrency]
    .map(([currency, minor]) => ({ currency, minor }))
    .toSorted((a, b) => (a.currency < b.currency ? -1 : 1))
}

/**
 * Whether some sum is above the limit of its currency. `limit` is a stored setting: minor units, or
 * `{USD: n}` with no limit for currencies that it does not name; null is none. One that cannot be read
 * is zero: it must not let money through.
 */
export function isAboveLimit(limit: unknown, sums: readonly CurrencySum[]): boolean {
  return sums.some(({ currency, minor }) => {
    const most = limitOf(limit, currency)
    return most !== null && minor > most
  })
}

function limitOf(limit: unknown, currency: string): bigint | null {
  if (limit === null || limit === undefined) return null
  if (typeof limit === 'number') return wholeOrZero(limit)
  if (typeof limit !== 'object' || Array.isArray(limit)) return 0n
  const own: unknown = Object.entries(limit).find(([code]) => code === currency)?.[1]
  if (own === undefined || own === null) return null
  return typeof own === 'number' ? wholeOrZero(own) : 0n
}

function wholeOrZero(value: number): bigint {
  return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : 0n
}

/** What late data decided of a case. */
export type DecidedByData = {
  readonly paid: number
  readonly denied: number
  readonly isClosed: boolean
}
