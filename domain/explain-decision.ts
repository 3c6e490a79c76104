/**
 * A decision in words that a policyholder understands: what was insured, what was observed, which rule
 * was met or missed and by how much, what is paid, and where to appeal. Explains; never decides.
 */
import {
  appealEnds,
  appealText,
  dayOf,
  moneyText,
  openAppealOf,
  type ToldAppeal,
} from './explain-appeal.ts'
import { describeObservations, type Observed } from './explain-evidence.ts'
import { explainRule, type AppliedRule } from './explain-rule.ts'
import type { LegFacts, WatchedLeg } from './leg-facts.ts'
import { localTime, type LocalTime } from './local-time.ts'
import type { BasisPoints, Money } from './money.ts'
import type { PolicyState } from './policy.ts'
import type { Product } from './product.ts'
import { MINUTE_MS, msBetween, type Instant } from './time.ts'

/** All that an explanation is made of; read from the book at one moment. */
export type ExplainInput = {
  readonly policyNumber: string
  readonly state: PolicyState
  /** What the holder's ticket says, when it is another number than the operating one. */
  readonly marketingIdent: string | null
  readonly sumInsured: Money
  /** As frozen at bind, or endorsed since. */
  readonly insuredScheduledIn: Instant
  /** The newest change of what is insured; null when there was none. */
  readonly endorsement: Endorsement | null
  /** The premium that the holder who cancelled gets back; null when there is none. */
  readonly refund: Money | null
  readonly coverEnd: Instant
  readonly product: Product
  readonly leg: WatchedLeg
  /** What was decided for the policy; null while it is not. */
  readonly decision: {
    readonly outcome: 'PAY' | 'NO_PAY'
    readonly bps: BasisPoints
    readonly amount: Money
    readonly decidedAt: Instant
  } | null
  /** What the rules said; null while they said nothing final. */
  readonly evaluation: {
    readonly evaluationId: string
    readonly outcome: 'PAY' | 'NO_PAY' | 'REVIEW'
    readonly delayMin: number | null
    readonly reasons: readonly string[]
    /** As they were when it was made. */
    readonly facts: LegFacts
    readonly evaluatedAt: Instant
    /** Names of the providers whose answers it rests on. */
    readonly sources: readonly string[]
  } | null
  /** When the money of the newest payout was paid; null when it was not. */
  readonly paidAt: Instant | null
  /** The oldest first. */
  readonly appeals: readonly ToldAppeal[]
}

/** A change of the timetable, announced so early that it changed what is insured. */
export type Endorsement = {
  readonly oldScheduledOut: Instant
  readonly oldScheduledIn: Instant
  readonly newScheduledOut: Instant
  readonly newScheduledIn: Instant
  readonly announcedAt: Instant
  /** It, or an earlier one, moved so much that the holder may cancel until departure. */
  readonly isRefundOffered: boolean
}

/** What became of the policy, for its holder. */
export type ExplainedOutcome =
  | 'PAID'
  | 'TO_BE_PAID'
  | 'NOT_PAID'
  | 'IN_REVIEW'
  | 'OPEN'
  | 'NO_COVER'

/** The explanation, by parts and as paragraphs. */
export type DecisionExplanation = {
  readonly policyNumber: string
  readonly outcome: ExplainedOutcome
  readonly flight: {
    /** Operating carrier and number: `B6 35`. */
    readonly operatingIdent: string
    readonly marketingIdent: string | null
    readonly origin: string
    readonly destination: string
    /** On the wall of the origin. */
    readonly departureDate: string
  }
  readonly insuredArrival: LocalTime
  /** The arrival that was insured before the newest change of the timetable; null without one. */
  readonly arrivalBeforeRetime: LocalTime | null
  /** At the insured destination; null when the flight did not arrive there, or is not known to have. */
  readonly actualArrival: (LocalTime & { readonly kind: 'GATE' | 'TOUCH_DOWN' }) | null
  /** Whole minutes, started ones not counted; negative is early. Null without an arrival. */
  readonly delayMin: number | null
  readonly rule: AppliedRule | null
  readonly amount: (Money & { readonly text: string }) | null
  readonly decidedAt: Instant | null
  /** What was reported, and when it was first and last seen. */
  readonly observed: readonly Observed[]
  readonly sources: readonly string[]
  readonly appeal: string
  /** That what the airline owes is another matter. */
  readonly airlineCompensation: string
  /** The whole explanation, to be read from the first paragraph to the last. */
  readonly text: readonly string[]
}

/** Explains. Pure: the same book gives the same words. */
export function explainDecision(input: ExplainInput): DecisionExplanation {
  const { evaluation, leg, policyNumber, decision } = input
  const { identity, destinationZone } = leg
  const outcome = outcomeOf(input)
  const insuredArrival = localTime(input.insuredScheduledIn, destinationZone)
  const actualArrival = arrivalOf(input)
  const delayMin = actualArrival === null ? null : delayOf(input, actualArrival.utc)
  const rule = decision === null ? null : explainRule({ ...input, decision, delayMin })
  const observed =
    evaluation === null ? [] : describeObservations(evaluation.facts, destinationZone)
  const parts = {
    policyNumber,
    outcome,
    flight: {
      operatingIdent: `${identity.carrier} ${identity.flightNumber}`,
      marketingIdent: input.marketingIdent,
      origin: identity.origin,
      destination: identity.destination,
      departureDate: identity.originLocalDate,
    },
    insuredArrival,
    arrivalBeforeRetime:
      input.endorsement === null
        ? null
        : localTime(input.endorsement.oldScheduledIn, destinationZone),
    actualArrival,
    delayMin,
    rule,
    amount: decision === null ? null : { ...decision.amount, text: moneyText(decision.amount) },
    decidedAt: decision?.decidedAt ?? null,
    observed,
    sources: evaluation?.sources ?? [],
    appeal: appealText(input),
    airlineCompensation: AIRLINE_COMPENSATION,
  }
  return { ...parts, text: paragraphs(input, parts) }
}

const AIRLINE_COMPENSATION =
  'This cover is separate from anything the airline owes you. You may also have a right to a refund ' +
  'or to compensation from the airline, for example under Regulation (EC) 261/2004 in the European ' +
  'Union or under the refund rules of the US Department of Transportation; ask the airline for that. ' +
  'What we decide here neither replaces nor reduces it.'

function outcomeOf({ state, decision, paidAt, appeals }: ExplainInput): ExplainedOutcome {
  if (state === 'DECLINED' || state === 'CANCELLED_BY_HOLDER') return 'NO_COVER'
  if (state === 'IN_REVIEW' || openAppealOf(appeals) !== null) return 'IN_REVIEW'
  if (decision === null) return 'OPEN'
  if (decision.outcome === 'NO_PAY') return 'NOT_PAID'
  return paidAt === null ? 'TO_BE_PAID' : 'PAID'
}

/** The arrival that the evaluation rests on: at the gate, or the touch-down when no gate is known. */
function arrivalOf({ evaluation, leg }: ExplainInput): DecisionExplanation['actualArrival'] {
  if (evaluation === null) return null
  const { arrival, landing, ambiguous } = evaluation.facts
  if (ambiguous !== null) return null
  if (arrival !== null) {
    return { ...localTime(arrival.value, leg.destinationZone), kind: 'GATE' }
  }
  if (landing === null) return null
  return { ...localTime(landing.value, leg.destinationZone), kind: 'TOUCH_DOWN' }
}

function delayOf(input: ExplainInput, arrival: Instant): number {
  return Math.floor(msBetween(input.insuredScheduledIn, arrival) / MINUTE_MS)
}

type Parts = Omit<DecisionExplanation, 'text'>

function paragraphs(input: ExplainInput, parts: Parts): string[] {
  return [
    headline(input, parts),
    flightText(parts),
    ...retimeText(input, parts),
    ...arrivalText(parts),
    ...(parts.rule === null ? [] : [parts.rule.text]),
    ...observedText(parts),
    ...appealEnds(input.appeals),
    parts.appeal,
    parts.airlineCompensation,
  ]
}

function headline(input: ExplainInput, { outcome, amount, policyNumber }: Parts): string {
  const policy = `Policy ${policyNumber}`
  const paid = amount?.text ?? ''
  switch (outcome) {
    case 'PAID':
      return `${policy} pays ${paid}. The money was sent${input.paidAt === null ? '' : ` on ${dayOf(input.paidAt)}`}.`
    case 'TO_BE_PAID':
      return `${policy} pays ${paid}. The payment is under way.`
    case 'NOT_PAID':
      return `${policy} does not pay for this flight.`
    case 'IN_REVIEW':
      return `${policy} is being looked at by a person. ${appealedText(input) ?? reviewText(input)}`
    case 'OPEN':
      return (
        `${policy} is not decided yet. We watch the flight, at the latest until ` +
        `${localTime(input.coverEnd, input.leg.destinationZone).text}; what is then still unclear, ` +
        `a person looks at.`
      )
    case 'NO_COVER':
      return input.state === 'DECLINED'
        ? `${policy} was declined, so there is no cover for this flight.`
        : `${policy} was cancelled by its holder before the flight, so there is no cover.${refundText(input)}`
  }
}

/** What stands while a person looks at an appeal; null without one. */
function appealedText({ appeals, decision }: ExplainInput): string | null {
  const open = openAppealOf(appeals)
  if (open === null || decision === null) return null
  const { outcome, amount } = decision
  const stands =
    outcome === 'PAY' ? `it pays ${moneyText(amount)}` : 'it does not pay for this flight'
  return `You appealed on ${dayOf(open.filedAt)}; until that is decided, what was decided before stands: ${stands}.`
}

/** Why people look, by the reasons that the rules give. */
const REVIEW_WORDS: Readonly<Record<string, string>> = {
  AMBIGUOUS_MATCH: 'The reports do not tell clearly which flight was yours.',
  NO_FINAL_DATA: 'No final report of the flight was to be had in time.',
  FUTURE_ARRIVAL: 'The reported arrival lies after the report itself.',
  TIME_ORDER: 'The reported times contradict each other.',
  BLOCK_TIME: 'The reported flying time is not plausible.',
  DELAY_RANGE: 'The reported arrival is more than a day away from the insured one.',
  RUNWAY_NEAR_TIER:
    'Only the touch-down is known, and the arrival at the gate may change the amount.',
  CONTINUATION_UNFINISHED: 'The flight was diverted, and it is not known how its onward leg ended.',
  DIVERSION_UNCLEAR:
    'The flight was diverted, and the reports differ on whether it came to its destination.',
  DIVERSION_UNCONFIRMED:
    'The flight was diverted, and only one source reports when it came to its destination.',
  SOURCES_CONFLICT: 'Two sources contradict each other on what became of the flight.',
  SECOND_SOURCE_SILENT:
    'The arrival is close to a limit, and a second source did not confirm it in time.',
  INCIDENT: 'An incident was reported.',
}

function reviewText({ evaluation }: ExplainInput): string {
  const words = (evaluation?.reasons ?? []).map((reason) => REVIEW_WORDS[reason] ?? '')
  return [...words.filter((text) => text !== ''), 'You need to do nothing.'].join(' ')
}

function flightText({ flight, insuredArrival }: Parts): string {
  const { operatingIdent, marketingIdent, origin, destination, departureDate } = flight
  const sold = marketingIdent === null ? '' : ` (sold as ${marketingIdent})`
  return (
    `Insured is flight ${operatingIdent}${sold} from ${origin} to ${destination}, departure on ` +
    `${departureDate}, insured arrival ${insuredArrival.text}.`
  )
}

function retimeText({ endorsement }: ExplainInput, { arrivalBeforeRetime }: Parts): string[] {
  if (endorsement === null || arrivalBeforeRetime === null) return []
  const offer = endorsement.isRefundOffered
    ? ' The change was so large that the policy could be cancelled until departure, with the whole premium back.'
    : ''
  return [
    `The airline changed its timetable on ${dayOf(endorsement.announcedAt)}, a day or more before ` +
      `departure, so the new arrival is insured in place of ${arrivalBeforeRetime.text}. A delay is ` +
      `counted from the new one. Later changes do not move it.${offer}`,
  ]
}

function refundText({ refund }: ExplainInput): string {
  return refund === null ? '' : ` The premium of ${moneyText(refund)} was given back.`
}

function arrivalText({ actualArrival, delayMin, insuredArrival }: Parts): string[] {
  if (actualArrival === null || delayMin === null) return []
  const place =
    actualArrival.kind === 'GATE'
      ? 'It arrived at the gate'
      : 'Its arrival at the gate was never reported; it touched down'
  const isClockMoved = actualArrival.utcOffset !== insuredArrival.utcOffset
  const clocks = isClockMoved
    ? ' The clocks there were moved in between; the delay is counted in real minutes.'
    : ''
  return [`${place} on ${actualArrival.text}: ${delayText(delayMin)}.${clocks}`]
}

/** `44 minutes late`, `1 minute early`, `on time`. */
function delayText(delayMin: number): string {
  if (delayMin === 0) return 'on time'
  const minutes = Math.abs(delayMin)
  return `${minutes} ${minutes === 1 ? 'minute' : 'minutes'} ${delayMin > 0 ? 'late' : 'early'}`
}

function observedText({ observed, sources }: Parts): string[] {
  if (observed.length === 0) return []
  const from = sources.length === 0 ? '' : ` (source: ${sources.join(', ')})`
  return [`What was reported${from}: ${observed.map(({ text }) => text).join('; ')}.`]
}
