/**
 * The dead-man's switch: computes when every schedule should have fired, compares that with the runs
 * that are kept, accounts for each fire, and starts the run of a missing one while it is not overdue.
 */
import { expectedFires, judgeFires, LATE_AFTER_MS, type FireGap } from '../domain/expected-fires.ts'
import type {
  ScheduleMark,
  ScheduleWatchStore,
  WatchedSchedule,
  WatchedSchedules,
} from '../domain/ports/schedule-watch.ts'
import { addMs, earlier, later, msBetween, SECOND_MS, type Instant } from '../domain/time.ts'
import type { Events } from '../platform/events.ts'
import { canonicalJson } from './canonical-json.ts'

/** What the switch works over. */
export type WatchDeps = {
  readonly watched: WatchedSchedules
  readonly watchStore: ScheduleWatchStore
  readonly events: Pick<Events, 'firesMissed' | 'fireHealed' | 'scheduleAbsent'>
  /** A fire is judged this long after its time. Milliseconds; JUDGED_AFTER_MS when left out. */
  readonly judgedAfterMs?: number | undefined
}

/** Until then the server starts what is due, and its lists lag. */
const JUDGED_AFTER_MS = 15 * SECOND_MS

/**
 * A missing fire is made up for only at a later look: a server that was away catches up by itself, and
 * would start a second run once ours had closed.
 */
const HEALED_AFTER_MS = 30 * SECOND_MS

/** Fires judged for one schedule at one look: more go on at the next. */
const FIRES_PER_LOOK = 5_000

/** Missing fires looked at again, and runs started for one schedule, at one look. */
const MISSING_PER_LOOK = 200
const HEALS_PER_LOOK = 10

/** Missing fires are looked at again for so long. */
const LOOKED_AT_FOR_MS = 24 * 60 * 60 * SECOND_MS

/** How one look went. */
export type WatchedFires = {
  readonly gaps: number
  readonly alarms: number
  readonly healed: number
}

/**
 * One look at these schedules. `until`: up to when runs are kept. May be repeated; a look that is lost
 * is made up for by the next, however much later.
 */
export async function watchSchedules(
  deps: WatchDeps,
  scheduleIds: readonly string[],
  { until, now }: { readonly until: Instant; readonly now: Instant },
): Promise<WatchedFires> {
  const [marks, schedules] = await Promise.all([
    deps.watchStore.readMarks(scheduleIds),
    deps.watched.read(scheduleIds),
  ])
  const { judgedAfterMs = JUDGED_AFTER_MS } = deps
  const total = { gaps: 0, alarms: 0, healed: 0 }
  for (const scheduleId of scheduleIds) {
    const mark = marks.find((one) => one.scheduleId === scheduleId)
    const schedule = schedules.find((one) => one.scheduleId === scheduleId)
    if (schedule === undefined) deps.events.scheduleAbsent({ schedule: scheduleId })
    const present = schedule ?? absent(mark)
    if (present === null) continue
    const judgedUntil = addMs(until, -judgedAfterMs - present.spec.jitterMs)
    const gaps = await look(deps, mark, present, { judgedUntil, now })
    const healed = present.isPaused ? 0 : await lookAgain(deps, present, now)
    total.gaps += gaps.length
    total.alarms += tell(deps, scheduleId, gaps)
    total.healed += healed
  }
  return total
}

/** A schedule that is not on the server should still fire as it did. */
function absent(mark: ScheduleMark | undefined): WatchedSchedule | null {
  if (mark === undefined) return null
  return { ...mark, isPaused: false, changedAt: null }
}

async function look(
  deps: WatchDeps,
  mark: ScheduleMark | undefined,
  schedule: WatchedSchedule,
  { judgedUntil, now }: { readonly judgedUntil: Instant; readonly now: Instant },
): Promise<FireGap[]> {
  const { scheduleId, spec, isPaused, changedAt } = schedule
  // Seen for the first time: nothing was expected of it before, least of all before it was made.
  const from = mark?.checkedUntil ?? later(judgedUntil, changedAt ?? judgedUntil)
  const until = later(from, judgedUntil)
  // A pause somewhere between two looks accounts for what did not fire between them.
  const wasPaused = isPaused || (mark?.isPaused ?? false)
  const { expected, checkedUntil } = expectedSince(mark ?? schedule, schedule, { from, until })
  const runs = await deps.watchStore.firedRuns(scheduleId, { after: from, until: checkedUntil })
  const { mayOverlap, jitterMs } = spec
  const gaps = judgeFires({ expected, runs, isPaused: wasPaused, mayOverlap, jitterMs })
  await deps.watchStore.mark({ scheduleId, spec, isPaused, checkedUntil }, gaps, now)
  return gaps
}

/** Fires by the spec that held: the one of the last look until it was changed, then the present one. */
function expectedSince(
  before: Pick<ScheduleMark, 'spec'>,
  schedule: WatchedSchedule,
  { from, until }: { readonly from: Instant; readonly until: Instant },
): { expected: Instant[]; checkedUntil: Instant } {
  const { changedAt, spec } = schedule
  const isChanged = canonicalJson(before.spec) !== canonicalJson(spec)
  const turn = isChanged ? earlier(until, later(from, changedAt ?? from)) : from
  const parts = [
    { spec: before.spec, after: from, until: turn },
    { spec, after: turn, until },
  ]
  const expected = parts.flatMap((part) => expectedFires(part.spec, part, FIRES_PER_LOOK))
  if (expected.length < FIRES_PER_LOOK) return { expected, checkedUntil: until }
  const taken = expected.slice(0, FIRES_PER_LOOK)
  return { expected: taken, checkedUntil: taken.at(-1) ?? until }
}

/** Missing fires that happened after all are late; the others are made up for within the policy. */
async function lookAgain(
  deps: WatchDeps,
  { scheduleId, spec }: WatchedSchedule,
  now: Instant,
): Promise<number> {
  const since = addMs(now, -LOOKED_AT_FOR_MS)
  const missing = await deps.watchStore.missing(scheduleId, since, MISSING_PER_LOOK)
  const oldest = missing.at(-1)
  if (oldest === undefined) return 0
  const window = { after: addMs(oldest.nominalAt, -1), until: now }
  const runs = await deps.watchStore.firedRuns(scheduleId, window)
  let healed = 0
  let isCovered = false
  for (const { nominalAt, foundAt } of missing) {
    const run = runs.find((one) => one.nominalAt === nominalAt)
    if (run !== undefined) {
      const latenessMs = msBetween(nominalAt, run.startedAt)
      const isLate = latenessMs > LATE_AFTER_MS + spec.jitterMs
      const found = { runId: run.runId, latenessMs: isLate ? latenessMs : null, isHealed: false }
      await deps.watchStore.resolve(scheduleId, nominalAt, found)
      continue
    }
    const isRipe = msBetween(foundAt, now) >= HEALED_AFTER_MS
    const isInTime = msBetween(nominalAt, now) <= spec.catchUpMs
    // Where runs must not overlap, the newest makes up for those before it.
    if (!isRipe || !isInTime || isCovered || healed >= HEALS_PER_LOOK) continue
    isCovered = !spec.mayOverlap
    if (!spec.mayOverlap && runs.some((one) => one.closedAt === null)) continue
    const { kind, runId } = await deps.watched.fire(scheduleId, nominalAt)
    if (kind === 'exists' || runId === null) continue
    await deps.watchStore.resolve(scheduleId, nominalAt, {
      runId,
      latenessMs: null,
      isHealed: true,
    })
    deps.events.fireHealed({ schedule: scheduleId, nominalAt, runId })
    healed += 1
  }
  return healed
}

/** Missing and double fires are an alarm. */
function tell({ events }: WatchDeps, schedule: string, gaps: readonly FireGap[]): number {
  const count = (kind: FireGap['kind']) => gaps.filter((gap) => gap.kind === kind).length
  const [missing, double, late] = [count('missing'), count('double'), count('late')]
  if (missing + double + late === 0) return 0
  const { nominalAt: first } = gaps[0] ?? { nominalAt: null }
  events.firesMissed({ schedule, missing, double, late, first })
  return missing + double
}
