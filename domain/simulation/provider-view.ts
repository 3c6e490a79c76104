/**
 * What a flight-data provider would show of a real leg at a moment: nothing before it can be known.
 * Deterministic in leg, moment and seed. Shared by the local provider and the backtest.
 */
import type { PackLeg } from '../leg-pack.ts'
import type { ProviderLeg } from '../ports/flight-data-provider.ts'
import { instantFromMs, MINUTE_MS, type Instant } from '../time.ts'
import {
  timelineOf,
  type Course,
  type Estimate,
  type LegTimeline,
  type Reported,
} from './timeline.ts'

/**
 * The records that a provider shows of this leg at `nowMs`: none before two days ahead, several when it
 * was diverted. Builds the leg's timeline anew: for many moments of one leg use `viewTimeline`.
 */
export function viewLeg(
  leg: PackLeg,
  zones: Readonly<Record<string, string>>,
  nowMs: number,
  seed: number,
): ProviderLeg[] {
  return viewTimeline(timelineOf(leg, zones, seed), nowMs)
}

/** As `viewLeg`, of a timeline already built. */
export function viewTimeline(timeline: LegTimeline, nowMs: number): ProviderLeg[] {
  if (nowMs < timeline.shownFromMs) return []
  const { diversion } = timeline
  if (diversion === null || nowMs < diversion.shownMs)
    return [plannedRecord(timeline, nowMs, false)]
  const records = [plannedRecord(timeline, nowMs, true), elsewhereRecord(timeline, nowMs)]
  const onward = diversion.onward
  if (onward !== null && isShown(diversion.landing.on, nowMs)) {
    records.push(onwardRecord(timeline, onward, nowMs))
  }
  return records
}

function plannedRecord(timeline: LegTimeline, nowMs: number, isDiverted: boolean): ProviderLeg {
  const { leg, course, cancelledShownMs } = timeline
  const isCancelled = cancelledShownMs !== null && nowMs >= cancelledShownMs
  const hasLeft = isShown(course.out, nowMs)
  const arrivalExpected = isDiverted ? null : expectedAt(timeline.inEstimates, nowMs)
  return {
    providerFlightId: timeline.providerFlightId,
    carrier: leg.carrier,
    flightNumber: leg.flightNumber,
    origin: leg.origin,
    destination: leg.destination,
    scheduledOut: timeline.scheduledOut,
    scheduledIn: timeline.scheduledIn,
    estimatedOut: isCancelled ? null : departureExpected(timeline, nowMs, hasLeft),
    estimatedIn: isCancelled || isDiverted ? null : (arrivalExpected ?? timeline.scheduledIn),
    actualOut: shown(course.out, nowMs),
    actualOff: shown(course.off, nowMs),
    actualOn: isDiverted ? null : shown(course.on, nowMs),
    actualIn: isDiverted ? null : shown(course.in, nowMs),
    cancelled: isCancelled,
    diverted: isDiverted,
    registration: leg.tailNumber,
  }
}

/** The same flight, to the airport that it was diverted to. */
function elsewhereRecord(timeline: LegTimeline, nowMs: number): ProviderLeg {
  const landing = timeline.diversion?.landing ?? timeline.course
  return {
    ...plannedRecord(timeline, nowMs, true),
    destination: timeline.diversion?.airport ?? null,
    ...courseShown(landing, nowMs),
    estimatedIn: landing.in?.at ?? null,
  }
}

/** From there on to the insured destination, in the original timetable. */
function onwardRecord(timeline: LegTimeline, onward: Course, nowMs: number): ProviderLeg {
  return {
    ...plannedRecord(timeline, nowMs, true),
    origin: timeline.diversion?.airport ?? null,
    scheduledOut: onward.out?.at ?? null,
    estimatedOut: onward.out?.at ?? null,
    estimatedIn: expectedAt(timeline.inEstimates, nowMs),
    ...courseShown(onward, nowMs),
    diverted: false,
  }
}

function courseShown(
  course: Course,
  nowMs: number,
): Pick<ProviderLeg, 'actualOut' | 'actualOff' | 'actualOn' | 'actualIn'> {
  return {
    actualOut: shown(course.out, nowMs),
    actualOff: shown(course.off, nowMs),
    actualOn: shown(course.on, nowMs),
    actualIn: shown(course.in, nowMs),
  }
}

/** An estimate that has passed without a departure slips, by a quarter of an hour at a time. */
function departureExpected(timeline: LegTimeline, nowMs: number, hasLeft: boolean): Instant | null {
  const current = estimateAt(timeline.outEstimates, nowMs)
  if (current === null || hasLeft) return current?.at ?? null
  const overdueMs = nowMs - current.atMs
  if (overdueMs < SLIP_AFTER_MS) return current.at
  const slips = Math.floor((overdueMs - SLIP_AFTER_MS) / SLIP_MS) + 1
  return instantFromMs(current.atMs + slips * SLIP_MS + SLIP_AFTER_MS)
}

const SLIP_AFTER_MS = 10 * MINUTE_MS
const SLIP_MS = 15 * MINUTE_MS

function expectedAt(estimates: readonly Estimate[], nowMs: number): Instant | null {
  return estimateAt(estimates, nowMs)?.at ?? null
}

function estimateAt(estimates: readonly Estimate[], nowMs: number): Estimate | null {
  let current: Estimate | null = null
  for (const estimate of estimates) if (estimate.fromMs <= nowMs) current = estimate
  return current
}

function isShown(event: Reported | null, nowMs: number): boolean {
  return event !== null && nowMs >= event.shownMs
}

function shown(event: Reported | null, nowMs: number): Instant | null {
  return event !== null && nowMs >= event.shownMs ? event.at : null
}
