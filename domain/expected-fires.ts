/**
 * When a schedule should fire, computed without asking the server that fires it. Pure. Wall times that
 * a change of clocks skips do not fire, those that it repeats fire twice, as on the server.
 */
import { addMs, DAY_MS, instantFromMs, SECOND_MS, toMs, type Instant } from './time.ts'
import { instantsOfLocal, localDateAt } from './zone.ts'

/** When a schedule fires, as flat fields: an interval, or calendars in a zone. */
export type FireSpec = {
  /** Milliseconds between fires, counted from 1970; null for calendars. */
  readonly everyMs: number | null
  /** `minute hour dayOfMonth dayOfWeek`, several joined by `; `, as `30 4 * *; 0 6-8 * MONDAY`. */
  readonly calendars: string | null
  /** IANA zone of the calendars; null is UTC. */
  readonly timezone: string | null
}

/** Spec texts that cannot be read: somebody wrote one on the server that no job declares. */
export class FireSpecError extends Error {
  override readonly name = 'FireSpecError'
}

/**
 * The nominal times after `after` and not after `until`, in order, the first `limit`. Throws
 * FireSpecError on a calendar that cannot be read.
 */
export function expectedFires(
  spec: FireSpec,
  window: { readonly after: Instant; readonly until: Instant },
  limit: number,
): Instant[] {
  if (spec.everyMs !== null) return everyFires(spec.everyMs, window, limit)
  if (spec.calendars === null) return []
  return calendarFires(spec.calendars, spec.timezone ?? 'UTC', window, limit)
}

type Window = Parameters<typeof expectedFires>[1]

function everyFires(everyMs: number, { after, until }: Window, limit: number): Instant[] {
  const fires: Instant[] = []
  const untilMs = toMs(until)
  let atMs = (Math.floor(toMs(after) / everyMs) + 1) * everyMs
  for (; atMs <= untilMs && fires.length < limit; atMs += everyMs) fires.push(instantFromMs(atMs))
  return fires
}

type Calendar = {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly daysOfMonth: ReadonlySet<number>
  readonly daysOfWeek: ReadonlySet<number>
}

function calendarFires(
  text: string,
  zone: string,
  { after, until }: Window,
  limit: number,
): Instant[] {
  const calendars = text.split('; ').map(readCalendar)
  const fires = new Set<Instant>()
  // Noon of each day on the wall; a day more on either side for the zone's offset.
  const lastMs = toMs(until) + DAY_MS
  for (let dayMs = toMs(after) - DAY_MS; dayMs <= lastMs; dayMs += DAY_MS) {
    const date = localDateAt(instantFromMs(dayMs), zone)
    for (const wall of calendars.flatMap((calendar) => wallTimesOn(calendar, date))) {
      for (const at of instantsOfLocal(`${date}T${wall}`, zone)) {
        if (at > after && at <= until) fires.add(at)
      }
    }
    // Days are in order: what is later than a full set cannot come before its last.
    if (fires.size > limit * 2) break
  }
  return [...fires].sort().slice(0, limit)
}

function wallTimesOn(calendar: Calendar, date: string): string[] {
  const day = new Date(`${date}T00:00:00Z`)
  const isDay =
    calendar.daysOfMonth.has(day.getUTCDate()) && calendar.daysOfWeek.has(day.getUTCDay())
  if (!isDay) return []
  const two = (value: number): string => String(value).padStart(2, '0')
  return calendar.hours.flatMap((hour) =>
    calendar.minutes.map((minute) => `${two(hour)}:${two(minute)}`),
  )
}

const DAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY']

function readCalendar(text: string): Calendar {
  const [minute, hour, dayOfMonth, dayOfWeek, ...rest] = text.split(' ')
  if (dayOfWeek === undefined || rest.length > 0) throw new FireSpecError(`not a calendar: ${text}`)
  return {
    minutes: readRanges(minute ?? '', 0, 59),
    hours: readRanges(hour ?? '', 0, 23),
    daysOfMonth: new Set(readRanges(dayOfMonth ?? '', 1, 31)),
    daysOfWeek: new Set(readRanges(dayOfWeek, 0, 6)),
  }
}

function readRanges(text: string, least: number, greatest: number): number[] {
  if (text === '*') return numbers(least, greatest)
  return text.split(',').flatMap((range) => {
    const [first = '', last = first] = range.split('-').map((part) => {
      const day = DAYS.indexOf(part)
      return day === -1 ? part : String(day)
    })
    const [start, end] = [Number(first), Number(last)]
    const isRange = Number.isInteger(start) && Number.isInteger(end) && first !== ''
    if (!isRange || start < least || end > greatest) {
      throw new FireSpecError(`not a calendar field: ${text}`)
    }
    return numbers(start, end)
  })
}

function numbers(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start + 1) }, (_, i) => start + i)
}

/** What became of a fire that did not happen as it should. */
export const GAP_KINDS = ['missing', 'late', 'double', 'overlap', 'paused'] as const

/** `missing` and `double` are alarms, `late` is told, `overlap` and `paused` are accounted for. */
export type GapKind = (typeof GAP_KINDS)[number]

/** A start later than this, beyond the schedule's own spread, is late. The server needs some 50 ms. */
export const LATE_AFTER_MS = 10 * SECOND_MS

/** A run that a schedule started. `isGoneOn`: an earlier attempt or history of another run here. */
export type FiredRun = {
  readonly runId: string
  readonly nominalAt: Instant
  readonly startedAt: Instant
  readonly closedAt: Instant | null
  readonly isGoneOn: boolean
}

/** One fire that did not happen as it should. */
export type FireGap = {
  readonly nominalAt: Instant
  readonly kind: GapKind
  /** The run that was late, the second run, or the open run that was in the way. */
  readonly causeRunId: string | null
  readonly latenessMs: number | null
}

/** What is known when fires are judged. */
export type FireEvidence = {
  readonly expected: readonly Instant[]
  /** Runs with these nominal times, and those open at any of them. */
  readonly runs: readonly FiredRun[]
  readonly isPaused: boolean
  /** Fires of a schedule that may overlap itself are never skipped for that. */
  readonly mayOverlap: boolean
  readonly jitterMs: number
}

/** Judges fires. A fire without an entry happened once and in time. */
export function judgeFires(evidence: FireEvidence): FireGap[] {
  const byNominal = new Map<Instant, FiredRun[]>()
  for (const run of evidence.runs.filter(({ isGoneOn }) => !isGoneOn)) {
    byNominal.set(run.nominalAt, [...(byNominal.get(run.nominalAt) ?? []), run])
  }
  return evidence.expected.flatMap((nominalAt) => {
    const gap = judge(nominalAt, byNominal.get(nominalAt) ?? [], evidence)
    return gap === null ? [] : [gap]
  })
}

function judge(
  nominalAt: Instant,
  runs: readonly FiredRun[],
  { isPaused, mayOverlap, jitterMs, runs: all }: FireEvidence,
): FireGap | null {
  const [first, second] = runs.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1))
  if (second !== undefined) {
    return { nominalAt, kind: 'double', causeRunId: second.runId, latenessMs: null }
  }
  if (first !== undefined) {
    const latenessMs = toMs(first.startedAt) - toMs(nominalAt)
    if (latenessMs <= LATE_AFTER_MS + jitterMs) return null
    return { nominalAt, kind: 'late', causeRunId: first.runId, latenessMs }
  }
  if (isPaused) return { nominalAt, kind: 'paused', causeRunId: null, latenessMs: null }
  const inTheWay = mayOverlap ? undefined : all.find((run) => wasOpenAt(run, nominalAt))
  const kind = inTheWay === undefined ? 'missing' : 'overlap'
  return { nominalAt, kind, causeRunId: inTheWay?.runId ?? null, latenessMs: null }
}

/** The server looks whether a run is open some moments after the nominal time. */
const LOOKS_AFTER_MS = SECOND_MS

function wasOpenAt({ nominalAt, startedAt, closedAt }: FiredRun, at: Instant): boolean {
  const looks = addMs(at, LOOKS_AFTER_MS)
  return nominalAt < at && startedAt <= looks && (closedAt === null || closedAt >= at)
}
