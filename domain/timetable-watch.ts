/**
 * Legs that leave weeks ahead, before their polls begin: how often the timetable is looked at for them,
 * and what it says of one. A leg that is not in it is noted; nothing is decided by that.
 */
import type { LegIdentity } from './leg.ts'
import { FIRST_POLL_BEFORE_OUT_MS } from './poll-plan.ts'
import type { ScheduledLeg } from './ports/flight-data-provider.ts'
import type { Schedule } from './retime.ts'
import { addMs, DAY_MS, HOUR_MS, type Instant } from './time.ts'
import { localDateAt } from './zone.ts'

/** Timetables change by the season and by the month: more looks find the same. */
const LOOK_EVERY_MS = 7 * DAY_MS
/** After a look without an answer: an outage is over then, and four looks a day are all it can cost. */
const LOOK_AGAIN_MS = 6 * HOUR_MS

/** When the timetable is looked at next for a leg bound, or looked up, at `from`; null: never again. */
export function nextTimetableLook(from: Instant, scheduledOut: Instant): Instant | null {
  return whenAhead(addMs(from, LOOK_EVERY_MS), scheduledOut)
}

/** As `nextTimetableLook`, after a look at `from` that brought no answer. */
export function repeatedTimetableLook(from: Instant, scheduledOut: Instant): Instant | null {
  return whenAhead(addMs(from, LOOK_AGAIN_MS), scheduledOut)
}

/** A look that falls together with the first poll, or after it, finds nothing that polls do not. */
function whenAhead(at: Instant, scheduledOut: Instant): Instant | null {
  return at < addMs(scheduledOut, -FIRST_POLL_BEFORE_OUT_MS) ? at : null
}

/** What the timetable says of one leg. */
export type TimetableFinding =
  | { readonly kind: 'LISTED'; readonly schedule: Schedule; readonly isTimeUnverified: boolean }
  | { readonly kind: 'MISSING' }
  /** More than one leg could be it. */
  | { readonly kind: 'AMBIGUOUS' }

/** What an answer with these legs says of the one that was asked for. */
export function timetableFinding(
  identity: LegIdentity,
  legs: readonly ScheduledLeg[],
): TimetableFinding {
  const [leg, ...others] = timetableLegs(identity, legs)
  if (leg === undefined) return { kind: 'MISSING' }
  if (others.length > 0) return { kind: 'AMBIGUOUS' }
  const { scheduledOut, scheduledIn, isTimeUnverified = false } = leg
  return { kind: 'LISTED', schedule: { scheduledOut, scheduledIn }, isTimeUnverified }
}

/** Those of a timetable's legs that were asked for, each operation once. */
export function timetableLegs(
  identity: LegIdentity,
  legs: readonly ScheduledLeg[],
): ScheduledLeg[] {
  const found = new Map<string, ScheduledLeg>()
  for (const leg of legs) {
    if (!isOf(identity, leg)) continue
    found.set(`${leg.carrier}|${leg.flightNumber}|${leg.scheduledOut}`, leg)
  }
  return [...found.values()]
}

/** The operating flight itself, or the one behind the code share that was sold. */
function isOf(identity: LegIdentity, leg: ScheduledLeg): boolean {
  const isOperating = leg.carrier === identity.carrier && leg.flightNumber === identity.flightNumber
  const isMarketed = leg.marketingIdent === `${identity.carrier}${identity.flightNumber}`
  return (
    (isOperating || isMarketed) &&
    leg.origin === identity.origin &&
    leg.destination === identity.destination &&
    localDateAt(leg.scheduledOut, leg.originZone) === identity.originLocalDate
  )
}
