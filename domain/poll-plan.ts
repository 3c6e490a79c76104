/**
 * When asking a provider about a leg can bring news next, and how long a leg may go unasked. About
 * twelve calls a leg instead of one every two minutes.
 */
import { decide, type Decision } from './decision.ts'
import type { LegFacts, Seen, WatchedLeg } from './leg-facts.ts'
import type { Product } from './product.ts'
import { HOUR_MS, instantFromMs, MINUTE_MS, SECOND_MS, toMs, type Instant } from './time.ts'

/** What the next poll of a leg waits for; sets how often it is asked. */
export type PollPhase =
  | 'PRE_WINDOW'
  | 'PRE_DEPARTURE'
  | 'AWAIT_OUT'
  | 'EN_ROUTE'
  | 'ARRIVAL'
  | 'SETTLE'
  | 'CANCEL_REPORTED'
  | 'DIVERTED'
  | 'UNKNOWN'
  | 'DONE'

/** When to ask next, and why then. */
export type NextPoll = {
  /** Null when every product has its decision. */
  readonly at: Instant | null
  readonly phase: PollPhase
  /** Why then: a stable code for people. */
  readonly reason: string
}

/** All that a poll plan depends on. */
export type NextPollInput = {
  readonly leg: WatchedLeg
  readonly facts: LegFacts
  /** The product versions that undecided policies of the leg are bound under. */
  readonly products: readonly Product[]
  readonly now: Instant
  /** Failed polls since the last answer. */
  readonly consecutiveFailures: number
  /** The undecided policies' frozen arrivals where they differ; the leg's own when left out. */
  readonly insuredArrivals?: readonly Instant[]
}

/** The first poll of a leg that is bound earlier; providers show flights from two days ahead. */
export const FIRST_POLL_BEFORE_OUT_MS = 46 * HOUR_MS

/**
 * Before departure: cheap looks that catch early cancellations and retimes. The second comes a quarter
 * of an hour before the last moment at which a retime changes what is insured, so that it is in time.
 */
const PRE_WINDOW_BEFORE_MS = [FIRST_POLL_BEFORE_OUT_MS, 24.25 * HOUR_MS, 6 * HOUR_MS]
const PRE_DEPARTURE_BEFORE_MS = [120 * MINUTE_MS, 45 * MINUTE_MS, 10 * MINUTE_MS]
/** A provider that estimates departures makes the look just before departure superfluous. */
const PRE_DEPARTURE_ESTIMATED_BEFORE_MS = [120 * MINUTE_MS, 45 * MINUTE_MS]
/** Within this of departure a leg that was never asked for is asked for at once. */
const IN_WINDOW_BEFORE_MS = 120 * MINUTE_MS

/** After the scheduled and after an estimated departure. */
const OUT_AFTER_MS = 10 * MINUTE_MS
const OUT_AFTER_ESTIMATE_MS = 5 * MINUTE_MS
const OUT_STEP_MS = 15 * MINUTE_MS
const OUT_LATE_STEP_MS = 30 * MINUTE_MS
const OUT_LATE_AFTER_MS = HOUR_MS

/**
 * On the way: one look past half-way when more than this is left, when estimates have become better, then
 * shortly before arrival. Sooner looks cost calls and find nothing: at half-way from 90 min on, 0.4 a leg.
 */
const MID_FLIGHT_LEFT_MS = 180 * MINUTE_MS
const MID_FLIGHT_SHARE = 0.65
const BEFORE_ARRIVAL_MS = 22 * MINUTE_MS
/** Against the timetable only. */
const BEFORE_ARRIVAL_BLIND_MS = 10 * MINUTE_MS
/** This much closer to it, the look before arrival was just made. */
const ARRIVAL_NEAR_MS = 5 * MINUTE_MS
const ARRIVAL_STEP_MS = 2 * MINUTE_MS
/** Steps begin this much before a good estimate: begun at it, every thirtieth arrival was seen late. */
const ARRIVAL_EARLY_MS = 90 * SECOND_MS
/** Against the timetable only: half of all legs are early, so steps are wider. */
const ARRIVAL_BLIND_STEP_MS = 5 * MINUTE_MS
const ARRIVAL_STEPS_FOR_MS = 30 * MINUTE_MS

const SETTLE_STEP_MS = 15 * MINUTE_MS
const CANCEL_CONFIRM_MS = 30 * MINUTE_MS
const CANCEL_AFTER_ARRIVAL_MS = 60 * MINUTE_MS
const DIVERTED_STEP_MS = 15 * MINUTE_MS
const DIVERTED_STEPS_FOR_MS = 2 * HOUR_MS
const UNKNOWN_STEP_MS = 15 * MINUTE_MS
const UNKNOWN_STEPS_FOR_MS = HOUR_MS

const FAILURE_STEP_MS = 2 * MINUTE_MS
const FAILURE_GREATEST_STEP_MS = HOUR_MS
const FAILURE_PRE_WINDOW_GREATEST_STEP_MS = 4 * HOUR_MS
/** 2 min doubled this often is beyond every greatest step. */
const FAILURE_DOUBLINGS_LIMIT = 8

/** No two polls of a leg are closer. */
const LEAST_STEP_MS = MINUTE_MS

/** The greatest planned step per phase; the plan never exceeds it. */
const GREATEST_STEP_MS: Readonly<Record<PollPhase, number>> = {
  PRE_WINDOW: 22 * HOUR_MS,
  PRE_DEPARTURE: 4 * HOUR_MS,
  AWAIT_OUT: 2 * HOUR_MS,
  EN_ROUTE: 3 * HOUR_MS,
  ARRIVAL: HOUR_MS,
  SETTLE: HOUR_MS,
  CANCEL_REPORTED: 24 * HOUR_MS,
  DIVERTED: HOUR_MS,
  UNKNOWN: HOUR_MS,
  DONE: Number.POSITIVE_INFINITY,
}

/** What a tick of two minutes, its length and a retry may add to a planned step. */
const GAP_SLACK_MS = 10 * MINUTE_MS

/** The longest time that a leg may go without an answer in a phase before it is an incident. */
export function maxGapMs(phase: PollPhase): number {
  return GREATEST_STEP_MS[phase] + GAP_SLACK_MS
}

/** Plans the next poll. Called at bind (with empty facts) and after every poll. */
export function nextPoll(input: NextPollInput): NextPoll {
  const { leg, facts, products, now } = input
  const decisions: Decision[] = []
  for (const insuredScheduledIn of input.insuredArrivals ?? [leg.scheduledIn]) {
    for (const product of products) {
      decisions.push(decide({ leg, facts, insuredScheduledIn, product, now }))
    }
  }
  return nextPollAfter(input, decisions)
}

/** As `nextPoll`, with the decisions of every product and insured arrival already made at `now`. */
export function nextPollAfter(input: NextPollInput, decisions: readonly Decision[]): NextPoll {
  const nowMs = toMs(input.now)
  let decidableMs = Number.POSITIVE_INFINITY
  let isOpen = false
  for (const decision of decisions) {
    if (decision.outcome !== 'NOT_YET') continue
    isOpen = true
    const readyMs = decision.decidableAt === null ? nowMs : toMs(decision.decidableAt)
    if (readyMs > nowMs && readyMs < decidableMs) decidableMs = readyMs
  }
  if (!isOpen) return { at: null, phase: 'DONE', reason: 'decided' }
  const plan = planOf(input, nowMs)
  const atMs = input.consecutiveFailures > 0 ? retryAt(input, plan, nowMs) : plan.atMs
  if (decidableMs <= atMs) return at(plan.phase, 'decidable', decidableMs, nowMs)
  return at(plan.phase, input.consecutiveFailures > 0 ? 'retry' : plan.reason, atMs, nowMs)
}

type Plan = { readonly atMs: number; readonly phase: PollPhase; readonly reason: string }

function at(phase: PollPhase, reason: string, atMs: number, nowMs: number): NextPoll {
  // Only a first poll is due at once or far ahead; every other keeps within its phase's bounds.
  const isFirst = reason === 'never asked' || reason === 'bound'
  const latestMs = isFirst ? atMs : Math.min(atMs, nowMs + GREATEST_STEP_MS[phase])
  const boundedMs = isFirst ? latestMs : Math.max(latestMs, nowMs + LEAST_STEP_MS)
  return { at: instantFromMs(boundedMs), phase, reason }
}

function retryAt(input: NextPollInput, plan: Plan, nowMs: number): number {
  const doublings = Math.min(input.consecutiveFailures - 1, FAILURE_DOUBLINGS_LIMIT)
  const greatestMs =
    plan.phase === 'PRE_WINDOW' ? FAILURE_PRE_WINDOW_GREATEST_STEP_MS : FAILURE_GREATEST_STEP_MS
  return nowMs + Math.min(FAILURE_STEP_MS * 2 ** doublings, greatestMs)
}

function planOf(input: NextPollInput, nowMs: number): Plan {
  const { leg, facts } = input
  if (facts.lastAnswerAt === null && input.consecutiveFailures === 0) return firstPlan(leg, nowMs)
  if (facts.arrival !== null) {
    const atMs = confirmingMs(facts, facts.arrival, nowMs + SETTLE_STEP_MS)
    return { atMs, phase: 'SETTLE', reason: 'arrived' }
  }
  if (facts.landing !== null) {
    const landedMs = toMs(facts.landing.value)
    const expectedMs = facts.estimatedIn === null ? landedMs : toMs(facts.estimatedIn)
    return arrivalPlan(Math.max(expectedMs, landedMs), facts.estimatedIn !== null, nowMs)
  }
  if (facts.cancelled !== null) return cancelPlan(leg, facts, facts.cancelled, nowMs)
  if (facts.diversion !== null) return divertedPlan(facts, toMs(facts.diversion.firstSeenAt), nowMs)
  if (facts.actualOut !== null) return underWayPlan(leg, facts, toMs(facts.actualOut), nowMs)
  if (facts.actualOff !== null) return underWayPlan(leg, facts, toMs(facts.actualOff), nowMs)
  return departurePlan(leg, facts, nowMs)
}

/** After an answer that repeats the evidence the next look is the one that decides. */
function confirmingMs(facts: LegFacts, evidence: Seen, otherwiseMs: number): number {
  return evidence.lastSeenAt === facts.lastAnswerAt ? Number.POSITIVE_INFINITY : otherwiseMs
}

/** At bind: the first look ahead that is still to come, or now when the leg may be on its way. */
function firstPlan(leg: WatchedLeg, nowMs: number): Plan {
  const outMs = toMs(leg.scheduledOut)
  if (nowMs >= outMs - IN_WINDOW_BEFORE_MS) {
    return { atMs: nowMs, phase: 'PRE_DEPARTURE', reason: 'never asked' }
  }
  const plan = beforeDeparturePlan(outMs, false, nowMs, false)
  return plan === null
    ? { atMs: nowMs, phase: 'PRE_DEPARTURE', reason: 'never asked' }
    : { ...plan, reason: 'bound' }
}

function departurePlan(leg: WatchedLeg, facts: LegFacts, nowMs: number): Plan {
  const insuredOutMs = toMs(leg.scheduledOut)
  const lost = facts.missing ?? facts.ambiguous
  const hasEstimate = lost === null && facts.estimatedOut !== null
  const timetableMs = toMs(facts.scheduledOut ?? leg.scheduledOut)
  const outMs = hasEstimate ? toMs(facts.estimatedOut ?? leg.scheduledOut) : timetableMs
  const isNear = nowMs >= insuredOutMs - IN_WINDOW_BEFORE_MS
  const before = beforeDeparturePlan(
    lost === null ? outMs : insuredOutMs,
    hasEstimate,
    nowMs,
    isNear,
  )
  if (before !== null) return before
  if (lost !== null && nowMs > insuredOutMs) {
    const sinceMs = Math.max(toMs(lost.firstSeenAt), insuredOutMs)
    const stepMs = nowMs - sinceMs < UNKNOWN_STEPS_FOR_MS ? UNKNOWN_STEP_MS : HOUR_MS
    return { atMs: nowMs + stepMs, phase: 'UNKNOWN', reason: 'no record of the leg' }
  }
  const expectedMs = outMs + (hasEstimate ? OUT_AFTER_ESTIMATE_MS : OUT_AFTER_MS)
  if (expectedMs > nowMs) return { atMs: expectedMs, phase: 'AWAIT_OUT', reason: 'departure due' }
  const stepMs = nowMs - expectedMs < OUT_LATE_AFTER_MS ? OUT_STEP_MS : OUT_LATE_STEP_MS
  return { atMs: nowMs + stepMs, phase: 'AWAIT_OUT', reason: 'departure late' }
}

function beforeDeparturePlan(
  outMs: number,
  hasEstimate: boolean,
  nowMs: number,
  isNear: boolean,
): Plan | null {
  // A leg that should be leaving is watched closely, however far ahead its departure has moved.
  for (const beforeMs of isNear ? [] : PRE_WINDOW_BEFORE_MS) {
    const atMs = outMs - beforeMs
    if (atMs > nowMs) return { atMs, phase: 'PRE_WINDOW', reason: 'early look' }
  }
  const steps = hasEstimate ? PRE_DEPARTURE_ESTIMATED_BEFORE_MS : PRE_DEPARTURE_BEFORE_MS
  for (const beforeMs of steps) {
    const atMs = outMs - beforeMs
    if (atMs > nowMs) return { atMs, phase: 'PRE_DEPARTURE', reason: 'before departure' }
  }
  return null
}

function underWayPlan(leg: WatchedLeg, facts: LegFacts, outMs: number, nowMs: number): Plan {
  const hasEstimate = facts.estimatedIn !== null
  const expectedMs = hasEstimate
    ? toMs(facts.estimatedIn ?? leg.scheduledIn)
    : Math.max(toMs(leg.scheduledIn), outMs + toMs(leg.scheduledIn) - toMs(leg.scheduledOut))
  const leftMs = expectedMs - nowMs
  const midFlightMs = outMs + MID_FLIGHT_SHARE * (expectedMs - outMs)
  const beforeMs = hasEstimate ? BEFORE_ARRIVAL_MS : BEFORE_ARRIVAL_BLIND_MS
  if (leftMs > MID_FLIGHT_LEFT_MS && midFlightMs - nowMs > beforeMs) {
    return { atMs: midFlightMs, phase: 'EN_ROUTE', reason: 'mid-flight' }
  }
  if (leftMs > beforeMs + ARRIVAL_NEAR_MS) {
    return { atMs: expectedMs - beforeMs, phase: 'EN_ROUTE', reason: 'before arrival' }
  }
  return arrivalPlan(expectedMs, hasEstimate, nowMs)
}

function arrivalPlan(expectedMs: number, hasEstimate: boolean, nowMs: number): Plan {
  const stepMs = hasEstimate ? ARRIVAL_STEP_MS : ARRIVAL_BLIND_STEP_MS
  const overdueMs = nowMs - expectedMs - ARRIVAL_STEPS_FOR_MS
  // Waiting as long again as it is overdue doubles the step every time.
  if (overdueMs >= 0) {
    const lateStepMs = Math.min(Math.max(overdueMs, 2 * stepMs), GREATEST_STEP_MS.ARRIVAL)
    return { atMs: nowMs + lateStepMs, phase: 'ARRIVAL', reason: 'arrival late' }
  }
  // An arrival is reported a little after it: looking long before a good estimate finds nothing.
  const earliestMs = hasEstimate ? expectedMs - ARRIVAL_EARLY_MS : nowMs
  return { atMs: Math.max(nowMs + stepMs, earliestMs), phase: 'ARRIVAL', reason: 'arrival due' }
}

function cancelPlan(leg: WatchedLeg, facts: LegFacts, cancelled: Seen, nowMs: number): Plan {
  const moments = [
    toMs(cancelled.firstSeenAt) + CANCEL_CONFIRM_MS,
    // A reinstated flight is on its way again by then.
    toMs(facts.estimatedOut ?? facts.scheduledOut ?? leg.scheduledOut),
    toMs(leg.scheduledIn) + CANCEL_AFTER_ARRIVAL_MS,
  ].filter((moment) => moment > nowMs)
  const atMs =
    moments.length > 0 ? Math.min(...moments) : confirmingMs(facts, cancelled, nowMs + HOUR_MS)
  return { atMs, phase: 'CANCEL_REPORTED', reason: 'cancellation reported' }
}

function divertedPlan(facts: LegFacts, firstSeenMs: number, nowMs: number): Plan {
  const expectedMs = facts.estimatedIn === null ? 0 : toMs(facts.estimatedIn)
  if (facts.diversion?.isContinuing === true && expectedMs > nowMs) {
    const atMs = Math.max(expectedMs, nowMs + ARRIVAL_STEP_MS)
    return { atMs, phase: 'DIVERTED', reason: 'continuation due' }
  }
  const stepMs = nowMs - firstSeenMs < DIVERTED_STEPS_FOR_MS ? DIVERTED_STEP_MS : HOUR_MS
  return { atMs: nowMs + stepMs, phase: 'DIVERTED', reason: 'diverted' }
}
