/** Schedules as the server has them now: paused or not, and when they fire next. */
import type { Instant } from '../time.ts'

/** One schedule's state. */
export type ScheduleState = {
  readonly scheduleId: string
  readonly isPaused: boolean
  /** What was said at the last pause or resume. */
  readonly note: string | null
  /** Null when paused, or when it never fires again. */
  readonly nextAt: Instant | null
}

/** Reads states. */
export interface ScheduleStates {
  /** Those that exist; errors are the server's and may be retried. */
  read(scheduleIds: readonly string[]): Promise<ScheduleState[]>
}
