/**
 * Which of a provider's records speak of one leg. An answer holds two weeks of an ident: other dates,
 * other routes of the number, code shares, duplicates, and for a diverted flight two or three records.
 */
import { normaliseFlightNumber } from './leg.ts'
import type { WatchedLeg } from './leg-facts.ts'
import type { ProviderLeg } from './ports/flight-data-provider.ts'
import { HOUR_MS, MINUTE_MS, msBetween, type Instant } from './time.ts'
import { localDateAt } from './zone.ts'

/** Which of a provider's records are the leg's. */
export type LegMatch =
  | {
      readonly kind: 'matched'
      /** The leg as planned, to the insured destination; null when its destination was changed. */
      readonly original: ProviderLeg | null
      /** Records of the same flight to another airport. */
      readonly diversions: readonly ProviderLeg[]
      /** The record that carries a diverted flight on to the insured destination. */
      readonly continuation: ProviderLeg | null
      /** Another record may be the continuation, but nothing ties it to this flight. */
      readonly hasUnclearContinuation: boolean
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous' }

/** Two reports of one arrival may differ by this much and still be the same. */
export const SAME_ARRIVAL_MS = 2 * MINUTE_MS

/** Records whose timetables differ less than this are one operation, shown twice. */
const SAME_OPERATION_MS = 15 * MINUTE_MS

/**
 * A retime may carry a departure over midnight. The nearest other flight of a number was 8.3 hours
 * away in half a year of real legs, so this much is still the same flight.
 */
const RETIMED_MS = 4 * HOUR_MS

/** A diverted flight goes on within this time of its first scheduled departure. */
const CONTINUATION_MS = 20 * HOUR_MS

/** As RETIMED_MS, when the provider's own id says that it is the same flight. */
const SAME_ID_MS = 8 * HOUR_MS

const NONE: LegMatch = { kind: 'none' }
const AMBIGUOUS: LegMatch = { kind: 'ambiguous' }

/**
 * Picks the records of one leg among all records of an ident. `knownIds` are the provider's ids of this
 * flight from earlier answers: they help with diversions and retimes, never decide alone.
 */
export function matchLeg(
  leg: WatchedLeg,
  records: readonly ProviderLeg[],
  knownIds: readonly string[],
): LegMatch {
  const direct: ProviderLeg[] = []
  const others: ProviderLeg[] = []
  for (const record of records) {
    if (!isSameNumber(leg, record)) continue
    if (isSameRoute(leg, record) && isSameDeparture(leg, record, knownIds)) direct.push(record)
    else others.push(record)
  }
  if (others.length === 0 && direct.length === 1) {
    return matched(direct[0] ?? null, [], null, false)
  }
  return matchSeveral(leg, nearestDate(leg, direct), others, knownIds)
}

function matchSeveral(
  leg: WatchedLeg,
  direct: ProviderLeg[],
  others: ProviderLeg[],
  knownIds: readonly string[],
): LegMatch {
  const split = splitContinuation(leg, direct)
  if (split === null) return AMBIGUOUS
  const ids = new Set(knownIds)
  for (const { providerFlightId } of direct)
    if (providerFlightId !== null) ids.add(providerFlightId)
  const diversions = others.filter((record) => isDiversionOf(leg, record, split.original, ids))
  if (split.original === null && diversions.length === 0) return NONE
  const isDiverted = split.original?.diverted === true || diversions.length > 0
  const onward = isDiverted ? others.filter((record) => isOnward(leg, record)) : []
  const tied = onward.filter((record) => isTied(leg, record, split.original, diversions, ids))
  const candidates = split.continuation === null ? tied : [split.continuation, ...tied]
  const continuation = candidates.length === 0 ? null : mergeOperation(candidates)
  if (candidates.length > 0 && continuation === null) return AMBIGUOUS
  const isUnclear =
    continuation === null &&
    diversions.length === 0 &&
    split.original?.actualIn === null &&
    onward.length > 0
  return matched(split.original, diversions, continuation, isUnclear)
}

function matched(
  original: ProviderLeg | null,
  diversions: readonly ProviderLeg[],
  continuation: ProviderLeg | null,
  hasUnclearContinuation: boolean,
): LegMatch {
  return { kind: 'matched', original, diversions, continuation, hasUnclearContinuation }
}

function isSameNumber(leg: WatchedLeg, record: ProviderLeg): boolean {
  const { carrier, flightNumber } = leg.identity
  // The answer was asked for by ident, so a missing carrier or number is not another one.
  if (record.carrier !== null && record.carrier !== carrier) return false
  if (record.flightNumber === null || record.flightNumber === flightNumber) return true
  try {
    return normaliseFlightNumber(record.flightNumber) === flightNumber
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

function isSameRoute(leg: WatchedLeg, record: ProviderLeg): boolean {
  return record.origin === leg.identity.origin && record.destination === leg.identity.destination
}

function isSameDeparture(
  leg: WatchedLeg,
  record: ProviderLeg,
  knownIds: readonly string[],
): boolean {
  const { scheduledOut } = record
  if (scheduledOut === null) return record.providerFlightId !== null && isKnown(record, knownIds)
  if (scheduledOut === leg.scheduledOut || isSameDate(leg, scheduledOut)) return true
  const distanceMs = Math.abs(msBetween(leg.scheduledOut, scheduledOut))
  return distanceMs <= (isKnown(record, knownIds) ? SAME_ID_MS : RETIMED_MS)
}

function isSameDate(leg: WatchedLeg, scheduledOut: Instant): boolean {
  return localDateAt(scheduledOut, leg.originZone) === leg.identity.originLocalDate
}

function isKnown(record: ProviderLeg, ids: readonly string[]): boolean {
  return record.providerFlightId !== null && ids.includes(record.providerFlightId)
}

/** Records of the leg's own date, when there are any, leave no room for a neighbouring date's. */
function nearestDate(leg: WatchedLeg, direct: ProviderLeg[]): ProviderLeg[] {
  const ofDate = direct.filter(
    ({ scheduledOut, diverted }) =>
      diverted || (scheduledOut !== null && isSameDate(leg, scheduledOut)),
  )
  const hasDiverted = direct.some((record) => record.diverted)
  return ofDate.length === 0 || hasDiverted ? direct : ofDate
}

type Split = { readonly original: ProviderLeg | null; readonly continuation: ProviderLeg | null }

/** Tells the planned leg from its continuation; null when that cannot be told. */
function splitContinuation(leg: WatchedLeg, direct: ProviderLeg[]): Split | null {
  if (direct.length === 0) return { original: null, continuation: null }
  if (direct.length === 1) return { original: direct[0] ?? null, continuation: null }
  const diverted = direct.filter((record) => record.diverted)
  const planned = direct.filter((record) => !record.diverted)
  if (diverted.length === 0) return one(mergeDirect(leg, planned))
  if (planned.length > 0) {
    const continuation = mergeOperation(planned)
    const original = latestArrival(diverted)
    return continuation === null || original === undefined ? null : { original, continuation }
  }
  // Every record carries the flag: the one that left last carries the flight on.
  const byOut = diverted.toSorted((a, b) => compareInstants(departureOf(a), departureOf(b)))
  const [first, last] = [byOut[0], byOut.at(-1)]
  if (first === undefined || last === undefined) return null
  if (departureOf(first) === departureOf(last)) return one(mergeOperation(diverted))
  return { original: first, continuation: last }
}

function one(original: ProviderLeg | null): Split | null {
  return original === null ? null : { original, continuation: null }
}

/** One record for a leg shown more than once on its date; null when it was operated twice. */
function mergeDirect(leg: WatchedLeg, records: ProviderLeg[]): ProviderLeg | null {
  const asInsured = records.filter(
    ({ scheduledOut }) =>
      scheduledOut !== null &&
      Math.abs(msBetween(leg.scheduledOut, scheduledOut)) < SAME_OPERATION_MS,
  )
  if (asInsured.length === 0) return mergeOperation(records)
  const merged = mergeOperation(asInsured)
  const rest = records.filter((record) => !asInsured.includes(record))
  // Cancelled and flown again at another time: whether the insured flight was operated is for people.
  const isReplaced = merged?.cancelled === true && rest.some((record) => !record.cancelled)
  return isReplaced ? null : merged
}

/** The fullest of several records of one operation; null when they contradict each other. */
function mergeOperation(records: ProviderLeg[]): ProviderLeg | null {
  const best = records.toSorted((a, b) => progressOf(b) - progressOf(a))[0]
  if (best === undefined) return null
  for (const record of records) {
    if (best.actualIn !== null && record.actualIn !== null) {
      if (Math.abs(msBetween(best.actualIn, record.actualIn)) > SAME_ARRIVAL_MS) return null
    } else if (best.scheduledOut !== null && record.scheduledOut !== null) {
      const isApart =
        Math.abs(msBetween(best.scheduledOut, record.scheduledOut)) >= SAME_OPERATION_MS
      if (isApart && !record.cancelled && record.origin === best.origin) return null
    }
  }
  return best
}

function progressOf(record: ProviderLeg): number {
  if (record.actualIn !== null) return 5
  if (record.actualOn !== null) return 4
  if (record.actualOff !== null) return 3
  if (record.cancelled) return 0
  return record.actualOut === null ? 1 : 2
}

function isDiversionOf(
  leg: WatchedLeg,
  record: ProviderLeg,
  original: ProviderLeg | null,
  ids: ReadonlySet<string>,
): boolean {
  const { origin, destination, scheduledOut, providerFlightId } = record
  if (origin !== leg.identity.origin || destination === null) return false
  if (destination === leg.identity.destination) return false
  const isFlagged = record.diverted || original?.diverted === true
  const hasId = providerFlightId !== null && ids.has(providerFlightId)
  if (scheduledOut === null) return isFlagged && hasId
  const distanceMs = Math.abs(msBetween(leg.scheduledOut, scheduledOut))
  if (distanceMs < SAME_OPERATION_MS) return true
  return isFlagged && distanceMs <= (hasId ? SAME_ID_MS : RETIMED_MS)
}

/** Another record to the insured destination that left after this flight did. */
function isOnward(leg: WatchedLeg, record: ProviderLeg): boolean {
  const departure = departureOf(record)
  if (record.destination !== leg.identity.destination || departure === null) return false
  const afterMs = msBetween(leg.scheduledOut, departure)
  // From the insured origin on another date it is the next day's flight.
  if (record.origin === leg.identity.origin) return false
  return record.origin !== null && afterMs > 0 && afterMs <= CONTINUATION_MS
}

/** Whether a record from elsewhere belongs to this flight: by airport, id, timetable or aircraft. */
function isTied(
  leg: WatchedLeg,
  record: ProviderLeg,
  original: ProviderLeg | null,
  diversions: readonly ProviderLeg[],
  ids: ReadonlySet<string>,
): boolean {
  if (diversions.length > 0) {
    return diversions.some((diversion) => diversion.destination === record.origin)
  }
  const { providerFlightId, scheduledIn, registration } = record
  if (providerFlightId !== null && ids.has(providerFlightId)) return true
  if (scheduledIn === leg.scheduledIn) return true
  return registration !== null && registration === original?.registration
}

/** When a record's flight leaves or left, best known. */
export function departureOf(record: ProviderLeg): Instant | null {
  return record.actualOut ?? record.estimatedOut ?? record.scheduledOut
}

function compareInstants(a: Instant | null, b: Instant | null): number {
  return (a ?? '') < (b ?? '') ? -1 : Number((a ?? '') > (b ?? ''))
}

function latestArrival(records: ProviderLeg[]): ProviderLeg | undefined {
  return records.toSorted((a, b) => compareInstants(b.actualIn, a.actualIn))[0]
}
