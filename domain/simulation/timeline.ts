/**
 * Everything that happens to a real leg and when a provider would come to know of it. What the data
 * does not say (taxi times, report lags, announcement times, diversion airports) is drawn, repeatably.
 */
import type { PackLeg } from '../leg-pack.ts'
import { HOUR_MS, instantFromMs, MINUTE_MS, type Instant } from '../time.ts'
import { drawsOf, normal, type Draws } from './random.ts'

/** Something that happened, and when a provider starts to show it. */
export type Reported = { readonly at: Instant; readonly atMs: number; readonly shownMs: number }

/** One record's course; null where it never comes to that. */
export type Course = {
  readonly out: Reported | null
  readonly off: Reported | null
  readonly on: Reported | null
  readonly in: Reported | null
}

/** A diversion: the record to the other airport, and the one that carries on, if any does. */
export type DiversionCourse = {
  readonly airport: string
  /** When the provider starts to flag the flight. */
  readonly shownMs: number
  readonly landing: Course
  readonly onward: Course | null
}

/** What a provider expects, from a moment on. */
export type Estimate = { readonly fromMs: number; readonly at: Instant; readonly atMs: number }

/** Everything that will be known of a leg, and when. */
export type LegTimeline = {
  readonly leg: PackLeg
  readonly providerFlightId: string
  readonly scheduledOut: Instant
  readonly scheduledIn: Instant
  /** Records are shown from then on. */
  readonly shownFromMs: number
  readonly course: Course
  readonly cancelledShownMs: number | null
  readonly diversion: DiversionCourse | null
  /** Oldest first. */
  readonly outEstimates: readonly Estimate[]
  readonly inEstimates: readonly Estimate[]
  /** From when the arrival is shown; null when there is none. */
  readonly arrivalShownMs: number | null
}

const SHOWN_BEFORE_MS = 48 * HOUR_MS
const MEDIAN_LAG_MS = 2 * MINUTE_MS
const LAG_SIGMA = 0.6
const GREATEST_LAG_MS = 30 * MINUTE_MS
const NEVER: Course = { out: null, off: null, on: null, in: null }

/** The course of a leg. Deterministic in leg, zones (airports to divert to) and seed. */
export function timelineOf(
  leg: PackLeg,
  zones: Readonly<Record<string, string>>,
  seed: number,
): LegTimeline {
  const name = `${leg.carrier}|${leg.flightNumber}|${leg.origin}|${leg.destination}|${leg.scheduledOutMs}`
  const draw = drawsOf(name, seed)
  const base = {
    leg,
    providerFlightId: `${leg.carrier}${leg.flightNumber}-${leg.scheduledOutMs / 1_000}-${leg.origin}`,
    scheduledOut: instantFromMs(leg.scheduledOutMs),
    scheduledIn: instantFromMs(leg.scheduledInMs),
    shownFromMs: leg.scheduledOutMs - SHOWN_BEFORE_MS,
  }
  switch (leg.status) {
    case 'A':
      return { ...base, ...arrivedCourse(leg, draw) }
    case 'C':
      return { ...base, ...cancelledCourse(leg, draw) }
    case 'R':
      return { ...base, ...divertedCourse(leg, zones, draw, true) }
    case 'D':
      return draw() < 0.5
        ? { ...base, ...divertedCourse(leg, zones, draw, false) }
        : { ...base, ...pushedBackCourse(leg, draw) }
  }
}

type Happening = Pick<
  LegTimeline,
  'course' | 'cancelledShownMs' | 'diversion' | 'outEstimates' | 'inEstimates' | 'arrivalShownMs'
>

function arrivedCourse(leg: PackLeg, draw: Draws): Happening {
  const inMs = leg.scheduledInMs + (leg.arrivalDelayMin ?? 0) * MINUTE_MS
  const course = fly(departureMs(leg), inMs, draw)
  return {
    course,
    cancelledShownMs: null,
    diversion: null,
    outEstimates: estimateDeparture(leg, draw),
    inEstimates: estimateArrival(course, inMs, draw),
    arrivalShownMs: course.in?.shownMs ?? null,
  }
}

function cancelledCourse(leg: PackLeg, draw: Draws): Happening {
  const kind = draw()
  const share = draw()
  let announcedMs = leg.scheduledOutMs - (0.25 + 11.75 * share * share) * HOUR_MS
  if (kind < 0.05) announcedMs = leg.scheduledOutMs - 40 * HOUR_MS
  else if (kind > 0.9) announcedMs = leg.scheduledOutMs + share * HOUR_MS
  const cancelledShownMs = wholeMinute(announcedMs)
  return {
    course: NEVER,
    cancelledShownMs,
    diversion: null,
    outEstimates: [],
    inEstimates: [],
    arrivalShownMs: null,
  }
}

/** Left the gate, came back, and was cancelled. */
function pushedBackCourse(leg: PackLeg, draw: Draws): Happening {
  const outMs = departureMs(leg)
  const cancelledShownMs = wholeMinute(outMs + (20 + 160 * draw()) * MINUTE_MS)
  return {
    course: { ...NEVER, out: reported(outMs, outMs + lagMs(draw)) },
    cancelledShownMs,
    diversion: null,
    outEstimates: estimateDeparture(leg, draw),
    inEstimates: [],
    arrivalShownMs: null,
  }
}

function divertedCourse(
  leg: PackLeg,
  zones: Readonly<Record<string, string>>,
  draw: Draws,
  isReached: boolean,
): Happening {
  const outMs = departureMs(leg)
  const plannedMs = leg.scheduledInMs - leg.scheduledOutMs
  const inMs = leg.scheduledInMs + (leg.arrivalDelayMin ?? 0) * MINUTE_MS
  const elsewhereMs = isReached
    ? outMs + 0.45 * (inMs - outMs)
    : outMs + (0.6 + 0.6 * draw()) * plannedMs
  const landing = fly(outMs, wholeMinute(elsewhereMs), draw)
  const onward = isReached ? fly(wholeMinute(outMs + 0.6 * (inMs - outMs)), inMs, draw) : null
  const landedMs = landing.on?.atMs ?? outMs
  return {
    course: { ...NEVER, out: landing.out, off: landing.off },
    cancelledShownMs: null,
    diversion: {
      airport: airportElsewhere(leg, zones, draw),
      shownMs: wholeMinute(landedMs - 20 * MINUTE_MS * draw()),
      landing,
      onward,
    },
    outEstimates: estimateDeparture(leg, draw),
    inEstimates: onward === null ? [] : estimateArrival(onward, inMs, draw),
    arrivalShownMs: onward?.in?.shownMs ?? null,
  }
}

function airportElsewhere(
  leg: PackLeg,
  zones: Readonly<Record<string, string>>,
  draw: Draws,
): string {
  const airports = Object.keys(zones)
    .filter((airport) => airport !== leg.origin && airport !== leg.destination)
    .toSorted()
  // A pack of one route has nowhere else: an airport of neither end.
  return airports[Math.floor(draw() * airports.length)] ?? 'YQX'
}

/** Gate to gate with taxi times that leave most of the block in the air. */
function fly(outMs: number, inMs: number, draw: Draws): Course {
  const blockMs = inMs - outMs
  const offMs = wholeMinute(outMs + Math.min((8 + 17 * draw()) * MINUTE_MS, 0.35 * blockMs))
  const onMs = wholeMinute(inMs - Math.min((3 + 9 * draw()) * MINUTE_MS, 0.15 * blockMs))
  const out = reported(outMs, outMs + lagMs(draw))
  const off = reported(offMs, Math.max(offMs + lagMs(draw), out.shownMs))
  const on = reported(onMs, Math.max(onMs + lagMs(draw), off.shownMs))
  return { out, off, on, in: reported(inMs, Math.max(inMs + lagMs(draw), on.shownMs)) }
}

/** The timetable's departure until a delay is announced, then the delay, roughly. */
function estimateDeparture(leg: PackLeg, draw: Draws): Estimate[] {
  const outMs = departureMs(leg)
  const lateMs = outMs - leg.scheduledOutMs
  const estimates = [estimate(leg.scheduledOutMs - 24 * HOUR_MS, leg.scheduledOutMs)]
  const error = normal(draw)
  const announcedMs = leg.scheduledOutMs - (15 + 105 * draw()) * MINUTE_MS
  if (lateMs > 15 * MINUTE_MS) {
    estimates.push(estimate(announcedMs, leg.scheduledOutMs + lateMs * (1 + 0.1 * error)))
    // Close to it the estimate is good.
    estimates.push(estimate(outMs - 40 * MINUTE_MS, outMs + 3 * error * MINUTE_MS))
  }
  return estimates.toSorted((a, b) => a.fromMs - b.fromMs)
}

/** Better the nearer: at departure, past half-way, on the ground. */
function estimateArrival(course: Course, inMs: number, draw: Draws): Estimate[] {
  const { out, on } = course
  if (out === null || on === null) return []
  const midMs = Math.max(out.atMs + 0.6 * (inMs - out.atMs), out.shownMs)
  return [
    estimate(out.shownMs, inMs + 10 * normal(draw) * MINUTE_MS),
    estimate(midMs, inMs + 4 * normal(draw) * MINUTE_MS),
    estimate(inMs - 25 * MINUTE_MS, inMs + 2 * normal(draw) * MINUTE_MS),
    estimate(on.shownMs, inMs + normal(draw) * MINUTE_MS),
  ].toSorted((a, b) => a.fromMs - b.fromMs)
}

function estimate(fromMs: number, atMs: number): Estimate {
  const minuteMs = wholeMinute(atMs)
  return { fromMs, at: instantFromMs(minuteMs), atMs: minuteMs }
}

function reported(atMs: number, shownMs: number): Reported {
  return { at: instantFromMs(atMs), atMs, shownMs: wholeSecond(shownMs) }
}

function lagMs(draw: Draws): number {
  return Math.min(MEDIAN_LAG_MS * Math.exp(LAG_SIGMA * normal(draw)), GREATEST_LAG_MS)
}

function departureMs(leg: PackLeg): number {
  return leg.scheduledOutMs + (leg.departureDelayMin ?? 0) * MINUTE_MS
}

function wholeMinute(ms: number): number {
  return Math.round(ms / MINUTE_MS) * MINUTE_MS
}

function wholeSecond(ms: number): number {
  return Math.ceil(ms / 1_000) * 1_000
}
