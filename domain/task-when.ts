/** When a task runs, as people say it: exactly one of four ways. Pure. */
import { CronError, cronCalendars } from './cron.ts'
import { DurationError, durationMs } from './duration.ts'
import { TaskTimingError, type TaskTiming } from './task.ts'
import type { Instant } from './time.ts'
import { isCalendar, type DstRule, type WallCalendar } from './wall-schedule.ts'
import { isZone } from './zone.ts'

/** The ways; `timezone` and `dst` belong to times on a wall. */
export type TaskWhen = {
  /** Once; a past time is now. */
  readonly executeAt?: Instant | undefined
  /** Milliseconds, or text as `15 minutes`. */
  readonly every?: number | string | undefined
  readonly cron?: string | undefined
  readonly calendars?: readonly WallCalendar[] | undefined
  /** IANA. Default UTC. */
  readonly timezone?: string | undefined
  /** Default `shift`. */
  readonly dst?: DstRule | undefined
}

/** Calendars of one task at most. */
export const CALENDARS_AT_MOST = 60

/** The timing that is meant. Throws TaskTimingError when none or several are given, or one is wrong. */
export function timingOf(when: TaskWhen): TaskTiming {
  const { executeAt, every, cron, calendars, timezone = 'UTC', dst = 'shift' } = when
  const given = [executeAt, every, cron, calendars].filter((way) => way !== undefined)
  if (given.length !== 1) {
    throw new TaskTimingError('exactly one of executeAt, every, cron and calendars')
  }
  const isOnWall = cron !== undefined || calendars !== undefined
  if (!isOnWall && (when.timezone !== undefined || when.dst !== undefined)) {
    throw new TaskTimingError('timezone and dst belong to cron and calendars')
  }
  if (executeAt !== undefined) return { kind: 'once', at: executeAt }
  if (every !== undefined) return { kind: 'interval', everyMs: explained(() => durationMs(every)) }
  if (!isZone(timezone)) throw new TaskTimingError(`${timezone} is no zone, as Europe/Berlin`)
  const times = calendars ?? explained(() => cronCalendars(cron ?? ''))
  const isKept = times.length > 0 && times.length <= CALENDARS_AT_MOST && times.every(isCalendar)
  if (!isKept)
    throw new TaskTimingError(`1 to ${CALENDARS_AT_MOST} calendars, each within its ranges`)
  return { kind: 'wall', calendars: times, timezone, dst, cron: cron ?? null }
}

function explained<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof CronError) && !(error instanceof DurationError)) throw error
    throw new TaskTimingError(error.message, { cause: error })
  }
}
