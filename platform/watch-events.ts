/** Events of what watches the platform: dead letters, fires of schedules, tasks. Part of `events.ts`. */
import type { Logger } from './logger.ts'

type Deps = { readonly logger: Logger }

/** The events. */
export type WatchEvents = ReturnType<typeof buildEvents>

/** Events that write through this logger. */
export function watchEvents(deps: Deps): WatchEvents {
  return buildEvents(deps)
}

function buildEvents({ logger }: Deps) {
  return {
    /** Runs died, or letters were closed without a person. Archived ones were too many to stay open. */
    deadLettersSwept(letters: {
      readonly opened: number
      readonly covered: number
      readonly recovered: number
      readonly archived: number
    }): void {
      if (letters.archived > 0) logger.error(letters, 'dead-letters-archived')
      if (letters.opened > 0) logger.error(letters, 'dead-letters-opened')
      else if (letters.covered + letters.recovered > 0) logger.info(letters, 'dead-letters-closed')
    },
    /** A schedule did not fire, fired twice or late, by a computation of its own. */
    firesMissed(fires: {
      readonly schedule: string
      readonly missing: number
      readonly double: number
      readonly late: number
      readonly first: string | null
    }): void {
      if (fires.missing + fires.double > 0) logger.error(fires, 'schedule-fires-missed')
      else logger.warn(fires, 'schedule-fires-late')
    },
    /** A run was started for a fire that did not happen. */
    fireHealed(fire: {
      readonly schedule: string
      readonly nominalAt: string
      readonly runId: string
    }): void {
      logger.warn(fire, 'schedule-fire-healed')
    },
    /** A task's times came and no run of it could start within its tolerance. */
    taskMissed(task: {
      readonly taskId: string
      readonly job: string
      readonly owner: string
      readonly first: string
      readonly count: number
    }): void {
      logger.error(task, 'task-missed')
    },
    /** The server could not be made to follow a task; it is tried again. */
    taskNotApplied(task: {
      readonly taskId: string
      readonly job: string
      readonly error: unknown
    }): void {
      logger.error(task, 'task-not-applied')
    },
    /** A schedule that a job declares is not on the server. */
    scheduleAbsent(absent: { readonly schedule: string }): void {
      logger.error(absent, 'schedule-absent')
    },
  }
}
