/**
 * What is known of a leg: evidence folded from a provider's answers, with when it was seen. Decides
 * nothing; silence is never evidence here.
 */
import type { LegIdentity } from './leg.ts'
import { departureOf, matchLeg, SAME_ARRIVAL_MS, type LegMatch } from './leg-match.ts'
import { legPhase, type LegPhase } from './leg-phase.ts'
import type { ProviderLeg } from './ports/flight-data-provider.ts'
import { HOUR_MS, MINUTE_MS, msBetween, toMs, type Instant } from './time.ts'

/** A leg that is watched: its schedule is the one insured at bind or endorsed since, whatever is shown later. */
export type WatchedLeg = {
  readonly identity: LegIdentity
  /** IANA zones. */
  readonly originZone: string
  readonly destinationZone: string
  readonly scheduledOut: Instant
  readonly scheduledIn: Instant
}

/** The first and the last answer of an unbroken run that showed the same thing. */
export type Seen = { readonly firstSeenAt: Instant; readonly lastSeenAt: Instant }

/** A reported instant, and since when it is reported. */
export type SeenInstant = Seen & {
  /** The newest report. */
  readonly value: Instant
  /** Since when exactly this value is reported. */
  readonly valueSeenAt: Instant
  /** The run's first value: a later one within two minutes of it continues the run. */
  readonly runValue: Instant
}

/** What is known of a landing elsewhere and of what followed. */
export type DiversionFact = Seen & {
  /** IATA; null while only the flag is known. */
  readonly airport: string | null
  readonly landedAt: Instant | null
  /** A record carries the flight on to the insured destination and is not cancelled. */
  readonly isContinuing: boolean
  /** Records disagree on whether the flight came to its destination in the end. */
  readonly isUnclear: boolean
}

/** A sanity rule that an arrival breaks; such an arrival goes to people. */
export type ArrivalFault = 'TIME_ORDER' | 'BLOCK_TIME'

/** Plain JSON, stored with the leg. */
export type LegFacts = {
  readonly version: 1
  /** When the newest folded answer was fetched. */
  readonly lastAnswerAt: Instant | null
  /** Since when answers lack the leg; null when the newest has it. */
  readonly missing: Seen | null
  /** Since when it cannot be told which record is the leg's. */
  readonly ambiguous: Seen | null
  /** The provider's ids of this flight, learned, in order of appearance. */
  readonly providerIds: readonly string[]
  /** The provider's present timetable. */
  readonly scheduledOut: Instant | null
  readonly scheduledIn: Instant | null
  readonly estimatedOut: Instant | null
  /** At the insured destination. */
  readonly estimatedIn: Instant | null
  readonly actualOut: Instant | null
  readonly actualOff: Instant | null
  /** Touch-down at the insured destination. */
  readonly landing: SeenInstant | null
  /** Gate arrival at the insured destination. */
  readonly arrival: SeenInstant | null
  readonly arrivalFaults: readonly ArrivalFault[]
  /** Reported cancelled without ever having left the ground. */
  readonly cancelled: Seen | null
  readonly diversion: DiversionFact | null
}

/** What was remarkable in an answer; stored with the observation. */
export type AnswerFlag =
  | 'OUT_OF_ORDER'
  | 'NOT_MATCHED'
  | 'AMBIGUOUS_MATCH'
  | 'STALE'
  | 'SCHEDULE_CHANGED'
  | 'CANCEL_REPORTED'
  | 'CANCELLED_IN_FLIGHT'
  | 'REINSTATED'
  | 'DIVERTED'
  | 'ARRIVAL_CHANGED'
  | 'FUTURE_ARRIVAL'
  | ArrivalFault

/** The facts after an answer, and what was remarkable in it. */
export type FoldedAnswer = {
  readonly facts: LegFacts
  readonly flags: AnswerFlag[]
  readonly phase: LegPhase
}

type Matched = Extract<LegMatch, { kind: 'matched' }>

/** An actual time may lie this far ahead of the moment of fetching: clocks differ. */
export const FUTURE_TOLERANCE_MS = 2 * MINUTE_MS

/** A gate arrival this long after the landing elsewhere cannot be the one at the other airport. */
const LATER_ARRIVAL_MS = 30 * MINUTE_MS

/**
 * Bounds of gate-to-gate time against the timetable. Real legs of half a year lie within 0.48 and 2.9
 * times theirs; hours on the taxiway are real too, so the upper bound leaves room for eight of them.
 */
const LEAST_BLOCK_SHARE = 0.25
const GREATEST_BLOCK_SHARE = 3
const GREATEST_BLOCK_EXCESS_MS = 8 * HOUR_MS

/** Ids learned per leg: a flight has one or two; a provider that renames it often is cut off. */
const PROVIDER_IDS_LIMIT = 8

/** The facts of a leg that was never heard of. */
export function emptyFacts(): LegFacts {
  return {
    version: 1,
    lastAnswerAt: null,
    missing: null,
    ambiguous: null,
    providerIds: [],
    scheduledOut: null,
    scheduledIn: null,
    estimatedOut: null,
    estimatedIn: null,
    actualOut: null,
    actualOff: null,
    landing: null,
    arrival: null,
    arrivalFaults: [],
    cancelled: null,
    diversion: null,
  }
}

/**
 * Folds one answer of a provider into the facts. Pure. Folding the same answer again changes nothing;
 * folding a run of equal answers is the same as folding its first and its last, so stored observations
 * replay to the same facts. An answer older than the newest folded one is left out.
 */
export function foldAnswer(
  facts: LegFacts,
  leg: WatchedLeg,
  records: readonly ProviderLeg[],
  fetchedAt: Instant,
): FoldedAnswer {
  if (facts.lastAnswerAt !== null && fetchedAt < facts.lastAnswerAt) {
    return { facts, flags: ['OUT_OF_ORDER'], phase: legPhase(leg, facts, facts.lastAnswerAt) }
  }
  const flags: AnswerFlag[] = []
  const next = foldMatch(facts, leg, matchLeg(leg, records, facts.providerIds), fetchedAt, flags)
  return { facts: next, flags, phase: legPhase(leg, next, fetchedAt) }
}

function foldMatch(
  facts: LegFacts,
  leg: WatchedLeg,
  match: LegMatch,
  at: Instant,
  flags: AnswerFlag[],
): LegFacts {
  switch (match.kind) {
    case 'none':
      flags.push('NOT_MATCHED')
      return { ...facts, lastAnswerAt: at, missing: seenAgain(facts.missing, at) }
    case 'ambiguous':
      flags.push('AMBIGUOUS_MATCH')
      return { ...facts, lastAnswerAt: at, ambiguous: seenAgain(facts.ambiguous, at) }
    case 'matched':
      if (isStale(facts, match)) {
        flags.push('STALE')
        return { ...facts, lastAnswerAt: at }
      }
      return foldMatched(facts, leg, match, at, flags)
  }
}

/** An aircraft that has left the ground does not go back to the gate: an old snapshot was served. */
function isStale(facts: LegFacts, { original, diversions, continuation }: Matched): boolean {
  if (facts.actualOff === null || diversions.length > 0 || continuation !== null) return false
  if (original === null || original.diverted || original.cancelled) return false
  return original.actualOff === null && original.actualOn === null && original.actualIn === null
}

function foldMatched(
  facts: LegFacts,
  leg: WatchedLeg,
  match: Matched,
  at: Instant,
  flags: AnswerFlag[],
): LegFacts {
  const { original, continuation } = match
  // The record that leaves the insured origin; a matched answer has at least one.
  const departing = original ?? match.diversions[0] ?? null
  const arriving = arrivingRecord(match)
  const actualOff = departing?.actualOff ?? facts.actualOff
  const diversion = foldDiversion(facts.diversion, match, at)
  const landedElsewhere = diversion !== null && diversion.landedAt !== null
  // What an earlier answer called an arrival was the gate of another airport.
  const isRefuted = continuation !== null || landedElsewhere
  const arrival = foldInstant(isRefuted, facts.arrival, arriving?.actualIn ?? null, at)
  // The touch-down of a diverted record may be anywhere.
  const isElsewhere = continuation === null && original?.diverted === true
  const touchDown = isElsewhere ? null : (arriving?.actualOn ?? null)
  const landing = foldInstant(isRefuted || isElsewhere, facts.landing, touchDown, at)
  const hasFlown = actualOff !== null || landing !== null || arrival !== null
  const isCancelled = original?.cancelled === true && !landedElsewhere
  const next: LegFacts = {
    version: 1,
    lastAnswerAt: at,
    missing: null,
    ambiguous: null,
    providerIds: learnIds(facts.providerIds, match),
    scheduledOut: original?.scheduledOut ?? facts.scheduledOut,
    scheduledIn: original?.scheduledIn ?? facts.scheduledIn,
    estimatedOut: departing?.estimatedOut ?? null,
    estimatedIn: (continuation ?? original)?.estimatedIn ?? null,
    // A return to the gate withdraws the first departure.
    actualOut: departing?.actualOut ?? (hasFlown ? facts.actualOut : null),
    actualOff,
    landing,
    arrival,
    arrivalFaults:
      arrival === null ? [] : (faultsOf(leg, arriving, diversion) ?? facts.arrivalFaults),
    cancelled: isCancelled && !hasFlown ? seenAgain(facts.cancelled, at) : null,
    diversion,
  }
  noteChanges(facts, next, leg, at, isCancelled && hasFlown, flags)
  return next
}

/** The record whose arrival is one at the insured destination; null when none can be. */
function arrivingRecord(match: Matched): ProviderLeg | null {
  if (match.continuation !== null) return match.continuation
  if (match.original === null || match.hasUnclearContinuation) return null
  const landedAt = landedElsewhereAt(match)
  if (landedAt === null) return match.original
  // A landing elsewhere: a flagged record's gate time is the one there, until a record carries on.
  if (match.original.diverted || match.original.actualIn === null) return null
  return msBetween(landedAt, match.original.actualIn) > LATER_ARRIVAL_MS ? match.original : null
}

function landedElsewhereAt(match: Matched): Instant | null {
  let landedAt: Instant | null = null
  for (const { actualOn, actualIn } of match.diversions) {
    const moment = actualOn ?? actualIn
    if (moment !== null && (landedAt === null || moment < landedAt)) landedAt = moment
  }
  return landedAt
}

function foldDiversion(
  before: DiversionFact | null,
  match: Matched,
  at: Instant,
): DiversionFact | null {
  const { original, diversions, continuation } = match
  if (original?.diverted !== true && diversions.length === 0) return null
  const landedAt = landedElsewhereAt(match)
  const gateAt = original?.actualIn ?? null
  const isLater =
    landedAt !== null && gateAt !== null && msBetween(landedAt, gateAt) > LATER_ARRIVAL_MS
  const isFlaggedLater = isLater && original?.diverted === true && continuation === null
  // A planned record that was not flagged and left after the landing elsewhere carries the flight on.
  const isOnItsWay =
    original !== null &&
    !original.diverted &&
    !original.cancelled &&
    (landedAt === null || (departureOf(original) ?? '') >= landedAt)
  return {
    airport: diversions[0]?.destination ?? before?.airport ?? null,
    landedAt,
    isContinuing: continuation === null ? isOnItsWay : !continuation.cancelled,
    isUnclear: isFlaggedLater || match.hasUnclearContinuation,
    firstSeenAt: before?.firstSeenAt ?? at,
    lastSeenAt: at,
  }
}

/** A value not shown this time is neither confirmed nor withdrawn, unless the answer refutes it. */
function foldInstant(
  isRefuted: boolean,
  before: SeenInstant | null,
  value: Instant | null,
  at: Instant,
): SeenInstant | null {
  if (value === null) return isRefuted ? null : before
  const isSameRun = before !== null && isWithin(before.runValue, value, SAME_ARRIVAL_MS)
  if (!isSameRun) {
    return { value, runValue: value, firstSeenAt: at, valueSeenAt: at, lastSeenAt: at }
  }
  const valueSeenAt = before.value === value ? before.valueSeenAt : at
  return { ...before, value, valueSeenAt, lastSeenAt: at }
}

/** Null when the record shows no arrival, so that what was found before still holds. */
function faultsOf(
  leg: WatchedLeg,
  record: ProviderLeg | null,
  diversion: DiversionFact | null,
): ArrivalFault[] | null {
  if (record === null || record.actualIn === null) return null
  const { actualOut, actualOff, actualOn, actualIn } = record
  const faults: ArrivalFault[] = []
  const known = [actualOut, actualOff, actualOn, actualIn].filter((moment) => moment !== null)
  // Instants sort as text.
  if (known.some((moment, i) => i > 0 && moment < (known[i - 1] ?? moment)))
    faults.push('TIME_ORDER')
  if (actualOut === null || diversion !== null) return faults
  const plannedMs = msBetween(leg.scheduledOut, leg.scheduledIn)
  const blockMs = msBetween(actualOut, actualIn)
  const greatestMs = Math.max(
    GREATEST_BLOCK_SHARE * plannedMs,
    plannedMs + GREATEST_BLOCK_EXCESS_MS,
  )
  if (blockMs < LEAST_BLOCK_SHARE * plannedMs || blockMs > greatestMs) faults.push('BLOCK_TIME')
  return faults
}

function learnIds(known: readonly string[], { original, diversions }: Matched): readonly string[] {
  let ids = known
  for (const record of original === null ? diversions : [original, ...diversions]) {
    const id = record.providerFlightId
    if (id !== null && !ids.includes(id) && ids.length < PROVIDER_IDS_LIMIT) ids = [...ids, id]
  }
  return ids
}

function noteChanges(
  before: LegFacts,
  next: LegFacts,
  leg: WatchedLeg,
  at: Instant,
  isCancelledInFlight: boolean,
  flags: AnswerFlag[],
): void {
  const isRetimed =
    (next.scheduledOut ?? leg.scheduledOut) !== (before.scheduledOut ?? leg.scheduledOut) ||
    (next.scheduledIn ?? leg.scheduledIn) !== (before.scheduledIn ?? leg.scheduledIn)
  if (isRetimed) flags.push('SCHEDULE_CHANGED')
  if (next.cancelled !== null) flags.push('CANCEL_REPORTED')
  else if (before.cancelled !== null) flags.push('REINSTATED')
  if (isCancelledInFlight) flags.push('CANCELLED_IN_FLIGHT')
  if (next.diversion !== null) flags.push('DIVERTED')
  if (next.arrival === null) return
  if (before.arrival !== null && before.arrival.value !== next.arrival.value) {
    flags.push('ARRIVAL_CHANGED')
  }
  if (toMs(next.arrival.value) > toMs(at) + FUTURE_TOLERANCE_MS) flags.push('FUTURE_ARRIVAL')
  flags.push(...next.arrivalFaults)
}

function seenAgain(before: Seen | null, at: Instant): Seen {
  return { firstSeenAt: before?.firstSeenAt ?? at, lastSeenAt: at }
}

function isWithin(a: Instant, b: Instant, toleranceMs: number): boolean {
  return a === b || Math.abs(msBetween(a, b)) <= toleranceMs
}
