/**
 * Decides with two flight-data sources: the first one's evidence, held against what the second says of
 * the same leg. Pure. Without a second source the rules of `decide` stand alone.
 */
import {
  bpsOf,
  byDelay,
  coverEndMs,
  decide,
  delayOf,
  examineArrival,
  isLoneDiversion,
  type Decision,
  type DecisionInput,
  type DecisionReason,
} from './decision.ts'
import type { BasisPoints } from './money.ts'
import { decideNotAtGate, isLateForSecond } from './not-at-gate.ts'
import { TWO_SOURCE_DEFAULTS } from './product.ts'
import type { SecondFacts } from './second-source.ts'
import {
  DAY_MS,
  HOUR_MS,
  instantFromMs,
  MINUTE_MS,
  msBetween,
  SECOND_MS,
  toMs,
  type Instant,
} from './time.ts'

/** All that a decision by two sources depends on. */
export type SourcesInput = DecisionInput & {
  /** Null when there is no second source. */
  readonly second: SecondFacts | null
}

/** An arrival of the second source may be the runway's: so far apart the two mean the same. */
const SAME_ARRIVAL_MS = 3 * MINUTE_MS

/** Sources that contradict each other are looked at again after this; then people decide. */
const CONFLICT_HOLD_MS = HOUR_MS

/** A second source that may not have the arrival yet is asked again at this interval. */
const ASK_AGAIN_MS = 15 * MINUTE_MS

/** One that still does not answer at all after its wait is asked again at this one. */
const OUTAGE_STEP_MS = 30 * MINUTE_MS

/**
 * Next to a tier a second source without an arrival is waited for this long, once an hour. Then people
 * decide, unless it knows that the leg was flown: it has none to give (a row flagged cancelled shows none),
 * and the first one's hour is enough (domain rule 2.4 d).
 */
const EDGE_SILENCE_MS = 6 * HOUR_MS

/** Gate to gate so much faster than planned is rare: a denial that rests on it is asked about. */
const MADE_UP_MS = 30 * MINUTE_MS

/** A leg that left so few minutes short of a payment is not denied on one source's word. */
const LATE_DEPARTURE_BAND_MIN = 30

/** An arrival after a diversion that one source alone knows decides when so much changes nothing. */
const DIVERTED_BAND_MIN = 45

/** Both sources must say it this long, and the departure last expected must be this long ago. */
const FAST_CANCEL_MS = 30 * MINUTE_MS

/** What the first source says once it is settled. */
type Claim = {
  readonly kind: 'ARRIVED' | 'RUNWAY' | 'CANCELLED' | 'NEVER_ARRIVED'
  readonly bps: BasisPoints
  readonly delayMin: number | null
  readonly isEdge: boolean
  /** The first source alone would decide now. */
  readonly isSettled: boolean
  /** When an answer that repeats it settles it. */
  readonly readyMs: number
}

/** What the second source says of a claim. */
type Opinion =
  | {
      readonly kind: 'ARRIVED'
      readonly at: Instant
      readonly bps: BasisPoints
      readonly sinceMs: number
    }
  | { readonly kind: 'CANCELLED' | 'DIVERTED' | 'FLOWN' | 'SILENT' }

/** Decides. Pure: the same input always gives the same decision. */
export function decideBySources(input: SourcesInput): Decision {
  const { second } = input
  const single = decide(input)
  if (second === null) return single
  const claim = claimOf(input, single)
  if (claim === null) return decideNotAtGate(input, single)
  if (!isWorthAsking(input, claim)) return single
  if (second.incident !== null) return { outcome: 'REVIEW', reasons: ['INCIDENT'] }
  return decideClaim(input, claim, opinionOf(input, second))
}

/**
 * Whether the second source should be asked now, after the first one's answer: its evidence would pay,
 * or lies near a tier, or is a cancellation that lasts, or the leg is still under way a day late.
 */
export function shouldAskSecond(input: SourcesInput): boolean {
  const { facts, second } = input
  if (second === null || facts.lastAnswerAt === null) return false
  const isFresh = second.asked !== null && second.asked.lastSeenAt >= facts.lastAnswerAt
  if (isFresh) return false
  const single = decide(input)
  const claim = claimOf(input, single)
  if (claim === null) return isLateForSecond(input, single)
  if (claim.kind === 'CANCELLED' && !claim.isSettled) return isFastCancel(input)
  return isWorthAsking(input, claim)
}

/** Null when nothing is claimed that a second source could confirm. */
function claimOf(input: SourcesInput, single: Decision): Claim | null {
  const { facts, product } = input
  if (facts.ambiguous !== null || single.outcome === 'REVIEW') return null
  const isSettled = single.outcome !== 'NOT_YET'
  const readyMs = single.outcome === 'NOT_YET' ? toMs(single.decidableAt ?? input.now) : 0
  if (facts.arrival !== null) {
    const { delayMin, faults, isEdge } = examineArrival(input)
    if (faults.length > 0) return null
    const bps = bpsOf(product, delayMin)
    return { kind: 'ARRIVED', bps, delayMin, isEdge, isSettled, readyMs }
  }
  const bps = single.outcome === 'PAY' ? single.bps : 0
  const rest = { isEdge: false, isSettled, readyMs }
  if (facts.landing !== null) {
    const delayMin = delayOf(toMs(facts.landing.value), input.insuredScheduledIn)
    return isSettled ? { kind: 'RUNWAY', bps, delayMin, ...rest } : null
  }
  if (facts.cancelled !== null) {
    return { kind: 'CANCELLED', bps: product.cancelBps, delayMin: null, ...rest }
  }
  if (facts.diversion === null || !isSettled) return null
  return { kind: 'NEVER_ARRIVED', bps, delayMin: null, ...rest }
}

/** A payment, what lies near a tier, a denial not far below one, and one that the flight contradicts. */
function isWorthAsking(input: SourcesInput, claim: Claim): boolean {
  const { product } = input
  if (claim.bps > 0 || claim.isEdge) return true
  if (claim.delayMin === null) return false
  const bandMin = product.settle.denialBandMin ?? TWO_SOURCE_DEFAULTS.denialBandMin
  return bpsOf(product, claim.delayMin + bandMin) > 0 || isDoubtfulDenial(input)
}

/** It arrived well before what its departure let expect, or left late enough to be paid for. */
function isDoubtfulDenial({ product, facts, leg, insuredScheduledIn }: SourcesInput): boolean {
  const { actualOut, arrival } = facts
  if (actualOut === null || arrival === null) return false
  const plannedMs = msBetween(leg.scheduledOut, leg.scheduledIn)
  const asPlannedMs = toMs(actualOut) + plannedMs
  if (asPlannedMs - toMs(arrival.value) >= MADE_UP_MS) return true
  const asPlannedMin = delayOf(asPlannedMs, insuredScheduledIn)
  return bpsOf(product, asPlannedMin + LATE_DEPARTURE_BAND_MIN) > 0
}

function opinionOf(input: SourcesInput, { facts }: SecondFacts): Opinion {
  const { arrival } = facts
  if (facts.ambiguous !== null) return { kind: 'SILENT' }
  if (arrival !== null) {
    const { delayMin, faults } = examineArrival({ ...input, facts })
    if (faults.length > 0) return { kind: 'SILENT' }
    const sinceMs = toMs(arrival.valueSeenAt)
    return { kind: 'ARRIVED', at: arrival.value, bps: bpsOf(input.product, delayMin), sinceMs }
  }
  if (facts.missing !== null) return { kind: 'SILENT' }
  if (facts.cancelled !== null) return { kind: 'CANCELLED' }
  if (facts.diversion !== null) return { kind: 'DIVERTED' }
  return { kind: facts.actualOut === null && facts.actualOff === null ? 'SILENT' : 'FLOWN' }
}

function decideClaim(input: SourcesInput, claim: Claim, opinion: Opinion): Decision {
  const isPresent = claim.kind === 'ARRIVED' || claim.kind === 'RUNWAY'
  switch (opinion.kind) {
    case 'ARRIVED':
      return compareArrivals(input, claim, opinion)
    case 'CANCELLED':
      // A flight that has arrived was not cancelled, whatever the flag says.
      return isPresent ? decideAlone(input, claim) : confirmNeverArrived(input, claim)
    case 'DIVERTED':
      if (claim.kind === 'NEVER_ARRIVED') return confirmed(input, claim)
      if (input.facts.diversion !== null) return decideDiverted(input, claim)
      return hold(input, claim, toMs(input.second?.facts.diversion?.firstSeenAt ?? input.now))
    case 'FLOWN':
      if (isPresent) return decideAlone(input, claim, input.second?.facts.lastAnswerAt ?? null)
      return hold(input, claim, toMs(input.second?.asked?.firstSeenAt ?? input.now))
    case 'SILENT':
      return decideAlone(input, claim)
  }
}

/** Both know of the diversion, but only the first has records of the way on. */
function decideDiverted(input: SourcesInput, claim: Claim): Decision {
  if (!claim.isSettled) return notYet(claim.readyMs, 'AWAITING_CONFIRMATION')
  const delayMin = claim.delayMin ?? 0
  const isFirm = [-DIVERTED_BAND_MIN, DIVERTED_BAND_MIN].every(
    (bandMin) => bpsOf(input.product, delayMin + bandMin) === claim.bps,
  )
  if (isFirm) return settled(input, claim, 'SINGLE_SOURCE')
  return { outcome: 'REVIEW', reasons: ['DIVERSION_UNCONFIRMED'] }
}

/** The table of two arrivals, or of an arrival against none. */
function compareArrivals(
  input: SourcesInput,
  claim: Claim,
  opinion: Extract<Opinion, { kind: 'ARRIVED' }>,
): Decision {
  const { facts, insuredScheduledIn } = input
  const { arrival } = facts
  const isNear =
    arrival !== null && Math.abs(msBetween(arrival.value, opinion.at)) <= SAME_ARRIVAL_MS
  if (opinion.bps === claim.bps) {
    // Two sources with one arrival need no further look.
    const isCertain = isNear && !isLoneDiversion(facts)
    return isCertain ? settled(input, claim, 'SOURCES_AGREE') : confirmed(input, claim)
  }
  if (isNear) return confirmed(input, claim)
  if (opinion.bps > 0 && claim.bps > 0) {
    if (!claim.isSettled) return notYet(claim.readyMs, 'AWAITING_CONFIRMATION')
    const isFirstLower = claim.bps < opinion.bps
    const [bps, disputedBps] = isFirstLower ? [claim.bps, opinion.bps] : [opinion.bps, claim.bps]
    const delayMin = isFirstLower ? claim.delayMin : delayOf(toMs(opinion.at), insuredScheduledIn)
    return { outcome: 'PAY', bps, disputedBps, delayMin, reasons: ['TIER_DISPUTED'] }
  }
  const sinceMs = arrival === null ? 0 : toMs(arrival.valueSeenAt)
  return hold(input, claim, Math.max(sinceMs, opinion.sinceMs))
}

function confirmNeverArrived(input: SourcesInput, claim: Claim): Decision {
  if (claim.isSettled || isFastCancel(input)) return settled(input, claim, 'SOURCES_AGREE')
  const fastMs = fastCancelMs(input)
  return notYet(fastMs > toMs(input.now) ? Math.min(fastMs, claim.readyMs) : claim.readyMs)
}

/** Both sources say the same; the first one's own confirmation is still waited for. */
function confirmed(input: SourcesInput, claim: Claim): Decision {
  if (claim.isSettled) return settled(input, claim, 'SOURCES_AGREE')
  return notYet(claim.readyMs, 'AWAITING_CONFIRMATION')
}

/**
 * One source alone: after a wait, and by the policy's amount (see the stores). That the other does not
 * have the leg must be its answer after that wait; one that is out of order is waited for longer. Next to
 * a tier only when the other knows that the leg was flown: at `flownAt` it still did, without an arrival.
 */
function decideAlone(input: SourcesInput, claim: Claim, flownAt: Instant | null = null): Decision {
  const { second, now } = input
  const nowMs = toMs(now)
  const asked = second?.asked ?? { firstSeenAt: now, lastSeenAt: now }
  const { aloneMs, outageMs } = silenceEnds(input, claim, toMs(asked.firstSeenAt))
  const heardAt = second?.facts.lastAnswerAt ?? null
  const isHeard = heardAt !== null && toMs(heardAt) >= aloneMs
  const isOver = isHeard || toMs(asked.lastSeenAt) >= outageMs
  if (claim.isSettled && isOver) {
    const isFlown = flownAt !== null && toMs(flownAt) >= aloneMs
    if (!claim.isEdge || isFlown) return settled(input, claim, 'SINGLE_SOURCE')
    return { outcome: 'REVIEW', reasons: ['SECOND_SOURCE_SILENT', 'EDGE_BAND'] }
  }
  if (claim.kind === 'CANCELLED' && !claim.isSettled) {
    const fastMs = fastCancelMs(input)
    return notYet(fastMs > nowMs ? Math.min(fastMs, claim.readyMs) : claim.readyMs, 'CANCELLED')
  }
  if (nowMs >= coverEndMs(input) + DAY_MS) {
    return { outcome: 'REVIEW', reasons: ['NO_FINAL_DATA', 'SECOND_SOURCE_SILENT'] }
  }
  if (isOver) return notYet(claim.readyMs, 'AWAITING_SECOND_SOURCE')
  const isEarly = nowMs < toMs(asked.firstSeenAt) + ASK_AGAIN_MS
  const waitStepMs = claim.isEdge && !isEarly ? HOUR_MS : ASK_AGAIN_MS
  const [stepMs, endMs] = nowMs < aloneMs ? [waitStepMs, aloneMs] : [OUTAGE_STEP_MS, outageMs]
  return notYet(Math.min(nowMs + stepMs, endMs), 'AWAITING_SECOND_SOURCE')
}

/** When an answer without the leg leaves the first source alone, and when no answer does. */
function silenceEnds(
  { product }: SourcesInput,
  { isEdge }: Claim,
  askedMs: number,
): { readonly aloneMs: number; readonly outageMs: number } {
  const { singleSourceWaitS, outageWaitS } = { ...TWO_SOURCE_DEFAULTS, ...product.settle }
  const waitMs = isEdge ? EDGE_SILENCE_MS : singleSourceWaitS * SECOND_MS
  const outageMs = Math.max(waitMs, outageWaitS * SECOND_MS)
  return { aloneMs: askedMs + waitMs, outageMs: askedMs + outageMs }
}

/** Pay against no pay: looked at once more after an hour, then people decide. Never either by itself. */
function hold(input: SourcesInput, claim: Claim, sinceMs: number): Decision {
  const { facts, second, now } = input
  const readyMs = Math.max(sinceMs + CONFLICT_HOLD_MS, claim.readyMs)
  const isLooked =
    toMs(facts.lastAnswerAt ?? now) >= readyMs &&
    second?.asked !== null &&
    toMs(second?.asked.lastSeenAt ?? now) >= readyMs
  if (isLooked || toMs(now) >= coverEndMs(input) + DAY_MS) {
    return { outcome: 'REVIEW', reasons: ['SOURCES_CONFLICT'] }
  }
  return notYet(Math.max(readyMs, toMs(now)), 'SOURCES_CONFLICT')
}

function settled(input: SourcesInput, claim: Claim, how: DecisionReason): Decision {
  const { product } = input
  switch (claim.kind) {
    case 'ARRIVED':
      return byDelay(product, claim.delayMin ?? 0, ['ARRIVED', how])
    case 'RUNWAY':
      return byDelay(product, claim.delayMin ?? 0, ['RUNWAY_ONLY', how])
    case 'CANCELLED':
      return { outcome: 'PAY', bps: claim.bps, delayMin: null, reasons: ['CANCELLED', how] }
    case 'NEVER_ARRIVED':
      return { outcome: 'PAY', bps: claim.bps, delayMin: null, reasons: ['NOT_REACHED', how] }
  }
}

/**
 * When a cancellation that two sources report may pay: it has lasted, and the departure last expected
 * is over without anybody having seen the flight leave. Cancelled flights are reinstated, but hardly
 * after that. Infinite once it has left the gate: then the slow rule holds.
 */
function fastCancelMs({ facts, leg, second }: SourcesInput): number {
  const seen = [facts, ...(second === null ? [] : [second.facts])]
  if (seen.some(({ actualOut, actualOff }) => actualOut !== null || actualOff !== null)) {
    return Number.POSITIVE_INFINITY
  }
  const departures = seen.flatMap(({ scheduledOut, estimatedOut }) => [scheduledOut, estimatedOut])
  const expected = [leg.scheduledOut, ...departures].filter((moment) => moment !== null)
  const outMs = Math.max(...expected.map(toMs))
  return Math.max(outMs, toMs(facts.cancelled?.firstSeenAt ?? leg.scheduledOut)) + FAST_CANCEL_MS
}

function isFastCancel(input: SourcesInput): boolean {
  const { cancelled } = input.facts
  return cancelled !== null && toMs(cancelled.lastSeenAt) >= fastCancelMs(input)
}

function notYet(decidableAtMs: number, ...reasons: DecisionReason[]): Decision {
  return { outcome: 'NOT_YET', decidableAt: instantFromMs(decidableAtMs), reasons }
}
