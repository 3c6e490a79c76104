/**
 * When a schedule should fire, computed without asking the server that fires it, and what is made of
 * fires that did not happen. Pure.
 */
import { addMs, DAY_MS, instantFromMs, SECOND_MS, toMs, type Instant } from './time.ts'
import { wallFires, type WallSchedule } from './wall-schedule.ts'

/** When a schedule fires: an interval, times on a wall, or once. None of them never fires. */
export type FireSpec = {
  /** Milliseconds between fires, counted from 1970; null for times on a wall. */
  readonly everyMs: number | null
  /** An interval's fires are later by this, less than `everyMs`. Default 0. */
  readonly offsetMs?: number
  readonly wall: WallSchedule | null
  /** A single time; left out for what recurs. */
  readonly onceAt?: Instant
}

/** The nominal times after `after` and not after `until`, in order, the first `limit`. */
export function expectedFires(
  { everyMs, offsetMs = 0, wall, onceAt }: FireSpec,
  window: { readonly after: Instant; readonly until: Instant },
  limit: number,
): Instant[] {
  const [fromMs, untilMs] = [toMs(window.after) + 1, toMs(window.until) + 1]
  if (onceAt !== undefined) {
    return onceAt > window.after && onceAt <= window.until ? [onceAt] : []
  }
  if (wall !== null) return wallFires(wall, { fromMs, untilMs, limit }).map(instantFromMs)
  if (everyMs === null) return []
  const fires: Instant[] = []
  let atMs = Math.ceil((fromMs - offsetMs) / everyMs) * everyMs + offsetMs
  for (; atMs < untilMs && fires.length < limit; atMs += everyMs) fires.push(instantFromMs(atMs))
  return fires
}

/** Windows in which the last fire is looked for, the likely ones first: a fire a year is the least. */
const LOOK_BACK_MS = [2 * DAY_MS, 40 * DAY_MS, 400 * DAY_MS]

/** The last nominal time that is not after `at`; null when there is none within 400 days. */
export function lastFire(spec: FireSpec, at: Instant): Instant | null {
  const { everyMs, offsetMs = 0, wall, onceAt } = spec
  if (onceAt === undefined && wall === null && everyMs !== null) {
    return instantFromMs(Math.floor((toMs(at) - offsetMs) / everyMs) * everyMs + offsetMs)
  }
  for (const backMs of LOOK_BACK_MS) {
    const last = expectedFires(spec, { after: addMs(at, -backMs), until: at }, Infinity).at(-1)
    if (last !== undefined) return last
  }
  return null
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
