/** What a policy's rules say about a leg: the one function that pays, denies, waits or asks people. */
import { FUTURE_TOLERANCE_MS, type LegFacts, type WatchedLeg } from './leg-facts.ts'
import type { BasisPoints } from './money.ts'
import { COVER_AFTER_ARRIVAL_MS } from './policy.ts'
import type { Product } from './product.ts'
import { DAY_MS, HOUR_MS, instantFromMs, MINUTE_MS, SECOND_MS, toMs, type Instant } from './time.ts'

/** Stable codes; stored with every evaluation. */
export type DecisionReason =
  // What was found.
  | 'ARRIVED'
  | 'TIER_MET'
  | 'NO_TIER_MET'
  | 'CANCELLED'
  | 'NOT_REACHED'
  | 'RUNWAY_ONLY'
  | 'NOT_AT_GATE'
  | 'SOURCES_AGREE'
  | 'SINGLE_SOURCE'
  | 'TIER_DISPUTED'
  // What is waited for.
  | 'AWAITING_SECOND_SOURCE'
  | 'AWAITING_ARRIVAL'
  | 'AWAITING_GATE'
  | 'AWAITING_CONFIRMATION'
  | 'AWAITING_CONTINUATION'
  | 'EDGE_BAND'
  // What people have to look at.
  | 'AMBIGUOUS_MATCH'
  | 'NO_FINAL_DATA'
  | 'FUTURE_ARRIVAL'
  | 'TIME_ORDER'
  | 'BLOCK_TIME'
  | 'DELAY_RANGE'
  | 'RUNWAY_NEAR_TIER'
  | 'CONTINUATION_UNFINISHED'
  | 'DIVERSION_UNCLEAR'
  | 'SOURCES_CONFLICT'
  | 'SECOND_SOURCE_SILENT'
  | 'DIVERSION_UNCONFIRMED'
  | 'INCIDENT'

/** What the rules say: wait, pay, pay nothing, or ask a person. */
export type Decision =
  | {
      readonly outcome: 'NOT_YET'
      /** The earliest moment at which an answer that repeats the facts would decide. */
      readonly decidableAt: Instant | null
      readonly reasons: readonly DecisionReason[]
    }
  | {
      readonly outcome: 'PAY'
      readonly bps: BasisPoints
      /** What the other source would pay, when that is more: people decide on the difference. */
      readonly disputedBps?: BasisPoints
      /** Null when the leg never arrived. */
      readonly delayMin: number | null
      readonly reasons: readonly DecisionReason[]
    }
  | {
      readonly outcome: 'NO_PAY'
      /** Null when the leg never arrived and the product pays nothing for that. */
      readonly delayMin: number | null
      readonly reasons: readonly DecisionReason[]
    }
  | { readonly outcome: 'REVIEW'; readonly reasons: readonly DecisionReason[] }

/** All that a decision depends on. */
export type DecisionInput = {
  readonly leg: WatchedLeg
  readonly facts: LegFacts
  /** The policy's frozen arrival; policies of one leg may differ. */
  readonly insuredScheduledIn: Instant
  readonly product: Product
  readonly now: Instant
}

/** A delay beyond this, either way, is no delay but a mismatch. Minutes. */
const GREATEST_DELAY_MIN = DAY_MS / MINUTE_MS

/** A touch-down without a gate time this long after decides by itself. */
const RUNWAY_ONLY_AFTER_MS = 6 * HOUR_MS

/** From touch-down to the gate may take this long: so close below a tier, people decide. Minutes. */
const RUNWAY_MARGIN_MIN = 45

/** Evidence seen before cover ended is waited for this much longer while the provider is silent. */
const SILENT_PROVIDER_GRACE_MS = DAY_MS

/** Decides. Pure: the same input always gives the same decision. */
export function decide(input: DecisionInput): Decision {
  const { facts } = input
  if (facts.ambiguous !== null) return decideAmbiguous(input)
  if (facts.arrival !== null) return decideArrival(input)
  if (facts.landing !== null) return decideLanding(input)
  if (facts.cancelled !== null) return decideCancelled(input)
  if (facts.diversion !== null) return decideDiverted(input)
  const endMs = coverEndMs(input)
  if (toMs(input.now) >= endMs) return review('NO_FINAL_DATA')
  return notYet(endMs, 'AWAITING_ARRIVAL')
}

/** It cannot be told which record is the leg's: people look once it should have arrived. */
function decideAmbiguous(input: DecisionInput): Decision {
  const { facts, insuredScheduledIn, product } = input
  if (facts.ambiguous === null) throw new TypeError('the match is not ambiguous')
  const readyMs = Math.max(
    toMs(insuredScheduledIn),
    toMs(facts.ambiguous.firstSeenAt) + product.settle.confirmGapS * SECOND_MS,
  )
  if (toMs(facts.ambiguous.lastSeenAt) >= readyMs) return review('AMBIGUOUS_MATCH')
  return waitUntil(input, readyMs, 'AWAITING_CONFIRMATION')
}

function decideArrival(input: DecisionInput): Decision {
  const { product } = input
  const { delayMin, faults, readyMs, isEdge } = examineArrival(input)
  const isReady = toMs(input.facts.arrival?.lastSeenAt ?? input.now) >= readyMs
  if (faults.length > 0) {
    if (isReady) return { outcome: 'REVIEW', reasons: faults }
    return waitUntil(input, readyMs, 'AWAITING_CONFIRMATION')
  }
  if (isReady) return byDelay(product, delayMin, ['ARRIVED'])
  return waitUntil(input, readyMs, 'AWAITING_CONFIRMATION', ...(isEdge ? EDGE : []))
}

/** What one source's arrival is worth. */
export type ExaminedArrival = {
  readonly delayMin: number
  /** Sanity rules that it breaks. */
  readonly faults: readonly DecisionReason[]
  /** An answer from then on that repeats it settles it. */
  readonly readyMs: number
  /** So close to a tier that a small correction would change what is paid. */
  readonly isEdge: boolean
}

/** Examines the arrival of the facts. Throws TypeError when there is none. */
export function examineArrival(input: DecisionInput): ExaminedArrival {
  const { facts, insuredScheduledIn, product } = input
  const { arrival } = facts
  if (arrival === null) throw new TypeError('the leg has not arrived')
  const valueMs = toMs(arrival.value)
  const delayMin = delayOf(valueMs, insuredScheduledIn)
  const isEdge = isInEdgeBand(product, delayMin)
  const faults: DecisionReason[] = [...facts.arrivalFaults]
  if (Math.abs(delayMin) > GREATEST_DELAY_MIN) faults.push('DELAY_RANGE')
  if (valueMs > toMs(arrival.lastSeenAt) + FUTURE_TOLERANCE_MS) faults.push('FUTURE_ARRIVAL')
  const confirmMs = product.settle.confirmGapS * SECOND_MS
  if (faults.length > 0) {
    return { delayMin, faults, readyMs: toMs(arrival.firstSeenAt) + confirmMs, isEdge }
  }
  const runDelayMin = delayOf(toMs(arrival.runValue), insuredScheduledIn)
  const isSamePay = bpsOf(product, runDelayMin) === bpsOf(product, delayMin)
  const sinceMs = toMs(isSamePay ? arrival.firstSeenAt : arrival.valueSeenAt)
  const hasLongGap = isEdge || isLoneDiversion(facts)
  const gapMs = hasLongGap ? product.settle.edgeConfirmGapS * SECOND_MS : confirmMs
  // A report from before the event counts from the event on.
  const readyMs = Math.max(sinceMs, valueMs - FUTURE_TOLERANCE_MS) + gapMs
  return { delayMin, faults, readyMs, isEdge }
}

/** One record that is flagged diverted may show the gate of another airport for a while. */
export function isLoneDiversion({ diversion }: LegFacts): boolean {
  return diversion !== null && diversion.landedAt === null
}

const EDGE: readonly DecisionReason[] = ['EDGE_BAND']

/** On the ground at the destination, but never reported at the gate: the gate is not earlier. */
function decideLanding(input: DecisionInput): Decision {
  const { facts, insuredScheduledIn, product } = input
  const { landing } = facts
  if (landing === null) throw new TypeError('the leg has not landed')
  const valueMs = toMs(landing.value)
  const readyMs = Math.max(
    valueMs + RUNWAY_ONLY_AFTER_MS,
    toMs(landing.firstSeenAt) + product.settle.confirmGapS * SECOND_MS,
  )
  if (toMs(landing.lastSeenAt) < readyMs) return waitUntil(input, readyMs, 'AWAITING_GATE')
  const delayMin = delayOf(valueMs, insuredScheduledIn)
  if (Math.abs(delayMin) > GREATEST_DELAY_MIN) return review('DELAY_RANGE')
  const met = bpsOf(product, delayMin)
  const isNearTier = bpsOf(product, delayMin + RUNWAY_MARGIN_MIN) !== met
  if (isNearTier) return { outcome: 'REVIEW', reasons: ['RUNWAY_ONLY', 'RUNWAY_NEAR_TIER'] }
  return byDelay(product, delayMin, ['RUNWAY_ONLY'])
}

function decideCancelled(input: DecisionInput): Decision {
  const { facts, insuredScheduledIn, product } = input
  if (facts.cancelled === null) throw new TypeError('the leg is not reported cancelled')
  const { confirmGapS, cancelPersistS } = product.settle
  const readyMs = Math.max(
    toMs(insuredScheduledIn) + cancelPersistS * SECOND_MS,
    toMs(facts.cancelled.firstSeenAt) + confirmGapS * SECOND_MS,
  )
  if (toMs(facts.cancelled.lastSeenAt) >= readyMs)
    return neverArrived(product.cancelBps, 'CANCELLED')
  return waitUntil(input, readyMs, 'AWAITING_CONFIRMATION', 'CANCELLED')
}

function decideDiverted(input: DecisionInput): Decision {
  const { facts, product } = input
  const { diversion } = facts
  if (diversion === null) throw new TypeError('the leg is not diverted')
  const readyMs = Math.max(
    coverEndMs(input),
    toMs(diversion.firstSeenAt) + product.settle.confirmGapS * SECOND_MS,
  )
  if (toMs(diversion.lastSeenAt) < readyMs)
    return waitUntil(input, readyMs, 'AWAITING_CONTINUATION')
  if (diversion.isUnclear) return review('DIVERSION_UNCLEAR')
  if (diversion.isContinuing) return review('CONTINUATION_UNFINISHED')
  return neverArrived(product.notReachedBps, 'NOT_REACHED')
}

/**
 * Evidence is there but not confirmed: waits for it, past the end of cover only as long as the provider
 * has not answered since. Never a denial.
 */
function waitUntil(input: DecisionInput, readyMs: number, ...reasons: DecisionReason[]): Decision {
  const { facts, now } = input
  const deadlineMs = Math.max(coverEndMs(input), readyMs)
  const isSilent = facts.lastAnswerAt === null || toMs(facts.lastAnswerAt) < deadlineMs
  const endMs = isSilent ? deadlineMs + SILENT_PROVIDER_GRACE_MS : deadlineMs
  if (toMs(now) >= endMs) return review('NO_FINAL_DATA')
  return notYet(readyMs, ...reasons)
}

/** What a delay pays. */
export function byDelay(product: Product, delayMin: number, reasons: DecisionReason[]): Decision {
  const bps = bpsOf(product, delayMin)
  if (bps > 0) return { outcome: 'PAY', bps, delayMin, reasons: [...reasons, 'TIER_MET'] }
  return { outcome: 'NO_PAY', delayMin, reasons: [...reasons, 'NO_TIER_MET'] }
}

function neverArrived(bps: BasisPoints, reason: DecisionReason): Decision {
  if (bps > 0) return { outcome: 'PAY', bps, delayMin: null, reasons: [reason] }
  return { outcome: 'NO_PAY', delayMin: null, reasons: [reason] }
}

/** The share paid at a delay: the highest tier that is met, a tier being met at its minute. */
export function bpsOf(product: Product, delayMin: number): BasisPoints {
  for (const tier of product.tiers) if (delayMin >= tier.minDelayMin) return tier.bps
  return 0
}

/** Whether the delay lies so close to a tier that a small correction would change what is paid. */
function isInEdgeBand(product: Product, delayMin: number): boolean {
  const { edgeBandMin } = product.settle
  return product.tiers.some(
    ({ minDelayMin }) =>
      Math.abs(delayMin - minDelayMin) <= edgeBandMin &&
      bpsOf(product, minDelayMin) !== bpsOf(product, minDelayMin - 1),
  )
}

/** Whole minutes from the insured arrival to another, started ones not counted. */
export function delayOf(arrivalMs: number, insuredScheduledIn: Instant): number {
  return Math.floor((arrivalMs - toMs(insuredScheduledIn)) / MINUTE_MS)
}

/** When cover ends, in ms. */
export function coverEndMs({
  insuredScheduledIn,
}: Pick<DecisionInput, 'insuredScheduledIn'>): number {
  return toMs(insuredScheduledIn) + COVER_AFTER_ARRIVAL_MS
}

function review(...reasons: DecisionReason[]): Decision {
  return { outcome: 'REVIEW', reasons }
}

function notYet(decidableAtMs: number, ...reasons: DecisionReason[]): Decision {
  return { outcome: 'NOT_YET', decidableAt: instantFromMs(decidableAtMs), reasons }
}
