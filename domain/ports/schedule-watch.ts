/** The dead-man's switch's memory, and the server's schedules that it watches. */
import type { FiredRun, FireGap, FireSpec, GapKind } from '../expected-fires.ts'
import type { Instant } from '../time.ts'

/** A schedule as it was looked at. */
export type WatchedSpec = FireSpec & {
  readonly mayOverlap: boolean
  readonly jitterMs: number
  /** How overdue a run may start. */
  readonly catchUpMs: number
}

/** One schedule on the server. */
export type WatchedSchedule = {
  readonly scheduleId: string
  readonly spec: WatchedSpec
  readonly isPaused: boolean
  /** When it was made, or changed last; null where that is not known. */
  readonly changedAt: Instant | null
}

/** What was known at the last look. */
export type ScheduleMark = {
  readonly scheduleId: string
  readonly spec: WatchedSpec
  readonly isPaused: boolean
  readonly checkedUntil: Instant
}

/** What became of the start that makes up for a fire. */
export type HealOutcome = { readonly kind: 'started' | 'exists'; readonly runId: string | null }

/** Schedules on the server. Errors are the server's and may be retried. */
export interface WatchedSchedules {
  read(scheduleIds: readonly string[]): Promise<WatchedSchedule[]>
  /** Starts the run of a nominal time under the id that the schedule would give it; never a second. */
  fire(scheduleId: string, nominalAt: Instant): Promise<HealOutcome>
}

/** A fire that is missing and was found before. */
export type MissingFire = { readonly nominalAt: Instant; readonly foundAt: Instant }

/** What people see of a schedule's fires, over the last day. */
export type FireFigures = {
  readonly scheduleId: string
  readonly gaps: Readonly<Record<GapKind, number>>
  /** Missing or double, the newest. */
  readonly lastAlarmAt: Instant | null
  /** From nominal time to start. */
  readonly latenessP50Ms: number | null
  readonly latenessP99Ms: number | null
}

/** The memory. */
export interface ScheduleWatchStore {
  readMarks(scheduleIds: readonly string[]): Promise<ScheduleMark[]>
  /** Runs of a schedule with a nominal time in the window, and those open within it. */
  firedRuns(
    scheduleId: string,
    window: { readonly after: Instant; readonly until: Instant },
  ): Promise<FiredRun[]>
  /** Keeps a look and what it found, in one transaction. A gap that is known keeps its first find. */
  mark(mark: ScheduleMark, gaps: readonly FireGap[], at: Instant): Promise<void>
  /** Missing fires that are not healed, found at `since` or later, the newest first. */
  missing(scheduleId: string, since: Instant, limit: number): Promise<MissingFire[]>
  /** A missing fire that happened after all. `latenessMs` is null when it was in time and only seen late. */
  resolve(
    scheduleId: string,
    nominalAt: Instant,
    found: {
      readonly runId: string
      readonly latenessMs: number | null
      readonly isHealed: boolean
    },
  ): Promise<void>
  prune(before: Instant, limit: number): Promise<number>
  figures(scheduleIds: readonly string[]): Promise<FireFigures[]>
}
