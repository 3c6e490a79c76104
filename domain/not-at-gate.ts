/**
 * Flights that are certain to pay the top tier before they arrive: two sources have just said that the
 * flight is still to come. A day late for every product; from the top tier's minute on where the product
 * says so (domain rule 2.3, `earlyTopTier`). Pure.
 */
import { coverEndMs, type Decision } from './decision.ts'
import type { LegFacts } from './leg-facts.ts'
import type { SourcesInput } from './decide-by-sources.ts'
import { earlier, instantFromMs, MINUTE_MS, toMs, type Instant } from './time.ts'

/** Decides what neither arrived nor ended otherwise. `single`: what the first source alone decides. */
export function decideNotAtGate(input: SourcesInput, single: Decision): Decision {
  const fromMs = certainFromMs(input)
  if (isOpen(single) && isNotAtGate(input, fromMs)) return payTopTier(input)
  if (single.outcome !== 'NOT_YET' || fromMs <= toMs(input.now)) return single
  // A flight that is announced for much later is looked at when its delay becomes certain.
  const certainAt = instantFromMs(fromMs)
  const { decidableAt } = single
  return {
    ...single,
    decidableAt: decidableAt === null ? certainAt : earlier(decidableAt, certainAt),
  }
}

/** Whether the second source could make the top tier certain now: the first one has just done its part. */
export function isLateForSecond(input: SourcesInput, single: Decision): boolean {
  return isOpen(single) && isStillToCome(input.facts, certainFromMs(input))
}

/** When the delay of a flight that is still to come is that of the top tier for sure. */
function certainFromMs(input: SourcesInput): number {
  const { insuredScheduledIn, product } = input
  const endMs = coverEndMs(input)
  const { bps, minDelayMin } = topTier(input)
  // One that is cancelled yet, or never comes, must not have been paid too much.
  const isTop = product.cancelBps >= bps && product.notReachedBps >= bps
  if (product.earlyTopTier !== true || !isTop) return endMs
  return Math.min(endMs, toMs(insuredScheduledIn) + minDelayMin * MINUTE_MS)
}

function isOpen(single: Decision): boolean {
  if (single.outcome === 'NOT_YET') return single.reasons.includes('AWAITING_ARRIVAL')
  return single.outcome === 'REVIEW' && single.reasons.includes('NO_FINAL_DATA')
}

function isNotAtGate({ facts, second }: SourcesInput, fromMs: number): boolean {
  return second !== null && [facts, second.facts].every((said) => isStillToCome(said, fromMs))
}

/** Positive evidence, not silence: an answer from then on with the leg, arriving later than the answer. */
function isStillToCome(said: LegFacts, fromMs: number): boolean {
  const { lastAnswerAt } = said
  return lastAnswerAt !== null && toMs(lastAnswerAt) >= fromMs && isUnderWay(said, lastAnswerAt)
}

function isUnderWay(facts: LegFacts, at: Instant): boolean {
  const { missing, ambiguous, arrival, landing, cancelled, diversion, estimatedIn } = facts
  if (missing !== null || ambiguous !== null || arrival !== null || landing !== null) return false
  return cancelled === null && diversion === null && estimatedIn !== null && estimatedIn > at
}

function topTier({ product }: SourcesInput): {
  readonly bps: number
  readonly minDelayMin: number
} {
  const bps = Math.max(...product.tiers.map((tier) => tier.bps))
  const least = product.tiers.filter((tier) => tier.bps === bps).map((tier) => tier.minDelayMin)
  return { bps, minDelayMin: Math.min(...least) }
}

function payTopTier(input: SourcesInput): Decision {
  const { bps } = topTier(input)
  return { outcome: 'PAY', bps, delayMin: null, reasons: ['NOT_AT_GATE', 'SOURCES_AGREE'] }
}
